"""A write-ahead log that was cut short by hand: the database opens, what it holds is whole batches
in their order, and sending everything again makes it complete, with nothing twice."""

import asyncio
import random
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from callers import Doors
from journey_server import wait_for
from ledger import Load
from outcome import LONG, Outcome
from prepared import PreparedServer

from roomtone.model.facts import Happened
from roomtone.model.presence import Presence
from roomtone.model.subjects import Subject
from roomtone.ports.journal import Batch
from roomtone.storage.database import Database
from roomtone.storage.journal import SqlJournal

CUTS = 2_000 if LONG else 300
WHOLE = 10 if LONG else 2
BATCHES = 120
SUBJECT = Subject("app", "meeting", "participant", "peer")


def batch(number: int) -> Batch:
    fact = Happened(number, "marker", {"n": number, "fill": "x" * 300})
    return Batch(SUBJECT, f"s:{number}", number, (fact,), Presence())


async def numbers(journal: SqlJournal) -> list[int]:
    """Of the batches that are stored, in their order."""
    chunks = await journal.read(SUBJECT.key)
    return [fact.t for chunk in chunks for fact in chunk.facts()]


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database as kill -9 leaves it: half of it checkpointed, half in the log."""
    folder = tmp_path_factory.mktemp("killed")

    async def fill() -> None:
        database = Database.open(folder / "live.db")
        journal = SqlJournal(database)
        for number in range(BATCHES):
            await journal.append([batch(number)])
            if number == BATCHES // 2:
                await database.write(lambda _: None)
                with closing(sqlite3.connect(folder / "live.db")) as beside:
                    beside.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(folder / "live.db", folder / "roomtone.db")
        shutil.copy(folder / "live.db-wal", folder / "roomtone.db-wal")
        database.close()

    asyncio.run(fill())
    return folder


def cut(folder: Path, place: Path, at: int, garbage: bytes = b"") -> Path:
    """A copy whose log ends there."""
    file = place / "roomtone.db"
    shutil.copy(folder / "roomtone.db", file)
    log = (folder / "roomtone.db-wal").read_bytes()
    (place / "roomtone.db-wal").write_bytes(log[:at] + garbage)
    (place / "roomtone.db-shm").unlink(missing_ok=True)
    return file


async def reopened(file: Path) -> tuple[list[int], list[int]]:
    """What is stored after the cut, and after everything was sent again."""
    database = Database.open(file)
    try:
        journal = SqlJournal(database)
        left = await numbers(journal)
        for number in range(BATCHES):
            await journal.append([batch(number)])
        (said,) = await database.read(lambda c: c.raw.execute("PRAGMA integrity_check").fetchone())
        assert said == "ok"
        return left, await numbers(journal)
    finally:
        database.close()


@pytest.mark.slow
def test_a_log_cut_anywhere_leaves_whole_batches_in_order_and_takes_the_rest_again(
    killed: Path, tmp_path: Path, outcome: Outcome
) -> None:
    size = (killed / "roomtone.db-wal").stat().st_size
    dice = random.Random(4)
    places = sorted({0, 1, 31, 32, 33, size, *(dice.randrange(size) for _ in range(CUTS))})
    least = 0
    for at in places:
        garbage = dice.randbytes(dice.randrange(5_000)) if dice.random() < 0.3 else b""
        left, whole = asyncio.run(reopened(cut(killed, tmp_path, at, garbage)))
        assert left == list(range(len(left)))
        # What was checkpointed is there whatever happens to the log, and a longer log keeps more.
        assert len(left) >= max(least, BATCHES // 2)
        least = len(left)
        assert whole == list(range(BATCHES))
        outcome.add(faults=1)
    assert least == BATCHES


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PreparedServer]:
    running = PreparedServer(tmp_path / "data").start()
    yield running
    running.stop()


@pytest.mark.slow
def test_a_server_starts_on_a_cut_log_and_counts_nothing_twice(
    server: PreparedServer, outcome: Outcome
) -> None:
    dice = random.Random(5)
    log = server.data / "roomtone.db-wal"
    load = Load(server, Doors([server]), outcome, every_s=0.02)
    with load:
        for _ in range(WHOLE):
            load.wait_for_more(20)
            wait_for("the call", lambda: server.sessions(load.calls[-1].meeting))
            began = time.monotonic()
            with closing(sqlite3.connect(server.data / "roomtone.db", timeout=30)) as beside:
                wait_for("a checkpoint", lambda b=beside: _emptied(b))
            load.wait_for_more(40)
            server.kill()
            outcome.add(faults=1)
            with log.open("r+b") as file:
                file.truncate(dice.randrange(log.stat().st_size))
            starts = time.monotonic()
            server.start(int(server.url.rpartition(":")[2]))
            load.may_miss(began, starts)
            load.wait_for_more(20)
    load.settle()
    # Who cuts the log takes the end of what was in it: that alone may be missing.
    load.check()
    assert outcome.told["cut_away"] > 0, "no cut took anything"
    assert "Traceback" not in server.told()


def _emptied(beside: sqlite3.Connection) -> bool:
    busy, _, _ = beside.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return busy == 0
