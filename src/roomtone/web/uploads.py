"""Uploads: a large body, taken in to a temporary file while it comes, however slowly.

Only a whole one is read into memory: many slow senders hold disk, not memory.
"""

import asyncio
import tempfile

from starlette.requests import ClientDisconnect, Request

from roomtone.model.errors import BadRequest, TooLarge

SILENCE_S = 30.0
"""Between two pieces."""
UPLOAD_S = 900.0
"""In all: 64 MB over half a megabit a second."""


async def read_upload(request: Request, most: int) -> bytes:
    """The whole body as it was sent, of at most so many bytes. Raises TooLarge or BadRequest."""
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > most:
        raise _too_large(most)
    with tempfile.TemporaryFile() as file:
        size = 0
        pieces = request.stream().__aiter__()
        try:
            async with asyncio.timeout(UPLOAD_S):
                while True:
                    async with asyncio.timeout(SILENCE_S):
                        piece = await anext(pieces, None)
                    if piece is None:
                        break
                    size += len(piece)
                    if size > most:
                        raise _too_large(most)
                    file.write(piece)
        except TimeoutError:
            raise BadRequest("The file did not arrive in time.") from None
        except ClientDisconnect:
            raise BadRequest("The connection ended before the file did.") from None
        file.seek(0)
        return await asyncio.to_thread(file.read)


def _too_large(most: int) -> TooLarge:
    return TooLarge(f"The file is larger than {most} bytes; compress it with gzip, or split it.")
