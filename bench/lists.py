"""The session list over HTTP at a million sessions, against its first page at a thousand.

    python -m bench.lists [--database sqlite|postgresql] [--sessions 10000000] [--folder DIR]

The sessions are those of :mod:`bench.session_list`, which measures the index by itself; here they
are rows of a real database (:mod:`bench.seeding`), and a real server answers that remembers no
question (:mod:`bench.forgetful`). ``make bench`` asks a million on SQLite, and fewer on PostgreSQL
where one answers.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlencode

from msgspec import Struct

from bench.deployments import POSTGRESQL, answers, schema
from bench.figures import HEADINGS, Figure, line, median, percentile
from bench.load import WAIT_S, Load, each, run_paced
from bench.seeding import fill, ids_of
from bench.servers import HOST, LOAD_CORE, Credentials, Server, roomtone
from bench.session_list import FINDINGS, NOW, YEARS_MS
from roomtone.model.times import iso

GOAL, SEARCH_GOAL = 5.0, 20.0
FEW, MANY, QUICK_MANY = 1_000, 1_000_000, 100_000
SHARED_MANY, QUICK_SHARED_MANY = 100_000, 20_000
ROUNDS, TIMES, QUICK_TIMES = 3, 60, 20
WARM_UP = 20
PER_PAGE = 20
DEEP = 10_000
"""The page that the goal names."""
MEETING = "Quincunx"
"""The title of the meeting that is asked for: a rare word."""
LOOK_S = 0.02
LOADING_S = 1_800.0
"""The first list after the start is waited for that long."""
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}

Questions = dict[str, dict[str, str]]


class Place(Struct, frozen=True):
    """A filled database."""

    data: Path
    url: str
    """Of PostgreSQL; empty: the folder's file."""
    count: int
    credentials: Credentials

    @property
    def settings(self) -> dict[str, str]:
        """What its server is started with."""
        return {"database": self.url} if self.url else {}


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """A database of each kind; PostgreSQL where one answers."""
    times = QUICK_TIMES if quick else TIMES
    figures = of(folder, "sqlite", QUICK_MANY if quick else MANY, times)
    if answers(POSTGRESQL, 5432):
        figures += of(
            folder, "postgresql", QUICK_SHARED_MANY if quick else SHARED_MANY, QUICK_TIMES
        )
    return figures


def of(folder: Path, database: str, count: int, times: int) -> list[Figure]:
    """The worst answer of all that can be asked, by its p99."""
    with filled(folder, database, FEW) as few, _server(few) as server:
        first = p99(server, few.credentials, {}, times * 10)
        whole = p99(server, few.credentials, {"per_page": "1000"}, times)
    with filled(folder, database, count) as many:
        return measured(many, DATABASES[database], times, first, whole)


def measured(many: Place, name: str, times: int, first: float, whole: float) -> list[Figure]:
    """``first``, ``whole``: ms of pages of 20 and of 1,000 of the small database."""
    session, meeting = ids_of(many.data, MEETING, many.url)
    credentials, count = many.credentials, many.count
    with _server(many) as server:
        ready, idle = server.ready_s, server.memory_mb()
        loaded, meanwhile = _loading(server, credentials, session)
        pages = _pages(count, meeting)
        worst_page, page = _worst(server, credentials, pages, times)
        searches = _searches(session, meeting)
        worst_search, search = _worst(server, credentials, searches, times)
        thousand = p99(server, credentials, {"per_page": "1000"}, times)
        memory = server.memory_mb()
    floor_is = f"first page at {FEW:,}, p99"
    return [
        Figure(
            part="lists", what=f"{name}, {count:,} sessions: worst of {len(pages)} pages: {page},"
            " p99", value=worst_page,
            unit="ms", floor=first, floor_is=floor_is, goal=GOAL, more_is_better=False,
        ),
        Figure(
            part="lists", what=f"  worst of {len(searches)} searches: {search}, p99",
            value=worst_search, unit="ms", floor=first, floor_is=floor_is, goal=SEARCH_GOAL,
            more_is_better=False,
        ),
        Figure(
            part="lists", what="  1,000 rows in one page, p99", value=thousand, unit="ms",
            floor=whole, floor_is=f"the same at {FEW:,}, p99", goal=GOAL, more_is_better=False,
        ),
        Figure(part="lists", what="  first list after the start", value=loaded, unit="ms"),
        Figure(part="lists", what="  slowest other read meanwhile", value=meanwhile, unit="ms"),
        Figure(part="lists", what="  ready", value=ready, unit="s"),
        Figure(part="lists", what=f"  memory, before {idle:.0f} MB", value=memory, unit="MB"),
    ]  # fmt: skip


@contextmanager
def filled(folder: Path, database: str, count: int) -> Iterator[Place]:
    """An own folder, and an own schema of PostgreSQL that is gone afterwards."""
    data = folder / f"{database}-{count}"
    with ExitStack() as stack:
        url = stack.enter_context(schema()) if database == "postgresql" else ""
        yield Place(data, url, count, fill(data, count, url))


@contextmanager
def _server(place: Place) -> Iterator[Server]:
    with roomtone(place.data, module="bench.forgetful", **place.settings) as server:
        yield server


def _loading(server: Server, credentials: Credentials, session: str) -> tuple[float, float]:
    """ms of the first list after the start, and of the slowest look at a session meanwhile."""
    slowest, look = 0.0, _question(credentials, {}, f"sessions/{session}")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(_asked, server, _question(credentials, {}), 1, LOADING_S)
        while not first.done():
            slowest = max(slowest, _asked(server, look, 1).p(1.0))
            time.sleep(LOOK_S)
    return first.result().p(1.0), slowest


def _pages(count: int, meeting: str) -> Questions:
    """Pages with their filters and sorts, by what they are called."""
    last = count // PER_PAGE
    half_a_year = {"start_time": iso(NOW - YEARS_MS // 2), "end_time": iso(NOW - YEARS_MS // 4)}
    filters: Questions = {
        "no filter": {},
        "LIVE": {"status": "LIVE"},
        "ENDED": {"status": "ENDED"},
        "a meeting": {"associated_id": meeting},
        "half a year": half_a_year,
        "5-30 people": {"participants": "5:30"},
        "half a year, 5-30 people": {**half_a_year, "participants": "5:30"},
        "a finding": {"finding": FINDINGS[0]},
        "errors": {"min_severity": "error"},
        "a browser": {"browser": "Firefox"},
        "a country": {"country": "CH"},
        "below 3": {"mos_below": "3"},
        "two findings": {"finding": ",".join(FINDINGS[:2]), "min_severity": "warning"},
        "a browser, below 3": {"browser": "Firefox", "mos_below": "3"},
        "six filters": {
            "status": "ENDED",
            "participants": "5:30",
            "min_severity": "warning",
            **half_a_year,
            "finding": FINDINGS[0],
            "country": "DE",
            "mos_below": "4",
        },
        "all filters": {
            "status": "ENDED",
            "participants": "5:30",
            "associated_id": meeting,
            **half_a_year,
        },
    }
    pages: Questions = {}
    for sort in ("createdAt", "minutesConsumed"):
        for order in ("DESC", "ASC"):
            sorting = {"sort_by": sort, "sort_order": order}
            for name, members in filters.items():
                pages[f"{name}, {sort} {order}"] = members | sorting
                deep = {"page_no": str(min(DEEP, last))}
                pages[f"{name}, {sort} {order}, page {deep['page_no']}"] = members | sorting | deep
            for name in ("no filter", "ENDED", "5-30 people"):
                for at in (last // 2, last * 3 // 5, last):
                    deep = filters[name] | sorting | {"page_no": str(at)}
                    pages[f"{name}, {sort} {order}, page {at}"] = deep
    return pages


def _searches(session: str, meeting: str) -> Questions:
    texts = {
        "a common word": "review", "a rare word": MEETING.upper(), "nothing": "zzzzzzzz",
        "a meeting's id": meeting, "a session's id": session, "8 of an id": session[:8],
        "an id's middle": session[11:21], "1 letter": "e", "2 digits": "4a", "3 signs": "-4f",
    }  # fmt: skip
    searches = {
        f"{name}, {sort}": {"search": text, "sort_by": sort}
        for name, text in texts.items()
        for sort in ("createdAt", "minutesConsumed")
    }
    searches["a common word, time and people"] = {
        "search": "review",
        "start_time": iso(NOW - YEARS_MS // 2),
        "end_time": iso(NOW - YEARS_MS // 4),
        "participants": "5:30",
    }
    return searches


def _worst(
    server: Server, credentials: Credentials, questions: Questions, times: int
) -> tuple[float, str]:
    return max((p99(server, credentials, said, times), name) for name, said in questions.items())


def p99(
    server: Server,
    credentials: Credentials,
    said: dict[str, str],
    times: int,
    path: str = "sessions",
) -> float:
    """ms; the middle of some rounds, so that one hiccup of the machine does not decide."""
    question = _question(credentials, said, path)
    _asked(server, question, min(times, WARM_UP))
    return median(
        [percentile(_asked(server, question, times).latencies_ms, 0.99) for _ in range(ROUNDS)]
    )


def _asked(server: Server, question: bytes, times: int, wait_s: float = WAIT_S) -> Load:
    load = run_paced(server.port, [each([question] * times)], 0.0, 200, wait_s)
    if load.wrong:
        raise SystemExit(f"lists: {load.wrong} to {question!r}: {load.last!r}")
    return load


def _question(credentials: Credentials, said: dict[str, str], path: str = "sessions") -> bytes:
    query = urlencode(({"per_page": str(PER_PAGE)} if path == "sessions" else {}) | said)
    return (
        f"GET {credentials.api}/{path}?{query} HTTP/1.1\r\nhost: {HOST}\r\n"
        f"accept: application/json\r\nauthorization: Bearer {credentials.api_token}\r\n\r\n"
    ).encode()


def main() -> int:
    """One database of one size; 1 if a goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m bench.lists", description=__doc__)
    parser.add_argument("--database", choices=tuple(DATABASES), default="sqlite")
    parser.add_argument("--sessions", type=int, default=MANY, help="above 1,000,000: multiples")
    parser.add_argument("--times", type=int, default=QUICK_TIMES, help="of each question a round")
    parser.add_argument("--folder", type=Path, help="where data folders are made (a real disk)")
    asked = parser.parse_args()
    os.sched_setaffinity(0, {LOAD_CORE})
    with tempfile.TemporaryDirectory(prefix="roomtone-bench-", dir=asked.folder) as made:
        figures = of(Path(made), asked.database, asked.sessions, asked.times)
    print(line(HEADINGS))
    for figure in figures:
        print(line(figure.cells()))
    return int(any(figure.met is False for figure in figures))


if __name__ == "__main__":
    sys.exit(main())
