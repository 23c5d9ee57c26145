"""A change of thresholds: told before it is applied, applied, and both versions named."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from journey_server import roomtone_command, told

import roomtone
from roomtone.findings.catalogue import MODEL
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

# The second reads what the first applied.
LOSSY = Path(roomtone.__file__).parent / "recordings" / "getstats-lossy.json.gz"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("dry") / "data"
    assert roomtone_command("init", "--data", data).returncode == 0
    done = roomtone_command("import", LOSSY, "--data", data)
    assert done.returncode == 0, done.stderr
    return data


def rows(folder: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "roomtone.db")) as connection:
        return connection.execute(sql).fetchall()


def everything(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "roomtone.db")) as connection:
        return list(connection.iterdump())


def put_thresholds(folder: Path, own: dict[str, dict[str, float]]) -> str:
    """The name of the model that they make."""

    async def put() -> str:
        opened = Roomtone(Settings(data=str(folder)))
        (app_id,) = {app_id for (app_id,) in rows(folder, "SELECT app_id FROM sessions")}
        _, in_force = await opened.thresholds.put(str(app_id), own)
        await opened.close()
        return in_force.model

    return asyncio.run(put())


def test_a_changed_threshold_is_told_then_applied_and_both_versions_are_kept(folder: Path) -> None:
    nothing = told("rebuild", "--dry-run", "--data", folder)
    assert nothing["totals"]["sessions"] == 1
    assert (nothing["totals"]["sessions_changed"], nothing["sessions"]) == (0, [])

    # Losses that nothing can reach: whatever the recording was found for by its loss goes away.
    out_of_reach = {"raise_percent": 100.0}
    own = put_thresholds(
        folder,
        {
            "uplink_loss": {**out_of_reach, "mean_percent": 100.0},
            "downlink_loss": out_of_reach,
        },
    )
    before = everything(folder)
    dry = told("rebuild", "--dry-run", "--data", folder)
    assert everything(folder) == before, "a dry run writes nothing"
    totals = dry["totals"]
    assert totals["sessions_changed"] == 1
    assert totals["reports_changed"] == totals["reports"] == 2
    assert sum(totals["findings_removed"].values()) > 0
    assert totals["findings_added"] == {}
    assert totals["mos_before"] == totals["mos_after"], "findings change no score"
    (session,) = dry["sessions"]
    assert session["findings_model_before"] == MODEL
    assert session["findings_model_after"] == own
    assert session["findings_removed"]
    assert all(own in one["model_after"] for one in session["reports_changed"])

    applied = told("rebuild", "--data", folder)
    assert applied["changed"] == 2
    assert told("rebuild", "--data", folder)["changed"] == 0
    again = told("rebuild", "--dry-run", "--data", folder)
    assert again["totals"]["sessions_changed"] == 0

    (peer_id,) = rows(folder, "SELECT peer_id FROM reports LIMIT 1")[0]
    now, earlier = (
        told("report", str(peer_id), "--model", model, "--data", folder)["data"]["participant"]
        for model in ("current", "previous")
    )
    assert (now["findings_model"], earlier["findings_model"]) == (own, MODEL)
    assert len(now["findings"]) < len(earlier["findings"])


def test_people_read_what_would_change(folder: Path) -> None:
    put_thresholds(folder, {})
    done = roomtone_command("rebuild", "--dry-run", "--data", folder)
    assert done.returncode == 0, done.stderr
    assert "Nothing was written. 1 of 1 sessions would change: 2 of 2 reports" in done.stdout
