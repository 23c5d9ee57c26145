"""A batch is refused unparsed only where no parser could see anything else in its bytes."""

from typing import Any

import httptools
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from roomtone.web.early import whole_batch

BODY = b'{"peer_id":"a"}'
HOST = b"host: a.example\r\n"
LENGTH = b"content-length: 15\r\n"


def request(
    *headers: bytes, line: bytes = b"POST /v1/collect HTTP/1.1", body: bytes = BODY
) -> bytes:
    return b"\r\n".join([line, *headers, b"content-length: %d" % len(body), b"", body])


@pytest.mark.parametrize(
    ("data", "path"),
    [
        (request(), "/v1/collect"),
        (request(b"Host: a.example", b"Connection: keep-alive", b"Accept: */*"), "/v1/collect"),
        (request(line=b"POST /v1/collect?token=a.b-c HTTP/1.1"), "/v1/collect"),
        (request(line=b"POST /in/janus/in_1 HTTP/1.1"), "/in/janus/in_1"),
        (request(body=b"\r\n\r\nPOST /v1/collect HTTP/1.1\r\n\r\n"), "/v1/collect"),
        (b"POST /v1/collect HTTP/1.1\r\nCONTENT-LENGTH:15\r\n\r\n" + BODY, "/v1/collect"),
    ],
)
def test_a_whole_batch_is_known(data: bytes, path: str) -> None:
    assert whole_batch(data) == (path, {})


def test_its_request_id_is_kept_as_it_was_given() -> None:
    found = whole_batch(request(b"host: a", b"X-Request-ID: Abc-1"))
    assert found == ("/v1/collect", {b"x-request-id": b"Abc-1"})


WHOLE = request(b"host: a.example")


@pytest.mark.parametrize(
    "data",
    [
        WHOLE[:-1],
        WHOLE + b"G",
        WHOLE * 2,
        WHOLE[1:],
        WHOLE.replace(b"POST", b"GET"),
        WHOLE.replace(b"/v1/collect", b"/v1/collector"),
        WHOLE.replace(b"/v1/collect", b"/v2/sessions"),
        WHOLE.replace(b"/v1/collect", b"/v1/%63ollect"),
        WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        request(b"transfer-encoding: chunked"),
        request(b"Expect: 100-continue"),
        request(b"Upgrade: websocket", b"Connection: upgrade"),
        request(b"connection: close"),
        request(b"connection: keep-alive, close"),
        request(b"connection : close"),
        request(b"content-length: 15"),
        request(b"content-length : 3"),
        request(b"a: b\r\n content-length: 3"),
        request(b"a: b\ncontent-length: 3"),
        request(b"a: b\rcontent-length: 3"),
        b"POST /v1/collect HTTP/1.1\r\n\r\n",
        b"",
    ],
)
def test_whatever_is_unusual_is_the_parsers(data: bytes) -> None:
    assert whole_batch(data) is None


class Seen:
    """What httptools makes of the bytes."""

    def __init__(self, data: bytes) -> None:
        self.begun = self.ended = 0
        self.url = b""
        self.parser = httptools.HttpRequestParser(self)
        self.failed = False
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.failed = True

    def on_message_begin(self) -> None:
        self.begun += 1

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_message_complete(self) -> None:
        self.ended += 1


PIECES = st.sampled_from(
    (
        *(b"POST /v1/collect HTTP/1.1\r\n", b"POST /in/x HTTP/1.1\r\n", b"GET / HTTP/1.1\r\n"),
        *(HOST, LENGTH, b"\r\n", BODY, b"\n", b"\r", b"a", b":", b"0\r\n\r\n"),
        *(b"content-length: 0\r\n", b"content-length:\t15\r\n", b"Content-Length : 15\r\n"),
        *(b"transfer-encoding: chunked\r\n", b"Transfer-Encoding:identity\r\n", b" folded\r\n"),
        *(b"connection: close\r\n", b"connection: keep-alive\r\n", b"expect: 100-continue\r\n"),
        *(b"\x00", b"x: \xff\r\n", b"x-request-id: 1\r\n", b"\x0btransfer-encoding: chunked\r\n"),
    )
)


@given(st.lists(PIECES, max_size=9).map(b"".join))
@example(WHOLE)
def test_where_it_ends_is_told_as_the_parser_tells_it(data: bytes) -> None:
    """A request that the parser would end elsewhere must not be answered: behind a proxy, the
    next one on this connection is another person's."""
    found = whole_batch(data)
    if found is None:
        return
    seen: Any = Seen(data)
    assert (seen.failed, seen.begun, seen.ended) == (False, 1, 1)
    assert seen.parser.should_keep_alive()
    assert seen.url.partition(b"?")[0].decode() == found[0]


@given(st.binary(max_size=200))
def test_any_bytes_are_taken(data: bytes) -> None:
    assert whole_batch(data) is None or data.startswith(b"POST ")
