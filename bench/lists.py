"""The session list over HTTP at a million sessions, against its first page at a thousand.

The sessions are those of :mod:`bench.session_list`, which measures the index by itself; here they
are rows of a real data folder, and a real server answers.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

from bench.figures import Figure, median, percentile
from bench.load import Load, each, run
from bench.servers import HOST, Credentials, Server, init, roomtone
from bench.session_list import FINDINGS, NOW, YEARS_MS, Sessions
from roomtone.model.times import iso

GOAL, SEARCH_GOAL = 5.0, 20.0
FEW, MANY, QUICK_MANY = 1_000, 1_000_000, 100_000
ROUNDS, TIMES, QUICK_TIMES = 3, 60, 20
WARM_UP = 20
PER_PAGE = 20
MEETINGS = 2_000
DATABASE = "roomtone.db"
MEETING = "Quincunx"
"""The title of the meeting that is asked for: a rare word."""

INSERT = """
INSERT INTO sessions (ordinal, revision, id, app_id, meeting_id, title, type, status,
 live_participants, max_concurrent_participants, total_participants, closed_ms, live_since_sum,
 sort_ms, started_at, ended_at, end_reason, created_at, updated_at, sealed_at,
 mos_hundredths, severity, finding_ids, browsers, countries)
VALUES (?, ?, ?, ?, ?, ?, 'meeting', ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""

Questions = dict[str, dict[str, str]]


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """The worst answer of all that can be asked, by its p99."""
    count, times = (QUICK_MANY, QUICK_TIMES) if quick else (MANY, TIMES)
    few, many = folder / "few", folder / "many"
    small, large = fill(few, FEW), fill(many, count)
    with roomtone(few) as server:
        first = p99(server, small, {}, times * 10)
        whole = p99(server, small, {"per_page": "1000"}, times)
    with roomtone(many) as server:
        ready, idle = server.ready_s, server.memory_mb()
        loaded = run(server.port, [each([_question(large, {})])]).p(1.0)
        pages, searches = _questions(many, count)
        worst_page, page = _worst(server, large, pages, times)
        worst_search, search = _worst(server, large, searches, times)
        thousand = p99(server, large, {"per_page": "1000"}, times)
        memory = server.memory_mb()
    floor_is = f"first page at {FEW:,}, p99"
    return [
        Figure(
            part="lists", what=f"worst of {len(pages)} pages: {page}, p99", value=worst_page,
            unit="ms", floor=first, floor_is=floor_is, goal=GOAL, more_is_better=False,
        ),
        Figure(
            part="lists", what=f"worst of {len(searches)} searches: {search}, p99",
            value=worst_search, unit="ms", floor=first, floor_is=floor_is, goal=SEARCH_GOAL,
            more_is_better=False,
        ),
        Figure(
            part="lists", what="1,000 rows in one page, p99", value=thousand, unit="ms",
            floor=whole, floor_is=f"the same at {FEW:,}, p99", goal=GOAL, more_is_better=False,
        ),
        Figure(part="lists", what="  first list after the start", value=loaded, unit="ms"),
        Figure(part="lists", what=f"  ready, {count:,} sessions", value=ready, unit="s"),
        Figure(part="lists", what=f"  memory, before {idle:.0f} MB", value=memory, unit="MB"),
    ]  # fmt: skip


def fill(data: Path, count: int) -> Credentials:
    """A data folder with so many sessions, straight into the table."""
    credentials = init(data)
    with closing(sqlite3.connect(data / DATABASE)) as conn, conn:
        conn.execute("PRAGMA synchronous = OFF")
        conn.executemany(INSERT, _rows(count, credentials.app_id))
    return credentials


def _rows(count: int, app_id: str) -> Iterator[tuple[object, ...]]:
    sessions = Sessions(count, MEETINGS)
    for at in range(1, count + 1):
        row = sessions.row(at, at)
        _, _, session, _, meeting, title, status, started, used, people = row
        live = status == "LIVE"
        ended = None if live else started + used // people
        yield (
            *(at, at, session, app_id, meeting, title, status),
            *(people if live else 0, people, people, used, used, started),
            *(ended, None if live else "ALL_PARTICIPANTS_LEFT", started, started, ended),
            *sessions.marks(row),
        )


def _questions(data: Path, count: int) -> tuple[Questions, Questions]:
    """Pages with their filters and sorts, and searches, by what they are called."""
    with closing(sqlite3.connect(data / DATABASE)) as conn:
        one = conn.execute("SELECT id, meeting_id FROM sessions WHERE title = ?", (MEETING,))
        session, meeting = one.fetchone()
    last = count // PER_PAGE
    time = {
        "start_time": iso(NOW - YEARS_MS // 2),
        "end_time": iso(NOW - YEARS_MS // 4),
    }
    filters: Questions = {
        "no filter": {},
        "LIVE": {"status": "LIVE"},
        "ENDED": {"status": "ENDED"},
        "a meeting": {"associated_id": meeting},
        "half a year": time,
        "5-30 people": {"participants": "5:30"},
        "half a year, 5-30 people": {**time, "participants": "5:30"},
        "two findings": {"finding": ",".join(FINDINGS[:2]), "min_severity": "warning"},
        "a browser, below 3": {"browser": "Firefox", "mos_below": "3"},
        "all filters": {
            **time,
            "participants": "5:30",
            "status": "ENDED",
            "associated_id": meeting,
        },
    }
    pages: Questions = {}
    for sort in ("createdAt", "minutesConsumed"):
        for order in ("DESC", "ASC"):
            sorting = {"sort_by": sort, "sort_order": order}
            for name, members in filters.items():
                pages[f"{name}, {sort} {order}"] = members | sorting
            for name in ("no filter", "ENDED", "5-30 people"):
                for at in (last // 2, last * 3 // 5, last):
                    deep = filters[name] | sorting | {"page_no": str(at)}
                    pages[f"{name}, {sort} {order}, page {at}"] = deep
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
    searches["a common word, time and people"] = filters["half a year, 5-30 people"] | {
        "search": "review"
    }
    return pages, searches


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


def _asked(server: Server, question: bytes, times: int) -> Load:
    load = run(server.port, [each([question] * times)])
    if load.wrong:
        raise SystemExit(f"lists: {load.wrong} to {question!r}: {load.last!r}")
    return load


def _question(credentials: Credentials, said: dict[str, str], path: str = "sessions") -> bytes:
    query = urlencode({"per_page": str(PER_PAGE)} | said)
    return (
        f"GET {credentials.api}/{path}?{query} HTTP/1.1\r\nhost: {HOST}\r\n"
        f"accept: application/json\r\nauthorization: Bearer {credentials.api_token}\r\n\r\n"
    ).encode()
