"""What ``roomtone doctor`` says of the certificate that people are shown at the address: a real
server that speaks TLS, and certificates of every age and name."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from roomtone.cli import roomtone

DAY = timedelta(days=1)


class Ready(BaseHTTPRequestHandler):
    """Says that it is ready, to whoever comes through TLS."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"status": "ready"}')

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Quiet(HTTPServer):
    def handle_error(self, *_: object) -> None:
        """Whoever trusts no certificate hangs up in the middle of it: that is what is tested."""


def certificate(folder: Path, name: str, left: timedelta) -> tuple[Path, Path]:
    """One that signs itself, for a name and a time; the files of it and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    called = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    ends = datetime.now(UTC) + left
    made = (
        x509.CertificateBuilder()
        .subject_name(called)
        .issuer_name(called)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(ends - 100 * DAY)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(made.public_bytes(Encoding.PEM))
    secret.touch(mode=0o600)
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return pem, secret


@contextmanager
def served(pem: Path, key: Path) -> Iterator[str]:
    """A server that shows it; its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    with _Quiet(("127.0.0.1", 0), Ready) as server:
        # The handshake is the request's: one that fails must not end the server.
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"https://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def found(folder: Path, **settings: object) -> dict[str, Any]:
    """What the doctor found, by name."""
    variables = {f"ROOMTONE_{name.upper()}": str(value) for name, value in settings.items()}
    asked = ["doctor", "--json", "--data", str(folder / "data")]
    done = CliRunner().invoke(roomtone, asked, env=variables)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return {one["check"]: one for one in json.loads(done.stdout)}


@pytest.mark.parametrize(
    ("name", "left", "says"),
    [
        ("localhost", 30 * DAY, None),
        ("localhost", 3 * DAY, "good until"),
        ("localhost", -DAY, "expired"),
        ("other.example", 30 * DAY, "Hostname mismatch"),
    ],
    ids=["fine", "ends soon", "expired", "of another host"],
)
def test_the_doctor_looks_at_the_certificate_that_people_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, left: timedelta, says: str | None
) -> None:
    pem, key = certificate(tmp_path, name, left)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with served(pem, key) as url:
        address = found(tmp_path, base_url=url)["address"]
    assert address["ok"] == (says is None), address
    assert (says or "200") in address["found"]
    assert says is None or "certificate" in address["advice"]


def test_the_doctor_trusts_no_certificate_that_nobody_vouches_for(tmp_path: Path) -> None:
    with served(*certificate(tmp_path, "localhost", 30 * DAY)) as url:
        address = found(tmp_path, base_url=url)["address"]
    assert not address["ok"]
    assert "self-signed" in address["found"]


def test_the_doctor_shows_no_password_of_an_address_that_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pem, key = certificate(tmp_path, "localhost", 30 * DAY)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    with served(pem, key) as url:
        address = found(tmp_path, base_url=url.replace("//", "//u:s3cr3t@"))["address"]
    assert address["ok"]
    assert "s3cr3t" not in str(address)


@pytest.mark.parametrize("left", [30 * DAY, 3 * DAY, -DAY], ids=["fine", "ends soon", "expired"])
def test_the_doctor_looks_at_the_certificate_that_the_settings_name(
    tmp_path: Path, left: timedelta
) -> None:
    pem, key = certificate(tmp_path, "localhost", left)
    own = found(tmp_path, tls_certificate=pem, tls_key=key)["certificate"]
    assert own["ok"] == (left > 7 * DAY)
    assert f"{datetime.now(UTC) + left:%Y-%m-%d}" in own["found"]


def test_the_doctor_sees_a_key_of_another_certificate(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    pem, _ = certificate(tmp_path, "localhost", 30 * DAY)
    _, key = certificate(tmp_path / "other", "localhost", 30 * DAY)
    own = found(tmp_path, tls_certificate=pem, tls_key=key)["certificate"]
    assert not own["ok"]
    assert "tls_key" in own["advice"]
