"""Seeding: a database with as many sessions as are wanted, straight into the table.

The rows are those of :mod:`bench.session_list`, as the service would have left them. More than a
hundred thousand are those again and again, each turn in a stretch of the two years of its own, with
new ids: the database does that by itself, a million in about a minute. Only the last turn has
sessions that are LIVE.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import psycopg

from bench.servers import Credentials, init
from bench.session_list import NOW, YEARS_MS, Sessions

MADE = 100_000
"""Rows made one by one; larger tables are multiples of it."""
MEETINGS = 2_000
DATABASE = "roomtone.db"

NAMES = (
    "ordinal, revision, id, app_id, meeting_id, title, type, status, live_participants,"
    " max_concurrent_participants, total_participants, closed_ms, live_since_sum, sort_ms,"
    " started_at, ended_at, end_reason, created_at, updated_at, sealed_at, mos_hundredths,"
    " severity, finding_ids, browsers, countries"
)
MADE_AS = f"ordinal INTEGER PRIMARY KEY, {NAMES.partition(', ')[2]}"
MARKS = ", ".join("?" * len(NAMES.split(",")))
NEW_ID = {
    "sqlite": "printf('%08x-%04x-4%03x-a%03x-%012x', random() & 0xffffffff, random() & 0xffff,"
    " random() & 0xfff, random() & 0xfff, random() & 0xffffffffffff)",
    "postgresql": "CAST(gen_random_uuid() AS text)",
}
TURN = """
INSERT INTO sessions ({names})
SELECT {turn} * {made} + ordinal, {turn} * {made} + ordinal, {new_id}, app_id, meeting_id, title,
 type, 'ENDED', 0, max_concurrent_participants, total_participants, closed_ms, 0, sort_ms + {turn},
 t, t + lasted, 'ALL_PARTICIPANTS_LEFT', t, t, t + lasted,
 mos_hundredths, severity, finding_ids, browsers, countries
FROM (SELECT *, (started_at - {begin} + {turn} * {span}) / {turns} + {begin} AS t,
 COALESCE(ended_at - started_at, 0) AS lasted FROM made) AS turned ORDER BY ordinal
"""
LAST_TURN = """
INSERT INTO sessions ({names})
SELECT {turn} * {made} + ordinal, {turn} * {made} + ordinal, id, app_id, meeting_id, title,
 type, status, live_participants, max_concurrent_participants, total_participants, closed_ms, 0,
 sort_ms + {turn}, t, t + lasted, end_reason, t, t, t + lasted,
 mos_hundredths, severity, finding_ids, browsers, countries
FROM (SELECT *, (started_at - {begin} + {turn} * {span}) / {turns} + {begin} AS t,
 ended_at - started_at AS lasted FROM made) AS turned ORDER BY ordinal
"""
CURSORS = f"""
INSERT INTO cursors (name, position) VALUES ('sessions.revision', {{count}}),
 ('retention.journal', {NOW + YEARS_MS})
"""  # noqa: S608
"""Nothing is too old: else the server would go through all sessions, and put each one again."""


def fill(data: Path, count: int, database: str = "") -> Credentials:
    """A data folder, or an empty PostgreSQL database with one, that has so many sessions; many are
    rounded down to hundreds of thousands."""
    if count > MADE:
        count -= count % MADE
    credentials = init(data, **({"database": database} if database else {}))
    if database:
        _fill_postgresql(database, count, credentials.app_id)
    else:
        _fill_sqlite(data / DATABASE, count, credentials.app_id)
    return credentials


def ids_of(data: Path, title: str, database: str = "") -> tuple[str, str]:
    """The first session of a meeting with this title, and the meeting."""
    asked = "SELECT id, meeting_id FROM sessions WHERE title = {} ORDER BY ordinal LIMIT 1"
    if database:
        with psycopg.connect(database) as postgres:
            found = postgres.execute(asked.format("%s").encode(), (title,)).fetchone()
    else:
        with closing(sqlite3.connect(data / DATABASE)) as conn:
            found = conn.execute(asked.format("?"), (title,)).fetchone()
    assert found is not None
    return found[0], found[1]


def _fill_sqlite(file: Path, count: int, app_id: str) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as conn:
        # Whatever is made here can be made again, so nothing is kept for a way back.
        conn.execute("PRAGMA journal_mode = OFF")
        conn.execute("PRAGMA synchronous = OFF")
        conn.execute("PRAGMA locking_mode = EXCLUSIVE")
        conn.execute("PRAGMA temp_store = MEMORY")
        indexes = _without_indexes(conn)
        conn.execute(f"CREATE TEMP TABLE made ({MADE_AS})")
        into = "sessions" if count <= MADE else "made"
        insert = f"INSERT INTO {into} ({NAMES}) VALUES ({MARKS})"  # noqa: S608
        conn.execute("BEGIN")
        conn.executemany(insert, _rows(min(count, MADE), app_id))
        conn.execute("COMMIT")
        if count > MADE:
            for text in _turns("sqlite", count):
                conn.execute(text)
        for text in indexes:
            conn.execute(text)
        conn.execute(CURSORS.format(count=count))
        conn.execute("PRAGMA locking_mode = NORMAL")
        conn.execute("PRAGMA journal_mode = WAL")


def _without_indexes(conn: sqlite3.Connection) -> list[str]:
    """Take the indexes off the empty table; the statements that make them again. One made once from
    all rows is written from end to end; ids have no order, so their constraint becomes an index."""
    held = conn.execute(
        "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'sessions' AND sql IS NOT NULL"
        " ORDER BY type = 'table'"
    ).fetchall()
    *indexes, (_, table) = held
    plain, ids = re.subn(r",\s*CONSTRAINT \w+ UNIQUE \(id\)", "", table)
    assert ids == 1, table
    conn.execute("DROP TABLE sessions")
    conn.execute(plain)
    return [*(text for _, text in indexes), "CREATE UNIQUE INDEX uq_sessions_id ON sessions (id)"]


def _fill_postgresql(url: str, count: int, app_id: str) -> None:
    with psycopg.connect(url) as conn:

        def run(text: str) -> Sequence[tuple[str, str]]:
            done = conn.execute(text.encode())
            return done.fetchall() if done.description is not None else []

        # What is only read afterwards need not go through the log; else as the service has it.
        run("ALTER TABLE sessions SET UNLOGGED")
        run("SET LOCAL maintenance_work_mem = '512MB'")
        run("SET LOCAL work_mem = '256MB'")
        held = run(
            "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE conrelid = 'sessions'::regclass AND contype = 'u'"
        )
        for name, _ in held:
            run(f"ALTER TABLE sessions DROP CONSTRAINT {name}")
        indexes = run(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
            " WHERE indrelid = 'sessions'::regclass AND NOT indisprimary"
        )
        for name, _ in indexes:
            run(f"DROP INDEX {name}")
        run("CREATE TEMP TABLE made (LIKE sessions INCLUDING DEFAULTS)")
        into = "sessions" if count <= MADE else "made"
        with conn.cursor().copy(f"COPY {into} ({NAMES}) FROM STDIN".encode()) as copy:
            for row in _rows(min(count, MADE), app_id):
                copy.write_row(row)
        if count > MADE:
            for text in _turns("postgresql", count):
                run(text)
        for _, text in indexes:
            run(text)
        for name, text in held:
            run(f"ALTER TABLE sessions ADD CONSTRAINT {name} {text}")
        run(f"SELECT setval(pg_get_serial_sequence('sessions', 'ordinal'), {count})")
        run(CURSORS.format(count=count))
    with psycopg.connect(url, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE sessions")


def _turns(database: str, count: int) -> Iterator[str]:
    """The statements that make many of what was made."""
    turns = count // MADE
    for turn in range(turns):
        yield (LAST_TURN if turn == turns - 1 else TURN).format(
            names=NAMES,
            new_id=NEW_ID[database],
            made=MADE,
            turn=turn,
            turns=turns,
            begin=NOW - YEARS_MS,
            span=YEARS_MS,
        )


def _rows(count: int, app_id: str) -> Iterator[tuple[object, ...]]:
    sessions = Sessions(count, MEETINGS)
    for at in range(1, count + 1):
        row = sessions.row(at, at)
        _, _, session, _, meeting, title, status, started, used, people = row
        live = status == "LIVE"
        ended = None if live else started + used // people
        yield (
            *(at, at, session, app_id, meeting, title, "meeting", status),
            *(people if live else 0, people, people, used, 0, used, started),
            *(ended, None if live else "ALL_PARTICIPANTS_LEFT", started, started, ended),
            *sessions.marks(row),
        )
