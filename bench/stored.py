"""What a call leaves on the disk: journal and reports after packing, rows and their indexes."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from bench.calls import Call
from bench.figures import Figure
from bench.people import Backend
from bench.recorded import now_ms
from bench.reports import FOR_EVER, tell, wait_until_sealed
from bench.servers import init, roomtone
from roomtone.services.packing import AFTER_MS, ReportPacker
from roomtone.storage.database import Database
from roomtone.storage.records import SqlRecords
from roomtone.storage.report_packing import pack_report

GOAL_KB = 4.0
PEOPLE, MINUTES = 4, 10.0
CALLS, QUICK_CALLS = 6, 3
PACKED_WITHIN_S = 60.0
POLL_S = 0.1
DATABASE = "roomtone.db"


class DaysLater:
    """A clock at which the reports of just now are packed."""

    def now(self) -> int:
        return now_ms() + AFTER_MS + 1

    def new_id(self) -> str:
        raise NotImplementedError


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """Some calls one after the other. What the first one needs for a while, until its journal is
    packed, the following ones use again: the file grows by what stays. So it is with the reports,
    which are packed days later."""
    data = folder / "stored"
    credentials = init(data)
    empty = _file(data)
    sizes: list[tuple[int, int]] = []
    fresh = 0
    with roomtone(data, silence_s=FOR_EVER) as server, Backend(server, credentials) as backend:
        for number in range(QUICK_CALLS if quick else CALLS):
            people = backend.meet(PEOPLE)
            tell(server, Call(people, seed=number), MINUTES)
            backend.end(people[0].meeting_id)
            wait_until_sealed(backend, people)
            _wait_until_packed(data)
            before = _parts(data)[1]
            asyncio.run(_pack_reports(data))
            fresh += before - _parts(data)[1]
            sizes.append(_file(data))
    later = len(sizes) - 1
    minutes = PEOPLE * MINUTES
    chunks, reports = _parts(data)
    every = minutes * len(sizes)
    in_use = (sizes[-1][1] - empty[1]) / every / 1000
    return [
        Figure(
            part="stored",
            what=f"a participant-minute, {PEOPLE} people, {MINUTES:.0f} min, calls 2-{len(sizes)}",
            value=(sizes[-1][0] - sizes[0][0]) / minutes / later / 1000,
            unit="KB",
            goal=GOAL_KB,
            more_is_better=False,
        ),
        Figure(
            part="stored",
            what=f"  pages in use: journal {chunks / every / 1000:.2g}, reports"
            f" {reports / every / 1000:.2g}, rest {in_use - (chunks + reports) / every / 1000:.2g}",
            value=in_use,
            unit="KB",
            goal=GOAL_KB,
            more_is_better=False,
        ),
        Figure(
            part="stored",
            what="  the same in the first days, while its reports lie as they are sent",
            value=in_use + fresh / every / 1000,
            unit="KB",
        ),
        Figure(
            part="stored",
            what="  file after the first call, held by its raw journal",
            value=(sizes[0][0] - empty[0]) / 1000,
            unit="KB",
        ),
    ]


async def _pack_reports(data: Path) -> None:
    database = Database.open(data / DATABASE)
    packer = ReportPacker(SqlRecords(database), DaysLater(), pack_report)
    while await packer.bite():
        pass
    await asyncio.to_thread(database.close)


def _file(data: Path) -> tuple[int, int]:
    """(bytes of the file, bytes of its pages in use), with nothing left in the write-ahead log."""
    with closing(sqlite3.connect(data / DATABASE)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = conn.execute("PRAGMA page_size").fetchone()
        (free,) = conn.execute("PRAGMA freelist_count").fetchone()
        (pages,) = conn.execute("PRAGMA page_count").fetchone()
    return pages * size, (pages - free) * size


def _parts(data: Path) -> tuple[int, int]:
    """Bytes of packed facts, and of reports."""
    with closing(sqlite3.connect(data / DATABASE)) as conn:
        (chunks,) = conn.execute("SELECT sum(length(facts)) FROM journal_chunks").fetchone()
        (reports,) = conn.execute("SELECT sum(length(body)) FROM reports").fetchone()
    return chunks or 0, reports or 0


def _wait_until_packed(data: Path) -> None:
    deadline = time.monotonic() + PACKED_WITHIN_S
    with closing(sqlite3.connect(data / DATABASE)) as conn:
        while conn.execute("SELECT EXISTS (SELECT 1 FROM journal)").fetchone()[0]:
            if time.monotonic() > deadline:
                (left,) = conn.execute("SELECT count(*) FROM journal").fetchone()
                raise SystemExit(f"{left} batches not packed in {PACKED_WITHIN_S:.0f} s")
            time.sleep(POLL_S)
