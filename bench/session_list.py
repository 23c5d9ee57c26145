"""How the session list answers at a million sessions, beside the first page at a thousand.

    python bench/session_list.py [--sessions 1000000] [--meetings 2000] [--rounds 30] [--cpu]
                                 [--repeated]

Fills two temporary SQLite files (two years, 3 % LIVE, 1-40 people, 2 % never used), lets a
SessionIndex follow each, and times everything the API may be asked for. The clock covers refresh,
query and the reading of the page's rows by id, as in a request; ``changed`` puts 100 sessions
before every question. Each question is asked as if for the first time, unless ``--repeated``: then
the index remembers what it counted, as in a server, for whoever asks for the next page.

``times`` is p99 by p99 of the first page of the same size at a thousand sessions, without the HTTP
around both, which costs many times that page of 20: over HTTP the ratios are far smaller. It ends
with 1 if a p99 is over its bound: 8 ms or 5 times that page, for a search 40 ms or 20 times.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from roomtone.findings.catalogue import BY_ID
from roomtone.ports.records import Page, SessionFilter
from roomtone.storage.connections import SqliteConnection
from roomtone.storage.session_index import SessionIndex
from roomtone.storage.session_memory import FILTERS

YEARS_MS = 2 * 365 * 86_400_000
NOW = 1_767_225_600_000
WORDS = ("Stand-up", "Retro", "Planning", "Review", "Interview", "Demo", "Support", "Lesson")
BROWSERS = ("chrome", "chrome", "chrome", "safari", "firefox", "edge")
COUNTRIES = ("de", "ch", "fr", "us", "in", "br", "jp")
FINDINGS = tuple(BY_ID)

TABLE = """
CREATE TABLE sessions (
    ordinal INTEGER PRIMARY KEY, revision INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,
    app_id TEXT NOT NULL, meeting_id TEXT NOT NULL, title TEXT NOT NULL, status TEXT NOT NULL,
    started_at INTEGER NOT NULL, sort_ms INTEGER NOT NULL, total_participants INTEGER NOT NULL,
    mos_hundredths INTEGER, severity INTEGER, finding_ids TEXT, browsers TEXT, countries TEXT);
"""
UPDATE = "UPDATE sessions SET revision = ?, sort_ms = ?, status = 'ENDED' WHERE ordinal = ?"
INSERT = "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def uuid4(rng: random.Random) -> str:
    """As uuid.uuid4, but told by the seed, and quicker."""
    h = f"{rng.getrandbits(128):032x}"
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


class Sessions:
    """Makes sessions of some meetings, one after another, as rows of the table."""

    def __init__(self, count: int, meetings: int) -> None:
        self.rng = rng = random.Random(count)
        self.step = YEARS_MS // count
        self.meetings = [uuid4(rng) for _ in range(meetings)]
        self.titles = [
            f"{rng.choice(WORDS)} {rng.choice(WORDS).lower()} {at}" for at in range(meetings)
        ]
        self.titles[meetings // 2] = "Quincunx"

    def row(self, ordinal: int, revision: int) -> tuple[Any, ...]:
        """They start in the order of their ordinals, but for a minute's shuffle."""
        rng = self.rng
        at = int(rng.random() * len(self.meetings))
        people = 1 + int(rng.random() * 40)
        started = NOW - YEARS_MS + self.step * ordinal + int(rng.random() * 60_000)
        status = "LIVE" if rng.random() < 0.03 else "ENDED"
        used = 0 if rng.random() < 0.02 else people * int(rng.random() * 3_600_000)
        meeting, title = self.meetings[at], self.titles[at]
        return (ordinal, revision, uuid4(rng), "app", meeting, title, status, started, used, people)

    def marks(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """What a digest leaves in the row of a session that is sealed: MOS in hundredths, severity,
        findings, browsers, countries; from its own numbers, so that the row's stay the same."""
        ordinal, status = row[0], row[6]
        if status == "LIVE":
            return (None,) * 5
        dice = random.Random(ordinal)
        found = sorted({int(40 * dice.random() ** 3) for _ in range(dice.randrange(4))})
        browsers = sorted({dice.choice(BROWSERS) for _ in range(3)})
        countries = sorted({dice.choice(COUNTRIES) for _ in range(2)})
        return (
            int(250 + 200 * dice.random()),
            dice.randrange(1, 4) if found else 0,
            "\n".join(FINDINGS[at] for at in found),
            "\n".join(browsers),
            "\n".join(countries),
        )


class Table:
    """A filled file, the index that follows it, and what to change."""

    def __init__(
        self,
        file: Path,
        count: int,
        meetings: int,
        clock: Callable[[], float],
        remembered: int = 0,
    ) -> None:
        self.sessions = Sessions(count, meetings)
        self.clock = clock
        self.connection = SqliteConnection(str(file))
        self.conn = self.connection.raw
        for text in ("PRAGMA synchronous = OFF", "BEGIN", TABLE):
            self.conn.execute(text)
        rows = (self.row(at, at) for at in range(1, count + 1))
        self.conn.executemany(INSERT, rows)
        self.conn.execute("CREATE UNIQUE INDEX by_revision ON sessions (revision)")
        self.conn.execute("COMMIT")
        self.count = self.revision = count
        self.index = SessionIndex(remembered)

    def change(self, changes: int) -> None:
        """Put some sessions: nine of ten are known ones that go on, one is new."""
        rng = self.sessions.rng
        self.conn.execute("BEGIN")
        for _ in range(changes):
            self.revision += 1
            if rng.random() < 0.1:
                self.count += 1
                self.conn.execute(INSERT, self.row(self.count, self.revision))
            else:
                values = self.revision, rng.randrange(10**8), rng.randint(1, self.count)
                self.conn.execute(UPDATE, values)
        self.conn.execute("COMMIT")

    def row(self, ordinal: int, revision: int) -> tuple[Any, ...]:
        """A whole row."""
        row = self.sessions.row(ordinal, revision)
        return row + self.sessions.marks(row)

    def ask(self, asked: SessionFilter, page: Page) -> int:
        self.index.refresh(self.connection)
        ids, total = self.index.query(asked, page)
        marks = ",".join("?" * len(ids))
        found = self.conn.execute(f"SELECT * FROM sessions WHERE id IN ({marks})", ids).fetchall()  # noqa: S608
        assert len(found) == len(ids)
        return total

    def times(self, asked: SessionFilter, page: Page, changes: int, rounds: int) -> list[float]:
        """Sorted milliseconds."""
        self.ask(asked, page)
        taken = []
        for _ in range(rounds):
            if changes:
                self.change(changes)
            taken.append(timed(lambda: self.ask(asked, page), self.clock))
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
        "findings": {"finding_ids": frozenset(FINDINGS[:2]), "min_severity": 2},
        "browser": {"browser": "Firefox", "mos_below": 300},
    }
    six = {
        **filters["time"], **filters["people"], **filters["most"], "min_severity": 2,
        "finding_ids": frozenset(FINDINGS[:1]), "country": "DE", "mos_below": 400,
    }  # fmt: skip
    combined = {name: value for members in filters.values() for name, value in members.items()}
    every = {
        "": {},
        **filters,
        "time+people": filters["time"] | filters["people"],
        "six": six,
        "all": combined,
    }
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
    """Print the table; 1 if a p99 is over its bound."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1_000_000)
    parser.add_argument("--meetings", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--repeated", action="store_true", help="the index remembers its counts")
    parser.add_argument("--cpu", action="store_true", help="CPU time, on a busy machine")
    wanted = parser.parse_args()
    clock = time.thread_time if wanted.cpu else time.perf_counter
    with tempfile.TemporaryDirectory() as folder:
        remembered = FILTERS if wanted.repeated else 0
        few = Table(Path(folder, "few.db"), 1_000, 2_000, clock, remembered)
        base = {limit: measure(few, limit) for limit in (20, 1_000)}
        many = Table(Path(folder, "many.db"), wanted.sessions, wanted.meetings, clock, remembered)
        before, start = resident_mb(), time.perf_counter()
        many.index.refresh(many.connection)
        seconds = time.perf_counter() - start
        print(
            f"{wanted.sessions:,} sessions of {wanted.meetings:,} meetings: loaded in"
            f" {seconds:.2f} s, {resident_mb() - before:.0f} MB"
        )
        idle = sorted(timed(lambda: many.index.refresh(many.connection)) for _ in range(1_000))
        print(f"refresh when nothing changed: p50 {idle[500]:.3f} ms, p99 {idle[990]:.3f} ms")
        over = compare(many, base, wanted.rounds)
    print(f"over their bound: {over}")
    return int(over > 0)


def measure(few: Table, limit: int) -> float:
    """The p99 of the first page at a thousand sessions, in ms."""
    taken = few.times(SessionFilter(app_id="app"), Page(0, limit), 0, 500)
    print(f"1,000 sessions, first {limit}: p50 {taken[250]:.3f} ms, p99 {taken[495]:.3f} ms")
    return taken[495]


def compare(many: Table, base: dict[int, float], rounds: int) -> int:
    """A line for each question; how many were over their bound."""
    over = 0
    print(f"{'':58s}{'p50 ms':>8s}{'p99 ms':>8s}{'times':>7s}")
    for changes in (0, 100):
        for name, asked, page in questions(many):
            taken = many.times(asked, page, changes, rounds // 3 if changes else rounds)
            p99 = taken[int(len(taken) * 0.99)]
            bound, times = (40.0, 20) if asked.search else (8.0, 5)
            bad = p99 > max(bound, times * base[page.limit])
            over += bad
            numbers = f"{taken[len(taken) // 2]:8.3f}{p99:8.3f}{p99 / base[page.limit]:7.1f}"
            print(f"{name + ', changed' * bool(changes):58s}{numbers}{' !' * bad}")
    return over


def timed(do: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Milliseconds."""
    start = clock()
    do()
    return (clock() - start) * 1e3


def resident_mb() -> float:
    """What the process holds in memory now."""
    kb = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line
    )
    return int(kb.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
