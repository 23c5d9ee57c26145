"""Figures of a year's days over HTTP, at a million sessions in that year, against those of a day.

The sessions are those of :mod:`bench.session_list`, moved into one year; their digests and what
they add up to are written straight into the tables, as sealing would have left them.
"""

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

from bench.figures import Figure
from bench.lists import MANY, QUICK_MANY, QUICK_TIMES, TIMES, p99
from bench.seeding import DATABASE, fill
from bench.servers import roomtone
from bench.session_list import BROWSERS, COUNTRIES, FINDINGS, NOW, YEARS_MS
from roomtone.model.digests import DAY_MS, MOS_BINS, day_of
from roomtone.model.times import iso

GOAL = 5.0
LIVE = 300
"""Sessions that go on at the end of the year."""
YEAR = (NOW - 365 * DAY_MS, NOW - DAY_MS)

MOVE = "UPDATE sessions SET started_at = ? + (started_at - ?) / 2"
END = """UPDATE sessions SET status = 'ENDED', ended_at = started_at, sealed_at = started_at,
 live_participants = 0 WHERE status = 'LIVE' AND ordinal <= ?"""
DIGESTS = """
INSERT INTO session_digests (session_id, app_id, day, rank, closed_ms, peers, mos_hundredths,
 outcome, errors, warnings, infos)
SELECT id, app_id, started_at / 86400000, 3000 + COALESCE(mos_hundredths, 501), closed_ms,
 total_participants, mos_hundredths, 'good', severity = 3, severity = 2, severity = 1
FROM sessions WHERE sealed_at IS NOT NULL
"""
FIGURES = """
INSERT INTO day_figures (app_id, day, sessions, closed_ms, peers, errors, warnings, mos_sum,
 mos_count)
SELECT app_id, day, count(*), sum(closed_ms), sum(peers), sum(errors), sum(warnings),
 sum(mos_hundredths), count(mos_hundredths) FROM session_digests GROUP BY app_id, day
"""
NAMES = "INSERT INTO day_names VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """p99 of a year's days by p99 of a day's; the same of the overview."""
    count, times = (QUICK_MANY, QUICK_TIMES) if quick else (MANY, TIMES)
    data = folder / "days"
    credentials = fill(data, count)
    _seal(data, count)
    day = iso(YEAR[1])[:10]
    year = {"start_date": iso(YEAR[0])[:10], "end_date": day}
    first, last = iso(YEAR[0]), iso(YEAR[1])
    with roomtone(data) as server:
        path = "analytics/daywise"
        of_a_day = p99(server, credentials, {"start_date": day, "end_date": day}, times, path)
        of_a_year = p99(server, credentials, year, times, path)
        path = "analytics/overview"
        short = p99(server, credentials, {"start_time": last, "end_time": last}, times, path)
        long = p99(server, credentials, {"start_time": first, "end_time": last}, times, path)
    return [
        Figure(
            part="days", what=f"daywise, a year of {count:,} sessions, p99", value=of_a_year,
            unit="ms", floor=of_a_day, floor_is="of a day, p99", goal=GOAL, more_is_better=False,
        ),
        Figure(
            part="days", what="overview of that year, p99", value=long, unit="ms",
            floor=short, floor_is="of a day, p99",
        ),
    ]  # fmt: skip


def _seal(data: Path, count: int) -> None:
    with closing(sqlite3.connect(data / DATABASE)) as conn, conn:
        conn.execute("PRAGMA synchronous = OFF")
        conn.execute(MOVE, (YEAR[0], NOW - YEARS_MS))
        (last,) = conn.execute(
            "SELECT COALESCE(max(ordinal), 0) FROM (SELECT ordinal FROM sessions WHERE"
            " status = 'LIVE' ORDER BY ordinal DESC LIMIT -1 OFFSET ?)",
            (LIVE,),
        ).fetchone()
        conn.execute(END, (last,))
        conn.execute(DIGESTS)
        conn.execute(FIGURES)
        conn.executemany(NAMES, _names(conn))


def _names(conn: sqlite3.Connection) -> list[tuple[object, ...]]:
    """For every day, what its sessions would have added by name."""
    (app_id,) = conn.execute("SELECT app_id FROM sessions LIMIT 1").fetchone()
    told = Counter[tuple[str, str]]()
    told.update(("browser", name) for name in BROWSERS)
    told.update(("country", name) for name in COUNTRIES)
    told.update(("network", name) for name in ("wifi", "ethernet", "cellular"))
    told.update(("finding", f"warning:{name}") for name in FINDINGS)
    told.update(("mos", str(edge)) for edge in MOS_BINS[:-1])
    return [
        (app_id, day, dimension, name, peers, peers * 9, peers * 3_500, peers * 9)
        for day in range(day_of(YEAR[0]), day_of(YEAR[1]) + 1)
        for (dimension, name), peers in told.items()
    ]
