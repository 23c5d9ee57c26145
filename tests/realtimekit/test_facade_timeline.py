"""Roomtone's own endpoints behind the session page: timeline, words, received, deliveries, imports.

A whole Roomtone in this process, over a folder of its own; a recording goes in by the front door.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from roomtone.cli.credentials import prepare
from roomtone.cli.options import on_folder
from roomtone.settings import Settings
from roomtone.wiring import Roomtone

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SRT = b"1\n00:00:02,000 --> 00:00:05,000\nAlice: Good morning.\n"


@dataclass
class Asked:
    client: TestClient
    base: str
    token: str
    session_id: str = ""

    def ask(self, method: str, path: str, token: str = "", **more: Any) -> Any:
        headers = {"authorization": f"Bearer {token or self.token}", **more.pop("headers", {})}
        return self.client.request(method, self.base + path, headers=headers, **more)

    def get(self, path: str, **query: Any) -> Any:
        answer = self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def put_in(self, content: bytes, **query: str) -> Any:
        return self.ask("POST", "/imports", params=query, content=content)


def recording() -> bytes:
    return (files("roomtone") / "recordings" / "getstats-lossy.json.gz").read_bytes()


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    folder: Path = tmp_path_factory.mktemp("timeline") / "data"
    settings = Settings(data=str(folder), rate_limit=0, ingest_limit=0)
    made, _ = on_folder(settings, prepare)
    with TestClient(Roomtone(settings).application(), raise_server_exceptions=False) as client:
        base = f"/client/v4/accounts/{made.account_id}/realtime/kit/{made.app_id}"
        found = Asked(client, base, made.api_token)
        answer = found.put_in(recording(), name="Lossy call.json.gz")
        assert answer.status_code == 200, answer.text
        (found.session_id,) = answer.json()["data"]["session_ids"]
        yield found


def test_an_imported_recording_is_a_session_named_after_its_file(asked):
    session = asked.get(f"/sessions/{asked.session_id}")

    assert session["meeting_display_name"] == "Lossy call"
    assert session["status"] == "ENDED"
    assert session["total_participants"] == 2


def test_importing_it_again_changes_nothing_and_says_so(asked):
    told = asked.put_in(gzip.decompress(recording()), name="other.json").json()["data"]

    assert told["session_ids"] == [asked.session_id]
    assert (told["new"], told["known"] > 0) == (0, True)


def test_the_timeline_tells_what_the_reports_tell(asked):
    line = asked.get(f"/sessions/{asked.session_id}/timeline")

    assert line["bins"] <= 600
    assert {peer["peer_id"] for peer in line["peers"]} == {
        one["id"] for one in asked.get(f"/sessions/{asked.session_id}/participants")["participants"]
    }
    for peer in line["peers"]:
        report = asked.get(f"/sessions/peer-report/{peer['peer_id']}")["participant"]
        assert peer["spans"] == [[report["joined_at"], report["left_at"]]]
        quality = report["peer_report"]["quality"]
        scores = [
            one["mos_quality"]
            for name, readings in quality.items()
            if name.endswith("consumer")
            for one in readings
            if one["mos_quality"] is not None
        ]
        assert peer["received_mos"] == pytest.approx(sum(scores) / len(scores), abs=0.005)
        known = [value for value in peer["received"]["mos_min"] if value is not None]
        assert min(known) == min(scores)
        lanes = [*peer["received"].values(), *peer["sent"].values(), peer["rtt_ms"]]
        assert {len(lane) for lane in lanes} == {len(peer["rtt_ms"])}


def test_it_is_gzip_only_for_those_who_take_it(asked):
    path = f"/sessions/{asked.session_id}/timeline"
    plain = asked.ask("GET", path, headers={"accept-encoding": "identity"})
    packed = asked.ask("GET", path, headers={"accept-encoding": "gzip"})

    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.json() == packed.json()


def test_what_the_others_received_is_theirs_reading_by_reading(asked):
    one, other = asked.get(f"/sessions/{asked.session_id}/participants")["participants"]
    told = asked.get(f"/sessions/peer-report/{one['id']}/received")

    assert {series["peer_id"] for series in told["series"]} == {other["id"]}
    quality = asked.get(f"/sessions/peer-report/{other['id']}")["participant"]["peer_report"]
    for series in told["series"]:
        readings = quality["quality"][series["source"]]
        assert series["mos"] == [reading["mos_quality"] for reading in readings]
        assert len(series["at_ms"]) == len(readings)


def test_words_go_into_the_session_that_is_named_and_come_out_by_time(asked):
    told = asked.put_in(SRT, name="talk.srt", session_id=asked.session_id).json()["data"]
    assert (told["kind"], told["new"]) == ("transcript", 1)
    start = asked.get(f"/sessions/{asked.session_id}")["started_at"]
    message = {"id": "m1", "type": "text", "displayName": "Bob", "message": "hi", "time": 0}
    message["timeMs"] = round(_epoch_ms(start) + 1_000)
    asked.ask("POST", f"/sessions/{asked.session_id}/chat", json={"messages": [message]})

    words = asked.get(f"/sessions/{asked.session_id}/words")

    assert [(word["kind"], word["text"]) for word in words["words"]] == [
        ("chat", "hi"),
        ("transcript", "Good morning."),
    ]
    assert words["next"] is None
    after = f"{round(_epoch_ms(words['words'][0]['at']))}:{words['words'][0]['id']}"
    (rest,) = asked.get(f"/sessions/{asked.session_id}/words", after=after)["words"]
    assert rest["text"] == "Good morning."


def _epoch_ms(text: str) -> float:
    from roomtone.model.times import parse_iso

    return parse_iso(text)


@pytest.mark.parametrize(
    ("content", "query", "status", "words"),
    [
        (b"", {}, 400, "empty"),
        (b"\xff\xd8\xff\xe0", {"name": "a.jpg"}, 400, "Not a recording"),
        (recording()[:-30], {}, 400, "ends too early"),
        (SRT, {"name": "a.srt"}, 422, "session_id"),
        (b'{"messages": []}', {}, 422, "session_id"),
        (b'{"samples": []}', {}, 422, "tells of no connection"),
        (SRT, {"name": "a.srt", "session_id": UNKNOWN}, 404, "No such session"),
    ],
)
def test_a_file_that_is_refused_is_told_why(asked, content, query, status, words):
    answer = asked.put_in(content, **query)

    assert answer.status_code == status, answer.text
    assert words in answer.text


def test_a_bomb_stops_at_the_limit(asked, monkeypatch):
    monkeypatch.setattr("roomtone.services.imports.MAX_UPLOAD_PLAIN_BYTES", 1_000_000)
    answer = asked.put_in(gzip.compress(b" " * 2_000_000))

    assert answer.status_code == 413


def test_a_token_that_may_only_read_imports_nothing(asked):
    made = asked.client.post(
        asked.base.rsplit("/", 1)[0] + "/tokens",
        json={"name": "reads", "scope": "read"},
        headers={"authorization": f"Bearer {asked.token}"},
    ).json()["data"]
    reads = next(v for v in made.values() if isinstance(v, str) and v.startswith("rt_"))

    assert asked.ask("POST", "/imports", reads, content=recording()).status_code == 403
    path = f"/sessions/{asked.session_id}/timeline"
    assert asked.ask("GET", path, reads).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        f"/sessions/{UNKNOWN}/timeline",
        f"/sessions/{UNKNOWN}/words",
        f"/sessions/{UNKNOWN}/deliveries",
        f"/sessions/peer-report/{UNKNOWN}/received",
    ],
)
def test_what_is_not_there_is_404(asked, path):
    assert asked.ask("GET", path).status_code == 404


def test_what_a_webhook_was_told_of_a_session_is_listed(asked):
    assert asked.get(f"/sessions/{asked.session_id}/deliveries") == []


def test_every_one_of_them_is_in_the_openapi_document(asked):
    paths = asked.client.get("/openapi.json").json()["paths"]
    told = {path.partition("{app_id}")[2]: set(methods) for path, methods in paths.items()}

    assert "post" in told["/imports"]
    for path in (
        "/sessions/{session_id}/timeline",
        "/sessions/{session_id}/words",
        "/sessions/{session_id}/deliveries",
        "/sessions/peer-report/{peer_id}/received",
    ):
        assert "get" in told[path]
