"""Answers that are given again before anything is routed: the same to the byte, to nobody else, and
not a moment longer than they hold."""

import asyncio
import gzip
import subprocess
import sys
from pathlib import Path

import pytest
from facade_world import MINUTE, START, StillClock, a_world
from msgspec.structs import replace

from roomtone.services.rate import RateLimit
from roomtone.services.tenants import Tenants
from roomtone.storage.database import Database
from roomtone.storage.records import SqlRecords
from roomtone.web.recent import Kept, Recent

REPORT = "sessions/peer-report/p1"
GZIP = {"accept-encoding": "gzip"}


def with_report(world):
    """The stored bytes of a sealed peer's report."""
    world.put_session("s1", ended_at=START + 9 * MINUTE, sealed_at=START + 10 * MINUTE)
    return world.seal(world.put_peer("s1", "p1", left_at=START + 5 * MINUTE, user_id="u1"))


@pytest.fixture
def world():
    with a_world() as made:
        made.sealed = with_report(made)
        yield made


@pytest.fixture
def looked_up(world, monkeypatch):
    """The peer ids that a handler looked up."""
    seen = []
    honest = world.sessions.stored_report

    async def stored_report(app_id, peer_id):
        seen.append(peer_id)
        return await honest(app_id, peer_id)

    monkeypatch.setattr(world.sessions, "stored_report", stored_report)
    return seen


def ask(world, method="GET", path=REPORT, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {**world.bearer, **GZIP, **named}
    with world.client.stream(method, world.path(path), headers=sent) as answer:
        answer.raw = b"".join(answer.iter_raw())
        return answer


def test_it_is_the_same_answer_without_a_look_at_the_rows(world, looked_up):
    first, second = ask(world), ask(world)

    assert first.raw == second.raw == world.sealed
    told = [{**answer.headers, "x-request-id": ""} for answer in (first, second)]
    assert told[0] == told[1]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    assert ask(world, x_request_id="mine").headers["x-request-id"] == "mine"
    assert looked_up == ["p1"]


@pytest.mark.parametrize(
    "other",
    [
        {"path": REPORT + "?filters=device_info"},
        {"path": REPORT + "?model=previous"},
        {"method": "HEAD"},
        {"method": "POST"},
        {"accept_encoding": "identity"},
        {"authorization": "Bearer rt_nonsense"},
        {"authorization": "Basic rt_nonsense"},
        {"x_roomtone_console": "1"},
    ],
)
def test_another_question_gets_the_answer_that_it_would_have_got_first(world, other):
    expected = ask(world, **other)
    for _ in range(2):
        assert ask(world).raw == world.sealed
    again = ask(world, **other)

    assert again.status_code == expected.status_code
    if expected.status_code == 200:
        assert again.raw == expected.raw
        assert again.headers.get("content-encoding") == expected.headers.get("content-encoding")
    else:
        assert again.raw != world.sealed


def test_the_plain_form_is_given_again_too(world, looked_up):
    for _ in range(3):
        assert ask(world, accept_encoding="identity").raw == gzip.decompress(world.sealed)
    assert looked_up == ["p1"]


def test_a_token_opens_nothing_from_the_moment_it_is_revoked(world):
    issued = asyncio.run(world.tenants.create_token(world.account_id, None, "short-lived", "read"))
    bearer = {"authorization": f"Bearer {issued.text}"}
    assert [ask(world, **bearer).status_code for _ in range(3)] == [200] * 3

    asyncio.run(world.tenants.revoke_token(world.account_id, issued.token.id))

    assert ask(world, **bearer).status_code == 401
    assert ask(world).status_code == 200


def test_a_report_that_is_sealed_anew_is_told_at_once(world):
    assert ask(world).raw == ask(world).raw == world.sealed
    stored = world.records.peek(lambda tx: tx.reports.sealed_report(world.app_id, "p1"))
    other = gzip.compress(b'{"success":true,"data":{}}')

    world.write(lambda tx: tx.reports.put_report(replace(stored, body=other)))

    assert ask(world).raw == ask(world).raw == other


def test_each_of_them_counts_against_the_limit():
    with a_world(rate_limit=4) as limited:
        with_report(limited)
        answers = [ask(limited) for _ in range(6)]

    assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) > 0


def test_what_is_known_by_heart_is_refused_too_when_there_is_too_much_to_do(world):
    assert ask(world).raw == ask(world).raw == world.sealed
    traffic = world.application.middleware_stack
    traffic.waiting = 1_000_000
    assert ask(world).status_code == 503
    traffic.waiting = 0
    assert ask(world).status_code == 200


SCOPE = {"method": "GET", "path": "/a", "query_string": b""}
HEADERS = {b"authorization": b"Bearer rt_x"}


COMMIT = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1]) as connection:
    connection.execute("INSERT INTO cursors (name, position) VALUES ('another', 1)")
"""


def test_a_commit_of_another_process_ends_it(tmp_path: Path):
    file = tmp_path / "roomtone.db"
    database = Database.open(file)
    try:
        records = SqlRecords(database)
        recent = Recent(records, StillClock(), RateLimit(0))
        kept = Kept("t", [], b"body")
        recent.keep(SCOPE, HEADERS, records.version(), kept)
        assert recent.find(SCOPE, HEADERS) is kept

        subprocess.run([sys.executable, "-c", COMMIT, str(file)], check=True)

        assert recent.find(SCOPE, HEADERS) is None
    finally:
        database.close()


def test_what_was_found_before_a_commit_is_not_kept_as_if_found_after_it(tmp_path: Path):
    database = Database.open(tmp_path / "roomtone.db")
    try:
        records = SqlRecords(database)
        recent = Recent(records, StillClock(), RateLimit(0))
        before = records.version()
        asyncio.run(Tenants(records, StillClock()).create_account("Another"))

        recent.keep(SCOPE, HEADERS, before, Kept("t", [], b"stale"))

        assert recent.find(SCOPE, HEADERS) is None
    finally:
        database.close()


def test_it_takes_no_more_memory_than_it_may(tmp_path: Path):
    database = Database.open(":memory:")
    try:
        records = SqlRecords(database)
        recent = Recent(records, StillClock(), RateLimit(0), most_bytes=100_000)
        scopes = [{**SCOPE, "path": f"/{number}"} for number in range(50)]
        for scope in scopes:
            recent.keep(scope, HEADERS, records.version(), Kept("t", [], b"x" * 9_000))
            assert recent.find(scope, HEADERS) is not None
            held = sum(recent.find(one, HEADERS) is not None for one in scopes)
            assert held * 10_000 <= 100_000
        recent.keep(SCOPE, HEADERS, records.version(), Kept("t", [], b"x" * 100_001))
        assert recent.find(SCOPE, HEADERS) is None
    finally:
        database.close()
