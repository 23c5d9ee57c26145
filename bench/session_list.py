"""How the session list answers at a million sessions, as ratios to the first page at a thousand.

    python bench/session_list.py [--sessions 1000000]

Fills two temporary SQLite files (2,000 meetings, two years, 3 % LIVE, 1-40 people), lets a
SessionIndex follow each, and times what the API may be asked for. The clock covers refresh, query
and the reading of the page's rows by id, as a request does; ``changed`` puts 100 sessions before
every question. The ratio compares p99 with p99. It ends with 1 if a ratio is over its bound.
"""

import argparse
import random
import resource
import sqlite3
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from roomtone.ports.records import Page, SessionFilter
from roomtone.storage.session_index import SessionIndex

YEARS_MS = 2 * 365 * 86_400_000
NOW = 1_767_225_600_000
MEETINGS = 2_000
BOUND, SEARCH_BOUND = 5.0, 20.0
WORDS = "Stand-up Retro Planning Review Interview Demo Support Therapy Lesson Board".split()

TABLE = """
CREATE TABLE sessions (
    ordinal INTEGER PRIMARY KEY, revision INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,
    app_id TEXT NOT NULL, meeting_id TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL,
    started_at INTEGER NOT NULL, sort_ms INTEGER NOT NULL, total_participants INTEGER NOT NULL);
"""
INSERT = "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def rows(count: int, rng: random.Random) -> Iterator[tuple[Any, ...]]:
    """Sessions in the order of their start, a little shuffled, as they are put."""
    meetings = [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(MEETINGS)]
    titles = [f"{rng.choice(WORDS)} {rng.choice(WORDS).lower()} {at}" for at in range(MEETINGS)]
    titles[MEETINGS // 2] = "Quincunx"
    for at in range(1, count + 1):
        meeting = rng.randrange(MEETINGS)
        people = rng.randint(1, 40)
        started = NOW - YEARS_MS + YEARS_MS * at // count + rng.randrange(60_000)
        session = str(uuid.UUID(int=rng.getrandbits(128), version=4))
        status = "LIVE" if rng.random() < 0.03 else "ENDED"
        used = 0 if rng.random() < 0.02 else people * rng.randrange(3_600_000)
        yield (at, at, session, "app", meetings[meeting], titles[meeting], status, started, used,
               people)  # fmt: skip


class Table:
    """A filled file, the index that follows it, and what to change."""

    def __init__(self, file: Path, count: int) -> None:
        self.rng = random.Random(count)
        self.conn = sqlite3.connect(file)
        self.conn.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;" + TABLE)
        with self.conn:
            self.conn.executemany(INSERT, rows(count, self.rng))
            self.conn.execute("CREATE UNIQUE INDEX by_revision ON sessions (revision)")
        self.count = self.revision = count
        self.index = SessionIndex()

    def change(self, changes: int) -> None:
        """Put some sessions: nine of ten go on, one is new."""
        with self.conn:
            for _ in range(changes):
                self.revision += 1
                if self.rng.random() < 0.1:
                    self.count += 1
                    *_, row = rows(1, self.rng)
                    values = (self.count, self.revision, *row[2:])
                    self.conn.execute(INSERT, values)
                else:
                    self.conn.execute(
                        "UPDATE sessions SET revision = ?, sort_ms = ?, status = 'ENDED'"
                        " WHERE ordinal = ?",
                        (
                            self.revision,
                            self.rng.randrange(10**8),
                            self.rng.randint(1, self.count),
                        ),
                    )

    def ask(self, asked: SessionFilter, page: Page) -> int:
        self.index.refresh(self.conn)
        ids, total = self.index.query(asked, page)
        marks = ",".join("?" * len(ids))
        found = self.conn.execute(f"SELECT * FROM sessions WHERE id IN ({marks})", ids).fetchall()  # noqa: S608
        assert len(found) == len(ids)
        return total

    def times(self, asked: SessionFilter, page: Page, changes: int, rounds: int) -> list[float]:
        """Sorted milliseconds."""
        taken = []
        for _ in range(rounds):
            if changes:
                self.change(changes)
            start = time.perf_counter()
            self.ask(asked, page)
            taken.append((time.perf_counter() - start) * 1e3)
        return sorted(taken)


def questions(table: Table) -> Iterator[tuple[str, SessionFilter, Page]]:
    """What is asked, by name."""
    some = table.conn.execute("SELECT id, meeting_id FROM sessions WHERE title = 'Quincunx'")
    session, meeting = some.fetchone()
    first, deep = Page(0, 20), Page(20 * (min(25_000, table.count // 40) - 1), 20)
    filters: dict[str, dict[str, Any]] = {
        "status": {"status": "LIVE"},
        "most": {"status": "ENDED"},
        "meeting": {"meeting_id": meeting},
        "time": {"started_from": NOW - YEARS_MS // 2, "started_to": NOW - YEARS_MS // 4},
        "people": {"people_min": 5, "people_max": 30},
    }
    combined = {name: value for members in filters.values() for name, value in members.items()}
    every = {"": {}, **filters, "time+people": filters["time"] | filters["people"], "all": combined}
    for sort_by in ("createdAt", "minutesConsumed"):
        for descending in (True, False):
            name = f"{sort_by} {'desc' if descending else 'asc'}"
            for filtered, members in every.items():
                asked = SessionFilter(
                    app_id="app", sort_by=sort_by, descending=descending, **members
                )
                _, total = table.index.query(asked, first)
                yield f"{name} {filtered} first page", asked, first
                if filtered in ("", "people", "most"):
                    yield f"{name} {filtered} page {deep.offset // 20 + 1}", asked, deep
                    yield f"{name} {filtered} last page", asked, Page(max(0, total - 20), 20)
                    yield f"{name} {filtered} first 1000", asked, Page(0, 1_000)
    searches = {
        "common word": "review", "rare word": "QUINCUNX", "nothing": "zzzzzzzz",
        "meeting id": meeting, "session id": session, "its first 8": session[:8],
        "its middle": session[11:21], "1 character": "e", "2 characters": "4a", "3": "-4f",
    }  # fmt: skip
    for name, text in searches.items():
        for sort_by in ("createdAt", "minutesConsumed"):
            asked = SessionFilter(app_id="app", search=text, sort_by=sort_by)
            yield f"search {name}, {sort_by}", asked, first
    asked = SessionFilter(app_id="app", search="review", **combined)
    yield "search common word, all filters", asked, first


def main() -> int:
    """Print the table; 1 if a ratio is over its bound."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=40)
    wanted = parser.parse_args()
    first = SessionFilter(app_id="app"), Page(0, 20)
    over = 0
    with tempfile.TemporaryDirectory() as folder:
        few = Table(Path(folder, "few.db"), 1_000)
        few.ask(*first)
        base = few.times(*first, changes=0, rounds=1_000)
        print(f"1,000 sessions, first page: p50 {base[500]:.3f} ms, p99 {base[990]:.3f} ms")
        many = Table(Path(folder, "many.db"), wanted.sessions)
        before, start = memory_mb(), time.perf_counter()
        many.ask(*first)
        print(
            f"{wanted.sessions:,} sessions: loaded in {time.perf_counter() - start:.2f} s,"
            f" {memory_mb() - before:.0f} MB more at the peak"
        )
        print(f"{'':48s}{'p50 ms':>8s}{'p99 ms':>8s}{'ratio':>7s}")
        for changes in (0, 100):
            for name, asked, page in questions(many):
                rounds = wanted.rounds if not changes else max(5, wanted.rounds // 4)
                taken = many.times(asked, page, changes, rounds)
                worst = taken[int(len(taken) * 0.99)]
                ratio = worst / base[990]
                bad = ratio > (SEARCH_BOUND if asked.search else BOUND)
                over += bad
                name = name + (", changed" if changes else "")
                print(f"{name:48s}{taken[len(taken) // 2]:8.3f}{worst:8.3f}{ratio:7.1f}{' !' * bad}")
    print(f"over their bound: {over}")
    return int(over > 0)


def memory_mb() -> float:
    """The largest resident size so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
