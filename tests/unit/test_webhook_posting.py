"""The courier on real sockets: receivers that hang, redirect, chatter, or are not who they said."""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable

import pytest

from roomtone.jobs import posting
from roomtone.jobs.posting import HttpCourier
from roomtone.ports.courier import Answer

Receive = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def request_of(reader: asyncio.StreamReader) -> tuple[str, dict[str, str], bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    return head[0], headers, await reader.readexactly(int(headers["content-length"]))


def posting_to(
    receive: Receive, path: str = "/", host: str = "127.0.0.1", **settings: bool
) -> Answer:
    """The answer of a receiver that lives for one request."""

    async def main() -> Answer:
        server = await asyncio.start_server(receive, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        courier = HttpCourier(**{"allow_private": True, **settings})
        try:
            return await courier.post(f"http://{host}:{port}{path}", {"rtk-uuid": "u"}, b"{}")
        finally:
            await courier.close()
            server.close()

    return asyncio.run(main())


def answering(text: str) -> Receive:
    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(text.encode())
        await writer.drain()
        writer.close()

    return receive


def test_a_request_is_what_it_says():
    seen = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await request_of(reader))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        writer.close()

    answer = posting_to(receive, "/a%20b?c=d")
    ((line, headers, body),) = seen

    assert answer.status == 204
    assert line == "POST /a%20b?c=d HTTP/1.1"
    assert headers["host"].startswith("127.0.0.1:")
    assert headers["user-agent"].startswith("roomtone/")
    assert headers["rtk-uuid"] == "u"
    assert body == b"{}"


def test_a_redirect_is_an_answer_and_is_not_followed():
    asked = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await request_of(reader))[0])
        writer.write(b"HTTP/1.1 302 Found\r\nlocation: /else\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    assert posting_to(receive).status == 302
    assert asked == ["POST / HTTP/1.1"]


def test_of_a_long_answer_only_the_beginning_is_read():
    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 65536)
                await writer.drain()
        except ConnectionError:
            pass

    answer = posting_to(receive)

    assert answer.status == 200
    assert answer.body == "x" * posting.BODY_BYTES


def test_a_receiver_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr(posting, "TOTAL_S", 0.3)

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        await asyncio.sleep(5)

    begun = time.monotonic()
    answer = posting_to(receive)

    assert answer.status is None
    assert "0.3 s" in answer.error
    assert time.monotonic() - begun < 2


def test_one_that_drips_its_headers_is_given_up_too(monkeypatch):
    monkeypatch.setattr(posting, "TOTAL_S", 0.5)

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while True:
                writer.write(b"x-more: y\r\n")
                await writer.drain()
                await asyncio.sleep(0.05)
        except ConnectionError:
            pass

    assert posting_to(receive).status is None


def test_a_status_counts_even_if_its_body_never_comes(monkeypatch):
    monkeypatch.setattr(posting, "BODY_S", 0.2)

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await request_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nab")
        await writer.drain()
        await asyncio.sleep(5)

    answer = posting_to(receive)

    assert (answer.status, answer.body) == (200, "ab")


@pytest.mark.parametrize(
    "text",
    ["", "nonsense\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n"],
)
def test_what_is_no_answer_is_told_as_none(text):
    answer = posting_to(answering(text))

    assert answer.status is None
    assert answer.error


def test_an_answer_that_is_no_text_is_kept_as_text():
    answer = posting_to(answering("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\na\x00b"))

    assert answer.body == "a\ufffdb"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_private_addresses_are_not_called_whatever_they_are_called(host):
    called = []

    async def receive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        called.append(1)
        writer.close()

    answer = posting_to(receive, host=host, allow_private=False)

    assert (answer.forbidden, answer.status, called) == (True, None, [])
    assert "webhooks_allow_private" in answer.error


def lookups(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let a name server answer so, one after another; the names it was asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: object, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 0)) for a in addresses]

    monkeypatch.setattr(posting.socket, "getaddrinfo", getaddrinfo)
    return asked


def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that are connected to, none of which answers."""
    tried: list[str] = []

    async def connect_tcp(self: object, host: str, *_: object) -> None:
        tried.append(host)
        raise posting.httpcore.ConnectError("nobody there")

    monkeypatch.setattr(posting.httpcore.AnyIOBackend, "connect_tcp", connect_tcp)
    return tried


def call(url: str, **settings: bool) -> Answer:
    async def main() -> Answer:
        courier = HttpCourier(**{"allow_private": False, **settings})
        try:
            return await courier.post(url, {}, b"{}")
        finally:
            await courier.close()

    return asyncio.run(main())


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch):
    """A name that is public when it is looked at and private a moment later gains nothing."""
    asked = lookups(monkeypatch, ["93.184.215.14"], ["127.0.0.1"])
    tried = connections(monkeypatch)

    answer = call("https://rebinding.example/")

    assert asked == ["rebinding.example"]
    assert tried == ["93.184.215.14"]
    assert answer.error == "no answer: nobody there"
    assert not answer.forbidden


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch):
    lookups(monkeypatch, ["93.184.215.14", "10.0.0.7"])
    tried = connections(monkeypatch)

    answer = call("https://two-faced.example/")

    assert answer.forbidden
    assert "10.0.0.7" in answer.error
    assert tried == []


def test_the_next_address_is_tried_when_one_does_not_answer(monkeypatch):
    lookups(monkeypatch, ["93.184.215.14", "93.184.215.15"])
    tried = connections(monkeypatch)
    call("http://example.com/")

    assert tried == ["93.184.215.14", "93.184.215.15"]


def test_a_name_server_that_hangs_holds_up_nobody_else(monkeypatch):
    monkeypatch.setattr(posting, "TOTAL_S", 0.4)
    asked = []

    def getaddrinfo(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        asked.append(host)
        if host.startswith("dead"):
            time.sleep(1.5)
        raise socket.gaierror("unknown")

    monkeypatch.setattr(posting.socket, "getaddrinfo", getaddrinfo)

    async def main() -> tuple[float, list[Answer]]:
        courier = HttpCourier(allow_private=False)
        await courier.post("http://first.example/", {}, b"")
        dead = [
            asyncio.create_task(courier.post(f"http://dead{n}.example/", {}, b""))
            for n in range(40)
        ]
        await asyncio.sleep(0.05)
        begun = asyncio.get_running_loop().time()
        live = await courier.post("http://live.example/", {}, b"")
        took = asyncio.get_running_loop().time() - begun
        gathered = await asyncio.gather(*dead)
        again = await courier.post("http://dead0.example/", {}, b"")
        return took, [live, *gathered, again]

    took, answers = asyncio.run(main())

    assert took < 0.3
    assert "cannot be looked up" in answers[0].error
    assert all("no answer within" in answer.error for answer in answers[1:])
    assert asked.count("dead0.example") == 1  # still being looked up: joined, not asked again


def test_proxies_of_the_environment_are_not_used(monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    lookups(monkeypatch, ["93.184.215.14"])
    tried = connections(monkeypatch)
    call("http://example.com/")

    assert tried == ["93.184.215.14"]


def test_a_certificate_that_is_not_the_names_is_no_answer(tmp_path):
    """TLS is checked against the name, though the connection goes to an address."""
    context, port_of = tls_receiver(tmp_path)

    async def main() -> Answer:
        server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0, ssl=context)
        courier = HttpCourier(allow_private=True)
        try:
            return await courier.post(f"https://localhost:{port_of(server)}/", {}, b"{}")
        finally:
            await courier.close()
            server.close()

    answer = asyncio.run(main())

    assert answer.status is None
    assert "CERTIFICATE" in answer.error.upper()


def test_tls_names_the_host_not_the_address(tmp_path):
    names = []
    context, port_of = tls_receiver(tmp_path)
    context.sni_callback = lambda connection, name, _: names.append(name)

    async def main() -> None:
        server = await asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", 0, ssl=context)
        courier = HttpCourier(allow_private=True)
        await courier.post(f"https://localhost:{port_of(server)}/", {}, b"{}")
        await courier.close()
        server.close()

    asyncio.run(main())

    assert names == ["localhost"]


def tls_receiver(folder):
    """A server's TLS with a certificate that nobody trusts."""
    import ssl
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "other.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "receiver.pem").write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "receiver.pem")
    return context, lambda server: server.sockets[0].getsockname()[1]
