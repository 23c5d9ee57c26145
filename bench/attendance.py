"""The attendance of a meeting over HTTP: 10,000 sessions as CSV, against a hundred."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.request import Request, urlopen

from bench.figures import Figure
from bench.servers import HOST, Credentials, Server, init, roomtone
from roomtone.model.presence import Presence
from roomtone.storage.encoding import encode_presence

GOAL_MB = 16.0
FEW, MANY = 100, 10_000
PEERS, PEOPLE = 6, 4
"""Connections to a session, and the people who make them: two came twice."""
READ_BYTES = 1024 * 1024
SETTLED_S = 3.0
T0, HOUR_MS, MINUTE_MS = 1_700_000_000_000, 3_600_000, 60_000
DATABASE = "roomtone.db"

MEETING = """
INSERT INTO meetings (id, app_id, title, status, type, record_on_start, live_stream_on_start,
 persist_chat, transcribe_on_end, summarize_on_end, session_keep_alive_time_in_secs, created_at,
 updated_at, searchable)
VALUES (?, ?, 'Lecture', 'ACTIVE', 'meeting', 0, 0, 0, 0, 0, 60, ?, ?, '')
"""
SESSION = """
INSERT INTO sessions (revision, id, app_id, meeting_id, title, type, status, live_participants,
 max_concurrent_participants, total_participants, closed_ms, live_since_sum, sort_ms, started_at,
 ended_at, created_at, updated_at, sealed_at)
VALUES (?, ?, ?, ?, 'Lecture', 'meeting', 'ENDED', 0, ?, ?, 0, 0, 0, ?, ?, ?, ?, ?)
"""
PEER = """
INSERT INTO peers (subject, app_id, session_id, peer_id, user_id, custom_participant_id,
 display_name, preset_name, joined_at, left_at, last_sign_at, created_at, updated_at, searchable,
 presence)
VALUES (?, ?, ?, ?, ?, ?, ?, 'p', ?, ?, ?, ?, ?, '', ?)
"""
TALK = (
    "INSERT INTO talk_times (subject, session_id, talk_ms, source) VALUES (?, ?, ?, 'microphone')"
)


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """What memory the longer one takes beyond the shorter, and how long it takes."""
    data = folder / "attendance"
    credentials = init(data)
    with closing(sqlite3.connect(data / DATABASE)) as conn, conn:
        conn.execute("PRAGMA synchronous = OFF")
        for meeting, count in (("few", FEW), ("many", MANY)):
            _fill(conn, credentials.app_id, meeting, count)
    with roomtone(data) as server:
        time.sleep(SETTLED_S)
        _stream(server, credentials, "few")
        before = server.memory_mb()
        first = _stream(server, credentials, "few")
        took = _stream(server, credentials, "many")
        after = server.memory_mb()
    return [
        Figure(
            part="attend", what=f"memory for {MANY:,} sessions of {PEERS}, beyond {FEW}",
            value=max(0.0, after - before), unit="MB", goal=GOAL_MB, more_is_better=False,
        ),
        Figure(part="attend", what=f"  {MANY:,} sessions as CSV", value=took, unit="s"),
        Figure(part="attend", what=f"  {FEW} sessions as CSV", value=first, unit="s"),
    ]  # fmt: skip


def _fill(conn: sqlite3.Connection, app_id: str, meeting: str, count: int) -> None:
    conn.execute(MEETING, (meeting, app_id, T0, T0))
    conn.executemany(SESSION, _sessions(app_id, meeting, count))
    peers = list(_peers(app_id, meeting, count))
    conn.executemany(PEER, peers)
    conn.executemany(TALK, ((peer[0], peer[2], 5 * MINUTE_MS) for peer in peers))


def _sessions(app_id: str, meeting: str, count: int) -> Iterator[tuple[object, ...]]:
    for number in range(count):
        start = T0 + number * HOUR_MS
        times = (start, start + HOUR_MS // 2, start, start, start + HOUR_MS // 2)
        yield (number, f"{meeting}-{number}", app_id, meeting, PEOPLE, PEOPLE, *times)


def _peers(app_id: str, meeting: str, count: int) -> Iterator[tuple[object, ...]]:
    for number in range(count):
        for peer in range(PEERS):
            name = f"{meeting}-{number}-{peer}"
            user = f"user {peer % PEOPLE}"
            joined = T0 + number * HOUR_MS + peer * MINUTE_MS
            left = joined + 10 * MINUTE_MS
            said = Presence(joins=((joined, "call_join"),), leaves=((left, "disconnect"),))
            yield (
                *(name.encode().rjust(16, b"."), app_id, f"{meeting}-{number}", name),
                *(user, user, user, joined, left, left, joined, left, encode_presence(said)),
            )


def _stream(server: Server, credentials: Credentials, meeting: str) -> float:
    """Seconds until the last line; all of them have to come."""
    path = f"{credentials.api}/meetings/{meeting}/attendance?format=csv&view=consolidated"
    url = f"http://{HOST}:{server.port}{path}"
    request = Request(url, headers={"authorization": f"Bearer {credentials.api_token}"})
    lines, began = 0, time.perf_counter()
    with urlopen(request) as answer:  # noqa: S310 - our own server
        while piece := answer.read(READ_BYTES):
            lines += piece.count(b"\r\n")
    took = time.perf_counter() - began
    wanted = 1 + PEOPLE * (MANY if meeting == "many" else FEW)
    if lines != wanted:
        raise SystemExit(f"attendance: {lines} lines instead of {wanted}")
    return took
