"""Answers that are made while they are sent: files of any size, and streams without an end."""

import asyncio
from collections.abc import AsyncIterator

from starlette.types import Receive, Send


async def send_pieces(
    pieces: AsyncIterator[bytes], receive: Receive, send: Send, *, silent: bool
) -> None:
    """Send what comes, until it ends or the client has gone; then close the maker.

    A server says nothing to who sends to a client that has gone, so this listens for it.
    ``silent``: as for HEAD, nothing follows.
    """

    async def produce() -> None:
        if not silent:
            async for piece in pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    async def watch() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    maker, watcher = asyncio.create_task(produce()), asyncio.create_task(watch())
    try:
        await asyncio.wait((maker, watcher), return_when=asyncio.FIRST_COMPLETED)
    finally:
        maker.cancel()
        watcher.cancel()
        made, _ = await asyncio.gather(maker, watcher, return_exceptions=True)
        close = getattr(pieces, "aclose", None)
        if close is not None:
            await close()
    if isinstance(made, Exception):
        raise made
