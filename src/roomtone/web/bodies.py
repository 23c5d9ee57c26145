"""Request bodies, read within limits: size on the wire, size when inflated, and time."""

import asyncio
import zlib

from starlette.requests import ClientDisconnect, Request

from roomtone.model.errors import BadRequest, TooLarge
from roomtone.model.limits import MAX_BODY_BYTES, MAX_INFLATED_BYTES

_GZIP = 31  # window bits that make zlib expect a gzip header
BODY_S = 60.0
"""How long a body may take to arrive: 4 MB over half a megabit a second."""


async def read_body(request: Request) -> bytes:
    """The whole body, inflated if it says gzip. Raises TooLarge or BadRequest."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > MAX_BODY_BYTES:
        raise _too_large()
    try:
        async with asyncio.timeout(BODY_S):
            body = await _received(request)
    except TimeoutError:
        raise BadRequest(f"The body did not arrive within {BODY_S:g} seconds.") from None
    except ClientDisconnect:
        # Nobody is left to read it; it only keeps a hang-up from looking like a fault of ours.
        raise BadRequest("The connection ended before the body did.") from None
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding == "gzip":
        return inflate(body)
    raise BadRequest(f"Content-Encoding {encoding[:20]!r} is not known here; send gzip or nothing.")


async def _received(request: Request) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > MAX_BODY_BYTES:
            raise _too_large()
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def inflate(body: bytes) -> bytes:
    """Undo gzip, at most to the limit: a bomb stops there."""
    machine = zlib.decompressobj(_GZIP)
    try:
        plain = machine.decompress(body, MAX_INFLATED_BYTES)
    except zlib.error as error:
        raise BadRequest(f"The body says gzip but does not inflate: {error}.") from None
    if machine.unconsumed_tail:
        raise TooLarge(
            f"The body inflates to more than {MAX_INFLATED_BYTES} bytes; send fewer entries."
        )
    if not machine.eof:
        raise BadRequest("The gzip body ends too early.")
    return plain


def _too_large() -> TooLarge:
    return TooLarge(
        f"The body is larger than {MAX_BODY_BYTES} bytes; send fewer entries at a time."
    )
