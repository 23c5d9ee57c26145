"""Requests of peermetrics and samples of ObserveRTC, as browsers sent them, into a Roomtone."""

import gzip
import json
import time
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from journey_server import JourneyServer, Serve, wait_for
from websockets.sync.client import connect
from wire_players import OpenInlet

WIRES = Path(__file__).resolve().parent.parent / "data" / "wires"
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"
HEADERS = {"content-type": "text/plain", "user-agent": CHROME, "origin": "https://app.example"}


def recorded(name: str) -> list[Any]:
    with gzip.open(WIRES / f"{name}.jsonl.gz") as lines:
        return [json.loads(line) for line in lines]


def samples_now(room: str) -> list[dict[str, Any]]:
    """The recorded samples, of a call that ended a moment ago in another room."""
    samples = recorded("observertc-samples")
    by = int(time.time() * 1000) - max(sample["timestamp"] for sample in samples) - 2_000
    return [{**_moved(sample, by), "callId": room} for sample in samples]


def _moved(value: Any, by: int) -> Any:
    if isinstance(value, dict):
        return {name: _moved(item, by) for name, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, by) for item in value]
    is_time = isinstance(value, int | float) and not isinstance(value, bool) and value > 1e12
    return value + by if is_time else value


def last_counters(samples: list[dict[str, Any]], client: str) -> dict[str, int]:
    """What the browser itself had received by the last sample, by kind."""
    last = [sample for sample in samples if sample["clientId"] == client][-1]
    (connection,) = last["peerConnections"]
    return {stat["kind"]: stat["packetsReceived"] for stat in connection["inboundRtps"]}


def session_in(server: JourneyServer, room: str) -> dict[str, Any]:
    def look() -> Any:
        found = server.get("/sessions", search=room)["sessions"]
        return found and found[0]

    found: dict[str, Any] = wait_for(f"a session in {room}", look)
    return found


def reports_in(server: JourneyServer, room: str) -> dict[str, dict[str, Any]]:
    """Reports of a room's people by custom id."""
    session = session_in(server, room)
    return {
        person["custom_participant_id"]: server.report(person["id"])
        for person in server.participants(session["id"])
    }


def told(report: dict[str, Any]) -> dict[str, Any]:
    """The events of a report by name; the last of each."""
    events = report["peer_report"]["metadata"]["events"]
    return {event["name"]: event.get("metadata") for event in events}


# --- ObserveRTC -----------------------------------------------------------------------------------


def posted(inlet: OpenInlet, body: Any, rest: str = "/svc/unit") -> httpx.Response:
    return httpx.post(f"{inlet.at}/{inlet.secret}{rest}", content=json.dumps(body), headers=HEADERS)


def check_samples(server: JourneyServer, room: str, samples: list[dict[str, Any]]) -> None:
    wait_for("both to have left", lambda: session_in(server, room)["live_participants"] == 0)
    reports = reports_in(server, room)
    assert sorted(reports) == ["ana", "bo"]
    for client, report in reports.items():
        counters = last_counters(samples, client)
        assert report["quality_stats"]["total_audio_packets"] == counters["audio"]
        assert report["quality_stats"]["total_video_packets"] == counters["video"]
        assert report["left_at"]
        metadata = report["peer_report"]["metadata"]
        assert metadata["browser_metadata"]["browser"] == "Chrome"
        (pair, *_) = metadata["candidate_pairs"]["producing_transport"]
        assert pair["local_candidate_type"] == "host"
        quality = report["peer_report"]["quality"]
        assert quality["video_producer_cumulative"]["quality_mos"]["avg"] > 2
        scores = [sample["score"] for sample in samples if sample["clientId"] == client]
        assert told(report)["client_score"] == {"score": round(scores[-1], 1)}


def test_samples_by_post_make_the_report_of_the_call(server: JourneyServer) -> None:
    inlet = OpenInlet(server, "observertc")
    samples = samples_now("by post")
    for sample in samples[:-3]:
        answer = posted(inlet, sample)
        assert (answer.status_code, answer.json()) == (200, {"accepted": 1})
        assert answer.headers["access-control-allow-origin"] == "*"
    assert posted(inlet, samples[-3:]).status_code == 200
    check_samples(server, "by post", samples)
    before = reports_in(server, "by post"), server.stored()
    for sample in samples:
        assert posted(inlet, sample).status_code == 200
    assert (reports_in(server, "by post"), server.stored()) == before


def test_samples_over_a_socket_make_the_same(server: JourneyServer) -> None:
    inlet = OpenInlet(server, "observertc")
    samples = samples_now("by socket")
    with connect(f"{inlet.socket}/{inlet.secret}/svc", user_agent_header=CHROME) as socket:
        for number, sample in enumerate(samples):
            text = json.dumps(sample)
            socket.send(text.encode() if number % 2 else text)
    check_samples(server, "by socket", samples)


def test_a_page_that_goes_without_a_word_has_left(server: JourneyServer) -> None:
    inlet = OpenInlet(server, "observertc")
    samples = [
        {**sample, "clientEvents": []}
        for sample in samples_now("no word")
        if sample["clientId"] == "ana"
    ]
    with connect(f"{inlet.socket}/{inlet.secret}", user_agent_header=CHROME) as socket:
        for sample in samples:
            socket.send(json.dumps(sample))
    wait_for("it to have left", lambda: session_in(server, "no word")["live_participants"] == 0)


def test_what_is_no_sample_is_kept_and_said(server: JourneyServer) -> None:
    inlet = OpenInlet(server, "observertc")
    held = server.quarantined()
    answer = posted(inlet, {"timestamp": int(time.time() * 1000)})
    assert answer.status_code == 422
    assert "clientId" in answer.json()["message"]
    assert httpx.post(f"{inlet.at}/{inlet.secret}", content=b"{nonsense").status_code == 400
    assert server.quarantined() == held + 2
    assert httpx.post(f"{inlet.at}/wrong/svc/unit", content=b"{}").status_code == 401
    assert server.quarantined() == held + 2


# --- peermetrics ----------------------------------------------------------------------------------


class Sdk:
    """The SDK's requests, with the ids and tokens that the answers give."""

    def __init__(self, inlet: OpenInlet, room: str, user: str = "ana") -> None:
        self.inlet = inlet
        self.room = room
        self.user = user
        self.token = ""
        self.ids: dict[str, str] = {}

    def ask(self, method: str, place: str, body: dict[str, Any]) -> httpx.Response:
        return httpx.request(
            method, f"{self.inlet.at}/v1/{place}", content=json.dumps(body), headers=HEADERS
        )

    def begin(self, **more: Any) -> httpx.Response:
        body = {"conferenceId": self.room, "userId": self.user, "apiKey": self.inlet.secret}
        answer = self.ask("POST", "initialize", body | {"userName": "Ana"} | more)
        self.token = answer.json().get("token", "")
        return answer

    def send(self, row: dict[str, Any]) -> dict[str, Any]:
        """A recorded request, filled in as the SDK would have."""
        body = row["body"] | {"token": self.token}
        for member in ("peerId", "connectionId"):
            if member in body and body.get("eventName") != "addConnection":
                body[member] = self.ids.get(member, body[member])
        answer = self.ask(row["method"], row["place"], body)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        if row["place"] == "sessions":
            self.token = said["token"]
        if "connection_id" in said:
            self.ids = {"peerId": said["peer_id"], "connectionId": said["connection_id"]}
        return said


def play_sdk(inlet: OpenInlet, room: str) -> list[dict[str, Any]]:
    """A whole recorded session; its /stats bodies."""
    sdk = Sdk(inlet, room)
    assert sdk.begin().json()["getStatsInterval"] == 5_000
    rows = [row for row in recorded("peermetrics-requests") if row["place"] != "initialize"]
    for row in rows:
        sdk.send(row)
        if row["place"] == "stats":  # it came, but the answer was lost
            sdk.send(row | {"body": row["body"] | {"delta": 900}})
    return [row["body"]["data"] for row in rows if row["place"] == "stats"]


def test_the_sdks_requests_make_the_report_of_the_call(server: JourneyServer) -> None:
    stats = play_sdk(OpenInlet(server, "peermetrics"), "by sdk")
    report = reports_in(server, "by sdk")["ana"]
    quality = report["quality_stats"]
    for kind in ("audio", "video"):
        (last,) = stats[-1][kind]["inbound"]
        assert quality[f"total_{kind}_packets"] == last["packetsReceived"]
        assert len(quality[f"{kind}_stats"]) == len(stats)
    assert report["display_name"] == "Ana"
    assert report["left_at"]
    events = told(report)
    assert events["audio_off"] is None
    assert events["rated"] == {"stars": 4}
    assert events["connection_state"]["state"] == "connected"
    metadata = report["peer_report"]["metadata"]
    assert metadata["browser_metadata"]["browser"] == "Chrome"
    (pair, *_) = metadata["candidate_pairs"]["producing_transport"]
    assert pair["local_candidate_type"] == "host"


def test_a_rejoin_is_a_new_peer_of_the_same_person(server: JourneyServer) -> None:
    inlet = OpenInlet(server, "peermetrics")
    play_sdk(inlet, "again")
    play_sdk(inlet, "again")
    session = session_in(server, "again")
    assert session["total_participants"] == 1
    assert len(server.participants(session["id"])) == 2


@pytest.mark.parametrize(
    ("place", "body", "status", "code"),
    [
        ("initialize", {"conferenceId": "c", "userId": "u"}, 400, "missing_parameters"),
        ("initialize", {"conferenceId": "c", "userId": "u", "apiKey": "x"}, 400, "invalid_api_key"),
        ("stats", {}, 401, "missing_token"),
        ("stats", {"token": "nonsense"}, 401, "invalid_token"),
        ("elsewhere", {}, 404, "unknown_error"),
    ],
)
def test_refusals_are_in_peermetrics_own_words(
    server: JourneyServer, place: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = Sdk(OpenInlet(server, "peermetrics"), "r").ask("POST", place, body)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_token_opens_no_other_inlet_and_no_stats_before_a_session(server: JourneyServer) -> None:
    first, second = (Sdk(OpenInlet(server, "peermetrics"), "r") for _ in range(2))
    first.begin()
    for sdk in (first, second):
        answer = sdk.ask("POST", "stats", {"token": first.token, "data": {}})
        assert (answer.status_code, answer.json()["error_code"]) == (401, "invalid_token")


def test_a_session_goes_on_after_the_server_was_killed(serve: Serve) -> None:
    server = serve()
    sdk = Sdk(OpenInlet(server, "peermetrics"), "killed")
    sdk.begin()
    rows = [row for row in recorded("peermetrics-requests") if row["place"] != "initialize"]
    number = count()
    for row in rows:
        sdk.send(row)
        if row["place"] == "stats" and next(number) == 0:
            port = int(server.url.rpartition(":")[2])
            server.kill()
            server.start(port)
    quality = reports_in(server, "killed")["ana"]["quality_stats"]
    (last,) = [row for row in rows if row["place"] == "stats"][-1]["body"]["data"]["audio"][
        "inbound"
    ]
    assert quality["total_audio_packets"] == last["packetsReceived"]
