"""The drivers see what is wrong: each is shown answers with one known fault.

Without this a driver that checks nothing would make every SDK test pass.
"""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from sdk.drive import SDKS, drive, is_new
from sdk.plan import call

from parts import require

SESSION = {
    "id": "0a0e6f7c-8f4b-4c7e-9d0d-2f3b6e1a5c77",
    "associated_id": "3b1c9d52-6a77-4d0e-8c36-f0a4f7f3b9e1",
    "created_at": "2026-01-12T14:21:34.398Z",
    "ended_at": "2026-01-12T14:31:34.388Z",
    "live_participants": 0,
    "max_concurrent_participants": 2,
    "meeting_display_name": "Weekly sync",
    "meta": {},
    "minutes_consumed": 2.3434,
    "organization_id": "b1d2a0c4-5f0e-4f55-9e0b-52b0c3a4d1f0",
    "started_at": "2026-01-12T14:21:34.388Z",
    "status": "ENDED",
    "type": "meeting",
    "updated_at": "2026-01-12T14:31:34.388Z",
    "breakout_rooms": [],
}
PAGING = {"total_count": 1, "start_offset": 1, "end_offset": 1}


class Canned(BaseHTTPRequestHandler):
    """Notes what is asked; answers each app with the status and body that stand ready for it."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        app_id = self.path.split("/kit/")[1].split("/")[0]
        status, answer = self.server.answers[app_id]
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def _listing(**change: object) -> dict:
    session = {key: value for key, value in {**SESSION, **change}.items() if value != "absent"}
    return {"success": True, "data": {"sessions": [session]}, "paging": PAGING}


ANSWERS = {
    # app id: (status, body); named after the field that is wrong and how
    "right": (200, _listing()),
    "wider": (200, _listing(minutes_consumed=2, recording_status="NOT_RECORDED")),
    "live_participants-true": (200, _listing(live_participants=True)),
    "live_participants-text": (200, _listing(live_participants="2")),
    "minutes_consumed-null": (200, _listing(minutes_consumed=None)),
    "meeting_display_name-number": (200, _listing(meeting_display_name=7)),
    "status-unknown": (200, _listing(status="OVER")),
    "type-unknown": (200, _listing(type="party")),
    "breakout_rooms-object": (200, _listing(breakout_rooms={})),
    "id-absent": (200, _listing(id="absent")),
    "ended_at-absent": (200, _listing(ended_at="absent")),
    "gone": (404, {"success": False, "error": {"code": 404, "message": "No such session."}}),
    "flat": (200, {"success": True, "data": SESSION}),
    "nested": (200, {"success": True, "data": {"session": SESSION}}),
}
WRONG = [name for name in ANSWERS if "-" in name]
DETAILS = ("flat", "nested")
PATHS = {
    "details": call("details", "sessions", "get_session_details", ids={"session_id": "s"}),
    "person": call(
        "person",
        "sessions",
        "get_session_participant_details",
        ids={"session_id": "s", "participant_id": "p"},
    ),
    "peer": call("peer", "sessions", "get_participant_data_from_peer_id", ids={"peer_id": "p"}),
    # The older generation does not declare the format; it goes along all the same.
    "transcript": call(
        "transcript",
        "sessions",
        "get_session_transcripts",
        ids={"session_id": "s"},
        params={"format": "SRT"},
    ),
}


def _calls():
    for name in ANSWERS:
        ids = {"app_id": name}
        if name in DETAILS:
            ids["session_id"] = "s"
            yield call(name, "sessions", "get_session_details", ids=ids)
        else:
            yield call(name, "sessions", "get_sessions", ids=ids)
    for name, each in PATHS.items():
        yield {**each, "name": name, "ids": {**each["ids"], "app_id": "gone"}}


@pytest.fixture(scope="module")
def canned() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Canned)
    server.asked, server.answers = [], ANSWERS
    Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module", params=SDKS)
def driven(request, canned):
    """An SDK, the results of its calls, and the paths that it asked for."""
    sdk = request.param
    if sdk.startswith("typescript"):
        require("node")
    require(sdk)
    canned.asked.clear()
    keys = {"api_token": "t", "account_id": "acc", "app_id": "right"}
    results = drive(sdk, f"http://127.0.0.1:{canned.server_port}", keys, list(_calls()))
    return sdk, results, list(canned.asked)


def _paths(result):
    return {fault["path"] for fault in result["faults"]}


def test_a_right_answer_has_no_faults(driven):
    _, results, _ = driven

    assert results["right"]["faults"] == []


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_value_is_named(name, driven):
    _, results, _ = driven

    assert _paths(results[name]) == {f"data.sessions.{name.split('-')[0]}"}


def test_an_integer_is_a_fine_number_and_an_unknown_field_is_nobodys_business(driven):
    _, results, _ = driven

    assert results["wider"]["faults"] == []


def test_an_error_comes_as_the_sdks_class(driven):
    _, results, _ = driven

    assert (results["gone"]["status"], results["gone"]["error"]) == (404, "NotFoundError")


def test_each_generation_builds_the_same_path(driven):
    _, _, asked = driven
    prefix = "/accounts/acc/realtime/kit/gone/sessions"

    assert asked[-4:] == [
        f"{prefix}/s",
        f"{prefix}/s/participants/p",
        f"{prefix}/peer-report/p",
        f"{prefix}/s/transcript?format=SRT",
    ]


def test_the_generations_differ_where_the_contract_says(driven):
    sdk, results, _ = driven

    if is_new(sdk):
        assert _paths(results["flat"]) == set()
        assert "data.id" in _paths(results["nested"])
    else:
        assert _paths(results["flat"]) == {"data.session"}
        assert _paths(results["nested"]) == set()
