"""Paging: the words of a session in order, for code that runs on a thread and writes as it reads.

A transcript may have 200,000 segments: they are never held at once. Each page is a short read on
the service's loop, so a long file holds no transaction open.
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from roomtone.model.words import Message, Segment
from roomtone.ports.records import Records, Transaction
from roomtone.ports.words import START, Place
from roomtone.services.speakers import Speakers

PAGE = 1_000
PATIENCE_S = 60.0
"""A page takes milliseconds; past this the service has stopped under the thread."""

W = TypeVar("W")


class Pages(Generic[W]):
    """All words of one kind; going through them again reads them again."""

    def __init__(
        self,
        records: Records,
        loop: asyncio.AbstractEventLoop,
        fetch: Callable[[Transaction, Place], list[W]],
        joined: Callable[[W], W],
        place: Callable[[W], Place],
    ) -> None:
        self._records = records
        self._loop = loop
        self._fetch = fetch
        self._joined = joined
        self._place = place

    def __iter__(self) -> Iterator[W]:
        after = START
        while page := self._page(after):
            yield from map(self._joined, page)
            after = self._place(page[-1])

    def _page(self, after: Place) -> list[W]:
        asked = asyncio.run_coroutine_threadsafe(
            self._records.read(lambda tx: self._fetch(tx, after)), self._loop
        )
        return asked.result(PATIENCE_S)


def message_pages(records: Records, session_id: str, speakers: Speakers) -> Pages[Message]:
    """The messages of a session that show, by time. Call it on the service's loop."""
    return Pages(
        records,
        asyncio.get_running_loop(),
        lambda tx, after: tx.words.messages(session_id, after, PAGE),
        speakers.sent,
        lambda message: Place(message.sent_at, message.id),
    )


def segment_pages(records: Records, session_id: str, speakers: Speakers) -> Pages[Segment]:
    """The segments of a session, by their start. Call it on the service's loop."""
    return Pages(
        records,
        asyncio.get_running_loop(),
        lambda tx, after: tx.words.segments(session_id, after, PAGE),
        speakers.said,
        lambda segment: Place(segment.start_at, segment.id),
    )
