"""What was played is in the sums of its day, the filters and /metrics; erased, it is not."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from journey_server import JourneyServer, told, wait_for
from player import play
from prometheus_client.parser import text_string_to_metric_families

TOKEN = "for the scraper"  # of a server that lives for a minute
DERIVED = ("day_figures", "day_names", "session_digests")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JourneyServer]:
    """Two calls, one clean and one lossy, played and sealed."""
    data = tmp_path_factory.mktemp("days") / "data"
    server = JourneyServer(data, metrics=1, metrics_token=TOKEN).start()
    for name in ("getstats-clean.json.gz", "getstats-lossy.json.gz"):
        play(server, name)
    server.wait_until_sealed()
    yield server
    server.stop()


def metrics(server: JourneyServer) -> dict[str, float]:
    page = server.client.get(f"{server.url}/metrics", headers={"authorization": f"Bearer {TOKEN}"})
    assert page.status_code == 200, page.text
    return {
        f"{sample.name} {' '.join(sample.labels.values())}".strip(): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }


def sums(folder: Path) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the tables of days and digests."""
    with closing(sqlite3.connect(folder / "roomtone.db")) as connection:
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}").fetchall(), key=repr)
            for table in DERIVED
        }


def test_the_day_has_both_calls_with_the_minutes_of_the_list(played: JourneyServer) -> None:
    rows = played.ask("GET", "/sessions").json()["data"]["sessions"]
    stats = played.ask("GET", "/analytics/daywise").json()["data"]["session_stats"]

    assert stats["sessions_count"] == len(rows) == 2
    assert stats["sessions_minutes_consumed"] == pytest.approx(
        sum(row["minutes_consumed"] for row in rows), abs=1e-3
    )


def test_the_overview_knows_the_peers_their_browser_and_how_it_sounded(
    played: JourneyServer,
) -> None:
    data = played.ask("GET", "/analytics/overview").json()["data"]

    assert data["totals"]["peers"] == sum(one["peers"] for one in data["browsers"]) == 4
    assert sum(one["peers"] for one in data["mos"]["bins"]) == 4
    assert 1 <= data["totals"]["mos_avg"] <= 4.5
    scores = [one["mos"] for one in data["worst"]]
    assert len(scores) == 2
    assert None not in scores


def test_the_lossy_call_is_the_one_that_is_found_below(played: JourneyServer) -> None:
    rows = played.ask("GET", "/sessions").json()["data"]["sessions"]
    low, high = sorted(rows, key=lambda row: row["mos"])
    found = played.ask("GET", "/sessions", params={"mos_below": high["mos"]}).json()["data"]

    assert low["meeting_display_name"] == "getstats-lossy.json.gz"
    assert [row["id"] for row in found["sessions"]] == [low["id"]]


def test_metrics_counted_what_was_played(played: JourneyServer) -> None:
    # A seal is counted a moment after its reports can be read.
    wait_for("both seals", lambda: metrics(played)["roomtone_sealing_seconds_count"] >= 2)
    told_of = metrics(played)

    assert told_of["roomtone_batches_accepted_total collect"] > 4
    assert (
        told_of["roomtone_append_seconds_count"]
        >= (told_of["roomtone_batches_accepted_total collect"])
    )
    assert told_of["roomtone_sessions_unsealed"] == 0
    assert told_of["roomtone_journal_position"] > 0


def test_metrics_are_not_for_everybody(played: JourneyServer) -> None:
    assert played.client.get(f"{played.url}/metrics").status_code == 401


def test_a_rebuild_leaves_every_sum_as_it_is(played: JourneyServer, tmp_path: Path) -> None:
    folder = played.copy_to(tmp_path / "copy")
    before = sums(folder)
    told("rebuild", "--data", folder)

    assert sums(folder) == before


def test_a_rebuild_gives_an_upgraded_database_its_digests(
    played: JourneyServer, tmp_path: Path
) -> None:
    folder = played.copy_to(tmp_path / "copy")
    before = sums(folder)
    as_after_the_migration(folder)
    told("rebuild", "--data", folder)

    assert sums(folder) == before


def test_where_the_journal_is_no_longer_kept_figures_come_from_the_stored_reports(
    played: JourneyServer, tmp_path: Path
) -> None:
    folder = played.copy_to(tmp_path / "copy")
    before = sums(folder)
    as_after_the_migration(folder)
    with closing(sqlite3.connect(folder / "roomtone.db")) as connection, connection:
        connection.execute("UPDATE sessions SET trimmed_at = 1")
    told("rebuild", "--data", folder)
    after = sums(folder)
    findings = [row for row in after["day_names"] if row[2] == "finding"]

    assert findings == []
    assert after["day_names"] == [row for row in before["day_names"] if row[2] != "finding"]
    with closing(sqlite3.connect(folder / "roomtone.db")) as connection:
        known = "SELECT count(mos_hundredths), count(outcome) FROM session_digests"
        assert connection.execute(known).fetchone() == (2, 0)


def as_after_the_migration(folder: Path) -> None:
    """Digests as the migration leaves them of what was sealed before."""
    with closing(sqlite3.connect(folder / "roomtone.db")) as connection, connection:
        connection.execute(
            "UPDATE session_digests SET rank = 2501, share = NULL, body = NULL, outcome = NULL,"
            " mos_hundredths = NULL, errors = NULL, warnings = NULL, infos = NULL"
        )
        connection.execute(
            "UPDATE day_figures SET mos_sum = 0, mos_count = 0, errors = 0, warnings = 0"
        )
        connection.execute("DELETE FROM day_names")


def test_an_erased_session_leaves_the_sums_and_an_erased_person_takes_their_share(
    played: JourneyServer, tmp_path: Path
) -> None:
    folder = played.copy_to(tmp_path / "copy")
    rows = played.ask("GET", "/sessions").json()["data"]["sessions"]
    people = played.ask("GET", f"/sessions/{rows[0]['id']}/participants").json()["data"]
    told("erase", "--yes", "--participant", people["participants"][0]["user_id"], "--data", folder)
    with closing(sqlite3.connect(folder / "roomtone.db")) as connection:
        one = "SELECT peers, closed_ms FROM session_digests WHERE session_id = ?"
        assert connection.execute(one, (rows[0]["id"],)).fetchone()[0] == 1
        figures = "SELECT sum(peers) FROM day_figures"
        assert connection.execute(figures).fetchone() == (3,)
    for row in rows:
        told("erase", "--yes", "--session", row["id"], "--data", folder)

    assert sums(folder) == {table: [] for table in DERIVED}


def test_after_a_restart_the_counters_begin_anew_and_the_sums_go_on(played: JourneyServer) -> None:
    before = played.ask("GET", "/analytics/overview").json()["data"]["totals"]
    played.stop()
    played.start()
    wait_for("the page", lambda: metrics(played))

    assert metrics(played)["roomtone_batches_accepted_total collect"] == 0
    assert played.ask("GET", "/analytics/overview").json()["data"]["totals"] == before
