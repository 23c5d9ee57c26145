"""Digests: of an older database, of stored reports, and what an erasing leaves of them."""

import asyncio
import gzip
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from msgspec.structs import replace

from roomtone.model.digests import DAY_MS, Digest, Headline, PeerFigures
from roomtone.model.findings import Finding, FindingCounts, Verdict
from roomtone.model.presence import Presence
from roomtone.model.sessions import ENDED, Peer, Session
from roomtone.services.digesting import redacted, without
from roomtone.storage import schema
from roomtone.storage.connections import SqliteConnection
from roomtone.storage.database import Database
from roomtone.storage.records import SqlRecords

T0 = 20_000 * DAY_MS


# --- a database from before digests ---------------------------------------------------------------


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """The first migration's database, with three sessions of which two are sealed."""
    file = tmp_path / "roomtone.db"
    connection = SqliteConnection(str(file))
    config = Config()
    config.set_main_option("script_location", str(schema.MIGRATIONS))
    config.attributes["connection"] = connection.core
    connection.raw.execute("BEGIN IMMEDIATE")
    connection.core.begin()
    command.upgrade(config, "0001")
    connection.raw.execute("COMMIT")
    connection.close()
    with sqlite3.connect(file) as raw:
        for at, sealed_at in enumerate((T0, T0, None)):
            raw.execute(
                "INSERT INTO sessions (revision, id, app_id, meeting_id, title, type, status,"
                " live_participants, max_concurrent_participants, total_participants, closed_ms,"
                " live_since_sum, sort_ms, started_at, ended_at, created_at, updated_at, sealed_at)"
                " VALUES (?, ?, 'app', 'm', '', 'meeting', 'ENDED', 0, 1, 1, ?, 0, 0, ?, ?, 0, 0,"
                " ?)",
                (at, f"s{at}", 60_000 * (at + 1), T0 + at, T0 + 9, sealed_at),
            )
            raw.execute(
                "INSERT INTO peers (subject, app_id, session_id, peer_id, user_id,"
                " custom_participant_id, display_name, preset_name, joined_at, last_sign_at,"
                " created_at, updated_at, searchable, presence)"
                " VALUES (?, 'app', ?, ?, 'u', 'c', 'n', 'p', 0, 0, 0, 0, '', ?)",
                (bytes([at] * 16), f"s{at}", f"p{at}", msgspec.msgpack.encode(Presence())),
            )
    return file


@pytest.fixture
def records(old_file: Path) -> Iterator[SqlRecords]:
    database = Database.open(old_file)
    yield SqlRecords(database)
    database.close()


def test_after_an_upgrade_what_was_sealed_before_counts_at_once(records: SqlRecords) -> None:
    def ask(tx: Any) -> tuple[Any, ...]:
        (day,) = tx.digests.days("app", 0, 1 << 30)
        return (
            day,
            tx.digests.headlines(["s0"]),
            tx.digests.digest("s0"),
            tx.digests.undigested("s0"),
        )

    day, headlines, digest, undigested = asyncio.run(records.read(ask))

    assert (day.day, day.figures.sessions) == (20_000, 2)
    assert (day.figures.closed_ms, day.figures.peers) == (180_000, 2)
    assert headlines["s0"] == Headline(
        session_id="s0", mos_hundredths=None, outcome=None, errors=None, warnings=None, infos=None
    )
    assert (digest, undigested) == (None, True)


def test_sealing_anew_replaces_what_the_upgrade_added(records: SqlRecords) -> None:
    digest = Digest(session_id="s0", app_id="app", started_at=T0 + DAY_MS, closed_ms=7, peers=())
    asyncio.run(records.write(lambda tx: tx.digests.put(digest)))
    days = asyncio.run(records.read(lambda tx: tx.digests.days("app", 0, 1 << 30)))

    assert [(day.day, day.figures.closed_ms, day.figures.peers) for day in days] == [
        (20_000, 120_000, 1),
        (20_001, 7, 0),
    ]


# --- erasing --------------------------------------------------------------------------------------


def finding(peer_id: str, **more: Any) -> Finding:
    plain: dict[str, Any] = {
        "id": "uplink_loss", "severity": "warning", "start": "", "end": None, "peer_id": peer_id,
        "side": "uplink", "blamed_peer_id": None, "other_peer_id": None, "stream": None,
        "worst": None, "unit": None, "echo_of": None, "title": "It was so.", "advice": "",
        "evidence": (),
    }  # fmt: skip
    return Finding(**(plain | more))


ALICE = Peer(
    subject=b"a" * 16, app_id="app", session_id="s", peer_id="pa", user_id="ua",
    custom_participant_id="alice", display_name="Alice", preset_name="", joined_at=0,
    last_sign_at=0, presence=Presence(), created_at=0, updated_at=0,
)  # fmt: skip
OF_BOB = finding("pb")
OF_ALICE = (
    finding("pa"),
    finding("pb", blamed_peer_id="pa"),
    finding("pb", other_peer_id="pa"),
    finding("pb", echo_of="uplink_loss@pa"),
    finding("pb", title="Bob heard Alice badly."),
)


def test_nothing_of_an_erased_person_stays_in_a_digest() -> None:
    digest = Digest(
        session_id="s",
        app_id="app",
        started_at=0,
        closed_ms=0,
        peers=(PeerFigures(peer_id="pa", mos=100), PeerFigures(peer_id="pb", mos=400)),
        findings=(*OF_ALICE, OF_BOB),
        verdict=Verdict(outcome="bad", sentences=("Alice's uplink lost packets.", "Bob was fine.")),
        counts=FindingCounts(warning=6),
    )
    left = without(digest, [ALICE])

    assert left.peers == (PeerFigures(peer_id="pb", mos=400),)
    assert (left.findings, left.counts) == ((OF_BOB,), FindingCounts(warning=1))
    assert left.verdict.sentences == ("Bob was fine.",)
    assert b"Alice" not in msgspec.msgpack.encode(left)


def test_nothing_of_an_erased_person_stays_in_the_findings_of_others_reports() -> None:
    content = {
        "success": True,
        "data": {"participant": {"id": "pb", "findings": [*OF_ALICE, OF_BOB]}},
    }
    body = gzip.compress(msgspec.json.encode(content), mtime=0)
    left = msgspec.json.decode(gzip.decompress(redacted(body, [ALICE])))
    plain = msgspec.json.decode(msgspec.json.encode(OF_BOB))

    assert left["data"]["participant"] == {"id": "pb", "findings": [plain]}


def test_a_report_that_tells_nothing_of_the_erased_stays_as_it_is() -> None:
    for participant in ({"id": "pb"}, {"id": "pb", "findings": [OF_BOB]}):
        content = {"success": True, "data": {"participant": participant}}
        body = gzip.compress(msgspec.json.encode(content), mtime=0)
        assert redacted(body, [ALICE]) is body


def test_the_mean_of_a_session_is_over_the_peers_that_stay() -> None:
    database = Database.open(":memory:")
    records = SqlRecords(database)
    session = Session(
        id="s", app_id="app", meeting_id="m", title="", status=ENDED, started_at=T0,
        created_at=T0, updated_at=T0, sealed_at=T0,
    )  # fmt: skip
    peers = (PeerFigures(peer_id="pa", mos=100), PeerFigures(peer_id="pb", mos=400))
    digest = Digest(session_id="s", app_id="app", started_at=T0, closed_ms=5, peers=peers)

    def change(tx: Any) -> None:
        tx.sessions.put_session(session)
        tx.digests.put(digest)
        tx.digests.put(replace(without(digest, [ALICE]), closed_ms=3))

    asyncio.run(records.write(change))
    (day,) = asyncio.run(records.read(lambda tx: tx.digests.days("app", 0, 1 << 30)))
    headline = asyncio.run(records.read(lambda tx: tx.digests.headlines(["s"])))["s"]
    database.close()

    assert headline.mos == 4.0
    assert (day.figures.peers, day.figures.closed_ms, day.figures.mos_sum) == (1, 3, 400)
