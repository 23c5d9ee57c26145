"""Request bodies, read within limits: size on the wire, size when inflated, and time."""

import asyncio
import zlib

from starlette.requests import ClientDisconnect, Request

from roomtone.model.errors import BadRequest, TooLarge
from roomtone.model.limits import MAX_BODY_BYTES, MAX_INFLATED_BYTES

_GZIP = 31  # window bits that make zlib expect a gzip header
BODY_S = 60.0
"""How long a body may take to arrive: 4 MB over half a megabit a second."""


async def read_body(request: Request, most: int = MAX_BODY_BYTES) -> bytes:
    """The whole body, inflated if it says gzip. Raises TooLarge or BadRequest.

    ``most``: bytes on the wire; past them nothing is read any more.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > most:
        raise _too_large(most)
    try:
        async with asyncio.timeout(BODY_S):
            body = await _received(request, most)
    except TimeoutError:
        raise BadRequest(f"The body did not arrive within {BODY_S:g} seconds.") from None
    except ClientDisconnect:
        # Nobody is left to read it; it only keeps a hang-up from looking like a fault of ours.
        raise BadRequest("The connection ended before the body did.") from None
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding == "gzip":
        return inflate(body, max(most, MAX_INFLATED_BYTES))
    raise BadRequest(f"Content-Encoding {encoding[:20]!r} is not known here; send gzip or nothing.")


async def _received(request: Request, most: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > most:
            raise _too_large(most)
        pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def inflate(body: bytes, most: int = MAX_INFLATED_BYTES) -> bytes:
    """Undo gzip, at most to the limit: a bomb stops there."""
    machine = zlib.decompressobj(_GZIP)
    try:
        plain = machine.decompress(body, most)
    except zlib.error as error:
        raise BadRequest(f"The body says gzip but does not inflate: {error}.") from None
    if machine.unconsumed_tail:
        raise TooLarge(f"The body inflates to more than {most} bytes; send less at a time.")
    if not machine.eof:
        raise BadRequest("The gzip body ends too early.")
    return plain


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The body is larger than {most} bytes; send less at a time.")
