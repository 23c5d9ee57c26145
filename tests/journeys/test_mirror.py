"""``roomtone mirror``: one Roomtone follows another through the vendor's own SDK."""

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from journey_server import JourneyServer, environment, roomtone_command, told
from player import play
from test_words import TALK, a_call, chat_rows, download, end, items, session_of, wait_for

pytest.importorskip("cloudflare")


class Followed:
    """A Roomtone with two calls that are over and one that goes on, and who follows it."""

    def __init__(self, theirs: JourneyServer, ours: JourneyServer) -> None:
        self.theirs = theirs
        self.ours = ours

    def mirror(self, base_url: str = "", **more: str) -> dict[str, Any]:
        """One round."""
        flags = {"base-url": base_url or f"{self.theirs.url}/client/v4", "rate": "0", **more}
        found: dict[str, Any] = told(
            "mirror",
            "--data",
            self.ours.data,
            "--account",
            self.theirs.account_id,
            "--from-app",
            self.theirs.app_id,
            *(f"--{name}={value}" for name, value in flags.items()),
        )
        return found


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    folder = tmp_path_factory.mktemp("mirror")
    theirs = JourneyServer(folder / "theirs").start()
    ours = JourneyServer(folder / "ours").start()
    play(theirs, "getstats-lossy.json.gz")
    meeting_id, ana, ben = a_call(theirs, title="Release")
    ana.chat("add", id="a", message="shall we?")
    ben.chat("add", id="b", message="yes")
    for number, words in enumerate(TALK):
        ana.speak(words, f"s{number}", at=number * 10 + 5)
    talked = session_of(theirs, meeting_id)
    end(theirs, meeting_id)
    theirs.post(f"/sessions/{talked}/summary")
    wait_for(
        "a summary", lambda: theirs.ask("GET", f"/sessions/{talked}/summary").status_code == 200
    )
    a_call(theirs, title="Still on")
    yield Followed(theirs, ours)
    theirs.stop()
    ours.stop()


@pytest.fixture(scope="module")
def first_round(followed: Followed, monkeypatch_module: pytest.MonkeyPatch) -> dict[str, Any]:
    return followed.mirror()


@pytest.fixture(scope="module")
def monkeypatch_module(followed: Followed) -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLOUDFLARE_API_TOKEN", followed.theirs.api_token)
        yield patch


def ended(server: JourneyServer) -> dict[str, dict[str, Any]]:
    found = server.get("/sessions", status="ENDED", per_page=100)["sessions"]
    return {session["id"]: session for session in found}


def test_what_has_ended_is_taken_in_whole(followed: Followed, first_round: dict[str, Any]) -> None:
    assert first_round["sessions"] == 2
    assert first_round["live"] == 1
    assert first_round["notes"] == []
    theirs, ours = ended(followed.theirs), ended(followed.ours)
    assert theirs.keys() == ours.keys()
    assert len(theirs) == 2
    # What each server makes of the readings itself; a mirror has only the reports.
    foreign = {"organization_id", "finding_counts", "mos", "outcome", "meta"}
    foreign |= {"quality_strip", "finding_strip"}
    for session_id, session in theirs.items():
        mirrored = ours[session_id]
        assert {k: v for k, v in mirrored.items() if k not in foreign} == {
            k: v for k, v in session.items() if k not in foreign
        }
        here = followed.ours.participants(session_id)
        there = followed.theirs.participants(session_id)
        assert here == there
        for participant in here:
            peer_id = participant["id"]
            assert followed.ours.report(peer_id) == followed.theirs.report(peer_id)
    models = followed.ours.rows("SELECT DISTINCT model FROM reports")
    assert all(model.startswith("mirror:") for (model,) in models)


def test_words_and_the_summary_come_along(followed: Followed, first_round: dict[str, Any]) -> None:
    assert first_round["words"] == 2 + len(TALK)
    assert first_round["summaries"] == 1
    (talked,) = [
        session_id
        for session_id, session in ended(followed.ours).items()
        if session["meeting_display_name"] == "Release"
    ]
    theirs, ours = followed.theirs, followed.ours
    assert chat_rows(ours, talked) == chat_rows(theirs, talked)
    assert [(i["sentence"], i["startTime"]) for i in items(ours, talked)] == [
        (i["sentence"], i["startTime"]) for i in items(theirs, talked)
    ]
    links = [s.get(f"/sessions/{talked}/summary")["summaryDownloadUrl"] for s in (ours, theirs)]
    here, there = (download(link).text for link in links)
    assert here == there


def test_a_second_round_changes_nothing(followed: Followed, first_round: dict[str, Any]) -> None:
    before = followed.ours.stored()
    again = followed.mirror()
    assert again["known"] == 2
    assert again["sessions"] == again["peers"] == again["reports"] == again["words"] == 0
    assert again["summaries"] == 0
    assert followed.ours.stored() == before


def test_a_rebuild_leaves_it_alone(followed: Followed, first_round: dict[str, Any]) -> None:
    kept = followed.ours.rows("SELECT peer_id, model, body FROM reports ORDER BY peer_id")
    rebuilt = told("rebuild", "--data", followed.ours.data)
    assert rebuilt["changed"] == rebuilt["reports"] == 0
    assert followed.ours.rows("SELECT peer_id, model, body FROM reports ORDER BY peer_id") == kept
    assert len(kept) == 4


def test_a_session_that_ends_later_comes_with_a_later_round(
    followed: Followed, first_round: dict[str, Any]
) -> None:
    (live,) = followed.theirs.get("/sessions", status="LIVE")["sessions"]
    end(followed.theirs, live["associated_id"])
    assert followed.mirror()["sessions"] == 1
    assert live["id"] in ended(followed.ours)


class Flaky(BaseHTTPRequestHandler):
    """Hands on to the followed one, and refuses every third request: some for a while, some so
    that a round ends."""

    target = ""
    asked = 0
    broken_from = 0

    def do_GET(self) -> None:
        type(self).asked += 1
        status = 503 if self.broken_from and self.asked > self.broken_from else 0
        if not status and self.asked % 3 == 0:
            status = 429
        if status:
            self.send_response(status)
            self.send_header("retry-after", "0")
            self.send_header("content-length", "0")
            self.end_headers()
            return
        answer = httpx.get(
            self.target + self.path,
            headers={"authorization": self.headers["authorization"]},
            timeout=60,
        )
        self.send_response(answer.status_code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_a_round_that_was_cut_off_goes_on_where_it_stopped(
    followed: Followed,
    monkeypatch_module: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    fresh = JourneyServer(tmp_path_factory.mktemp("cut") / "ours")
    with ThreadingHTTPServer(("127.0.0.1", 0), Flaky) as between:
        threading.Thread(target=between.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{between.server_port}/client/v4"
        Flaky.target, Flaky.asked, Flaky.broken_from = followed.theirs.url, 0, 12
        arguments = ["--data", fresh.data, "--account", followed.theirs.account_id]
        arguments += ["--from-app", followed.theirs.app_id, "--base-url", base, "--rate", "0"]
        cut = roomtone_command("mirror", *arguments)
        assert cut.returncode == 1
        assert "503" in cut.stderr
        assert followed.theirs.api_token not in cut.stderr + cut.stdout
        Flaky.broken_from = 0
        whole = Followed(followed.theirs, fresh).mirror(base)
        between.shutdown()
    kept = fresh.rows("SELECT count(*) FROM reports")[0][0]
    assert kept == 4 + 2 * (len(ended(followed.theirs)) - 2)
    assert whole["notes"] == []


def test_a_mirror_that_was_killed_goes_on_where_it_stopped(
    followed: Followed,
    monkeypatch_module: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """kill -9 as soon as a report is there, in the middle of its session."""
    fresh = JourneyServer(tmp_path_factory.mktemp("killed") / "ours")
    arguments = ["--data", fresh.data, "--account", followed.theirs.account_id]
    arguments += ["--from-app", followed.theirs.app_id, "--rate", "4"]
    arguments += ["--base-url", f"{followed.theirs.url}/client/v4"]
    process = subprocess.Popen(
        [sys.executable, "-m", "roomtone", "mirror", *map(str, arguments)],
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for("a first report", lambda: process.poll() is not None or reports_in(fresh))
    process.kill()
    assert process.wait() == -signal.SIGKILL
    before = reports_in(fresh)
    whole = Followed(followed.theirs, fresh).mirror()
    assert len(reports_in(fresh)) == 4 + 2 * (len(ended(followed.theirs)) - 2)
    assert whole["reports"] == len(reports_in(fresh)) - len(before)
    assert reports_in(fresh)[: len(before)] == before
    assert whole["notes"] == []


def reports_in(server: JourneyServer) -> list[Any]:
    """The stored ones, oldest first."""
    try:
        return server.rows("SELECT peer_id FROM reports ORDER BY rowid")
    except sqlite3.Error:
        return []  # the first round makes the database


def test_a_wrong_token_is_said_in_two_lines(followed: Followed) -> None:
    done = roomtone_command(
        "mirror", "--data", followed.ours.data, "--account", followed.theirs.account_id,
        "--from-app", followed.theirs.app_id, "--base-url", f"{followed.theirs.url}/client/v4",
        "--token-file", "-",
    )  # fmt: skip
    assert done.returncode == 1
    assert "no API token" in done.stderr
    assert json.dumps(done.stdout) == '""'
