"""The pump of the streams: who shares a write, and that nobody is left out of one."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest

from roomtone.model.facts import AnyFact, Joined
from roomtone.model.subjects import Subject
from roomtone.ports.clock import Clock
from roomtone.ports.journal import Journal
from roomtone.ports.records import Records
from roomtone.services import streaming
from roomtone.services.inflow import Inflow
from roomtone.services.streaming import STREAMS_A_WRITE, Stream, Streams
from roomtone.sources.rtcstats.reader import Reader


class Written:
    """Stands where the journal is reached, and notes every write."""

    def __init__(self) -> None:
        self.writes: list[list[tuple[Subject, str, tuple[AnyFact, ...]]]] = []

    async def append(self, batches: Sequence[tuple[Subject, str, tuple[AnyFact, ...]]]) -> int:
        self.writes.append(list(batches))
        return len(batches)

    def now(self) -> int:
        return 0


def stream(number: int) -> Stream:
    made = Stream(Reader("rtcstats", mask=True), f"prefix {number}")
    made.subject = Subject("app", "meeting", f"person {number}", f"peer {number}")
    return made


async def said(count: int) -> Written:
    """What is written when so many streams say one thing each, at once."""
    written = Written()
    streams = Streams(
        cast("Inflow", written),
        cast("Journal", None),
        cast("Records", None),
        cast("Clock", written),
    )
    talkers = [stream(number) for number in range(count)]
    for number, talker in enumerate(talkers):
        await streams.say(talker, [Joined(t=number, via="rtcstats")])
    async with asyncio.timeout(10):
        for talker in talkers:
            await talker.still()
    return written


@pytest.mark.parametrize("count", [1, 2, STREAMS_A_WRITE, 2 * STREAMS_A_WRITE + 1])
def test_every_word_is_in_exactly_one_write(count: int) -> None:
    writes = asyncio.run(said(count)).writes
    told = [batch[0].peer_id for write in writes for batch in write]
    assert told == [f"peer {number}" for number in range(count)]
    assert len(writes) == -(-count // STREAMS_A_WRITE)
    assert max(map(len, writes)) <= STREAMS_A_WRITE


def test_a_single_stream_does_not_wait_for_a_crowd(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    sleep = asyncio.sleep

    async def noted(delay: float, result: Any = None) -> Any:
        waited.append(delay)
        return await sleep(0, result)

    monkeypatch.setattr(asyncio, "sleep", noted)
    asyncio.run(said(1))
    assert waited == [streaming.GATHER_S]
    waited.clear()
    asyncio.run(said(2))
    assert waited == [streaming.GATHER_S, streaming.CROWD_GATHER_S]
    waited.clear()
    asyncio.run(said(STREAMS_A_WRITE))
    assert waited == []
