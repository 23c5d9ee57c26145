"""A seal whose journal or store is away: it waits for it, is put off in one plain line when that
takes long, and is done when it is asked for again."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from journey_server import wait_for

from roomtone.jobs import durable
from roomtone.jobs.durable import DurableJobs, Place, Services
from roomtone.model.errors import Failed
from roomtone.services.tracing import Untraced

pytestmark = [pytest.mark.slow]

AWAY = Failed("NATS does not answer.", "Start it.")


class Away:
    """A sealer, and all that comes after it, whose first tries find that something is away."""

    def __init__(self, tries: int) -> None:
        self._left = tries
        self.tries = 0
        self.sealed: list[str] = []
        self.published: list[str] = []

    async def seal(self, session_id: str, as_of: int | None) -> Any:
        self.tries += 1
        if self._left:
            self._left -= 1
            raise AWAY
        self.sealed.append(session_id)
        return SimpleNamespace(peers=3)

    async def publish(self, session_id: str) -> bool:
        self.published.append(session_id)
        return True

    async def order_at_end(self, session_id: str) -> None:
        pass


@asynccontextmanager
async def running(place: Path, away: Away) -> AsyncIterator[DurableJobs]:
    """Queues of their own, whose work finds that."""
    one: Any = away
    jobs = DurableJobs(Place.file(place / "jobs.db"), Services(*[one] * 6, tracing=Untraced()))
    await jobs.start()
    try:
        yield jobs
    finally:
        await jobs.stop()


@contextmanager
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What DBOS tells of work that ends with an exception."""
    logger = logging.getLogger("dbos")
    logger.addHandler(caplog.handler)
    try:
        yield
    finally:
        logger.removeHandler(caplog.handler)


async def until(look: Callable[[], object]) -> None:
    await asyncio.to_thread(wait_for, "it", look, 30)


def test_a_seal_waits_for_what_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(durable, "PAUSES_S", (0.01,) * 7)
    away = Away(7)

    async def main() -> None:
        async with running(tmp_path, away) as jobs:
            await jobs.seal("seal:1", "s1", 1)
            await until(lambda: away.published)

    with heard(caplog), structlog.testing.capture_logs() as told:
        asyncio.run(main())
    assert (away.tries, away.sealed, away.published) == (8, ["s1"], ["s1"])
    assert [line["event"] for line in told if line["log_level"] == "error"] == []
    assert caplog.messages == []


def test_a_seal_is_put_off_in_one_plain_line_and_done_when_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(durable, "PAUSES_S", (0.01,) * 3)
    away = Away(4)

    async def main() -> None:
        async with running(tmp_path, away) as jobs:
            await jobs.seal("seal:1", "s1", 1)
            await until(lambda: any(line["event"] == "work is put off" for line in told))
            assert away.published == []
            await jobs.seal("seal:2", "s1", 1)
            await until(lambda: away.published)

    with heard(caplog), structlog.testing.capture_logs() as told:
        asyncio.run(main())
    assert (away.tries, away.sealed, away.published) == (5, ["s1"], ["s1"])
    errors = [line for line in told if line["log_level"] == "error"]
    assert [(line["work"], line["of"], line["hint"]) for line in errors] == [
        ("seal", "s1", "Start it.")
    ]
    assert caplog.messages == []


def test_work_that_waits_for_what_is_away_does_not_keep_a_server_from_stopping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(durable, "PAUSES_S", (300,))
    away = Away(1)

    async def main() -> None:
        async with running(tmp_path, away) as jobs:
            await jobs.seal("seal:1", "s1", 1)
            await until(lambda: away.tries)
            async with asyncio.timeout(20):
                await jobs.stop()
        monkeypatch.setattr(durable, "PAUSES_S", ())
        async with running(tmp_path, away):
            await until(lambda: away.published)  # taken up at the next start

    asyncio.run(main())
    assert away.sealed == ["s1"]


def test_work_that_a_stop_cuts_off_between_two_steps_is_one_line_and_goes_on_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sealed, stopped = threading.Event(), threading.Event()

    class Between:
        """The log, where the work's own thread tells of the first step before it begins another."""

        def info(self, *_: object, **__: object) -> None:
            sealed.set()
            stopped.wait(30)

    away = Away(0)

    async def cut_off() -> None:
        async with running(tmp_path, away) as jobs:
            await jobs.seal("seal:1", "s1", 1)
            await asyncio.to_thread(sealed.wait, 30)
        stopped.set()
        await until(lambda: caplog.records)
        assert away.published == []

    async def again() -> None:
        async with running(tmp_path, away):
            await until(lambda: away.published)

    with heard(caplog):
        with monkeypatch.context() as patch:
            patch.setattr(durable, "log", Between())
            asyncio.run(cut_off())
        asyncio.run(again())
    (line,) = caplog.records
    assert line.exc_info is None
    assert "\n" not in line.getMessage()
    assert "stopped" in line.getMessage()
    assert (away.sealed, away.published) == (["s1"], ["s1"])
