"""A report is a pure function of the journal: replayed, it is the same bytes."""

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import naive_counters
import pytest
from journey_server import told
from player import Stage


@pytest.fixture
def folder(stage: Stage, tmp_path: Path) -> Path:
    """A copy of the folder that every recording was played into."""
    return stage.server.copy_to(tmp_path / "copy")


def bodies(folder: Path) -> dict[str, bytes]:
    """peer id → the stored bytes."""
    with closing(sqlite3.connect(folder / "roomtone.db")) as connection:
        return dict(connection.execute("SELECT peer_id, body FROM reports").fetchall())


def test_a_replay_of_the_journal_gives_the_stored_reports_byte_for_byte(
    stage: Stage, folder: Path
) -> None:
    before = bodies(folder)
    assert set(before) >= {one for call in stage.calls.values() for one in call.peers.values()}
    outcome = told("rebuild", "--data", folder)
    assert outcome["changed"] == 0
    assert outcome["reports"] == len(before)
    assert bodies(folder) == before


def test_a_replay_also_makes_reports_that_were_lost(folder: Path) -> None:
    before = bodies(folder)
    with closing(sqlite3.connect(folder / "roomtone.db")) as connection, connection:
        connection.execute("DELETE FROM reports")
    assert told("rebuild", "--data", folder)["changed"] == len(before)
    assert bodies(folder) == before


def test_a_stored_report_that_was_tampered_with_is_found_and_mended(
    stage: Stage, folder: Path
) -> None:
    before = bodies(folder)
    peer_id = stage.calls["realtimekit-clean by message"].peers["a"]
    better = gzip.decompress(before[peer_id]).replace(b'"packets_lost":0', b'"packets_lost":7', 1)
    with closing(sqlite3.connect(folder / "roomtone.db")) as connection, connection:
        forged = (gzip.compress(better, mtime=0), peer_id)
        connection.execute("UPDATE reports SET body = ? WHERE peer_id = ?", forged)
    assert told("rebuild", "--data", folder)["changed"] == 1
    assert bodies(folder) == before
    assert told("rebuild", "--data", folder)["changed"] == 0


def test_only_the_session_that_is_named_is_replayed(stage: Stage, folder: Path) -> None:
    call = stage.calls["realtimekit-mute by message"]
    (session,) = stage.server.sessions(call.meeting_id)
    outcome = told("rebuild", "--session", session["id"], "--data", folder)
    assert outcome == {"sessions": 1, "reports": 3, "changed": 0, "words": 0}


def test_another_cadence_changes_the_readings_and_not_the_totals(
    stage: Stage, folder: Path
) -> None:
    outcome = told("rebuild", "--data", folder, "--reading-ms", 20_000)
    assert outcome["changed"] > 0
    for peer_id, body in bodies(folder).items():
        rebuilt = json.loads(gzip.decompress(body))["data"]["participant"]
        assert naive_counters.reported(rebuilt) == naive_counters.reported(
            stage.server.report(peer_id)
        )
