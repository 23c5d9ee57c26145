"""The call page's doors on a running server, visited by a WebSocket client that is no browser."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from journey_server import PATIENCE_S, JourneyServer, wait_for
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from roomtone.model.limits import MAX_CALL_MESSAGE_BYTES


class Room:
    """A meeting with an invitation."""

    def __init__(self, server: JourneyServer) -> None:
        self.server = server
        self.id = server.meeting(title="A <i>call</i>")
        self.url = server.post(f"/meetings/{self.id}/invitation", {})["url"]
        self.invite = parse_qs(urlsplit(self.url).query)["invite"][0]

    def join(self, name: str) -> dict[str, Any]:
        """A person of a browser of their own."""
        body = {"invite": self.invite, "name": name, "key": str(uuid4())}
        answer = httpx.post(f"{self.server.url}/call/{self.id}/join", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    @contextmanager
    def line(self, **more: Any) -> Iterator[ClientConnection]:
        """A WebSocket that has said nothing yet."""
        address = f"{self.server.url.replace('http', 'ws', 1)}/call/{self.id}/signal"
        with connect(address, **more) as line:
            yield line

    @contextmanager
    def there(self, name: str, **more: Any) -> Iterator[tuple[ClientConnection, dict[str, Any]]]:
        """Somebody in the call, and their welcome."""
        joined = self.join(name)
        with self.line(**more) as line:
            welcome = hello(line, joined["token"])
            yield line, welcome


def say(line: ClientConnection, **message: Any) -> None:
    line.send(json.dumps(message))


def hello(line: ClientConnection, token: str) -> dict[str, Any]:
    say(line, type="hello", token=token, peer_id=str(uuid4()))
    return heard(line)


def heard(line: ClientConnection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(line.recv(timeout=PATIENCE_S))
    return found


def ending(line: ClientConnection) -> int:
    """The close code, after whatever still comes."""
    with suppress(ConnectionClosed):
        while True:
            line.recv(timeout=PATIENCE_S)
    assert line.close_code is not None
    return line.close_code


@pytest.fixture
def room(server: JourneyServer) -> Room:
    return Room(server)


def test_two_people_meet_talk_and_part(room: Room) -> None:
    with room.there("Ana") as (ana, first), room.there("Bo") as (bo, second):
        assert first["people"] == []
        assert [person["name"] for person in second["people"]] == ["Ana"]
        assert heard(ana)["person"]["peer_id"] == second["peer_id"]
        say(bo, type="signal", to=first["peer_id"], data={"description": {"sdp": "v=0"}})
        assert heard(ana) == {
            "type": "signal",
            "from": second["peer_id"],
            "data": {"description": {"sdp": "v=0"}},
        }
        say(ana, type="chat", id="1", text="hello")
        assert heard(bo)["text"] == heard(ana)["text"] == "hello"
        say(ana, type="ping")
        assert heard(ana) == {"type": "pong"}
        say(bo, type="leave")
        assert heard(ana) == {"type": "left", "peer_id": second["peer_id"], "lost": False}
        assert ending(bo) == 1000


def test_a_connection_that_breaks_is_told_as_lost(room: Room) -> None:
    with room.there("Ana") as (ana, _):
        with room.there("Bo") as (bo, _):
            heard(ana)
            bo.socket.shutdown(2)
        told = heard(ana)
        assert (told["type"], told["lost"]) == ("left", True)


def test_only_a_token_for_this_meeting_is_let_in(room: Room, server: JourneyServer) -> None:
    other = Room(server)
    for token, code in (("", 4401), ("x.y.z", 4401), (other.join("Eve")["token"], 4403)):
        with room.line() as line:
            say(line, type="hello", token=token, peer_id=str(uuid4()))
            assert ending(line) == code


def test_who_was_removed_is_not_let_in(room: Room, server: JourneyServer) -> None:
    joined = room.join("Ana")
    server.ask("DELETE", f"/meetings/{room.id}/participants/{joined['user_id']}")
    with room.line() as line:
        say(line, type="hello", token=joined["token"], peer_id=str(uuid4()))
        assert ending(line) == 4403


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "[]",
        "{}",
        '{"type": "hello"}',
        '{"type": "dance"}',
        '{"type": "signal", "to": "Bo", "data": {}}',
        '{"type": "chat", "id": "1", "text": ""}',
        '{"type": "chat", "id": "1", "text": 5}',
        b"\x00\x01",
    ],
)
def test_what_is_not_understood_ends_the_connection(room: Room, nonsense: str | bytes) -> None:
    with room.there("Ana") as (ana, _):
        ana.send(nonsense)
        assert ending(ana) == 4400


def test_what_is_too_large_ends_the_connection(room: Room) -> None:
    with room.there("Ana") as (ana, _):
        say(ana, type="chat", id="1", text="x" * (MAX_CALL_MESSAGE_BYTES + 1))
        assert ending(ana) == 1009


def test_pages_of_other_sites_are_turned_away(room: Room) -> None:
    with pytest.raises(InvalidStatus) as refused, room.line(origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403
    with room.line(origin=room.server.url):
        pass


def test_a_fifth_person_is_told_that_the_call_is_full(room: Room) -> None:
    with room.there("Ana"), room.there("Bo"), room.there("Cy"), room.there("Di"):
        about = httpx.get(
            f"{room.server.url}/call/{room.id}/about", params={"invite": room.invite}
        ).json()
        assert (about["people"], about["full"], about["most"]) == (4, True, 4)
        with room.line() as late:
            say(late, type="hello", token=room.join("Late")["token"], peer_id=str(uuid4()))
            assert ending(late) == 4409


def test_who_reads_nothing_is_cut_off_and_the_others_talk_on(room: Room) -> None:
    with room.there("Slow", max_queue=1) as (slow, quiet), room.there("Ana") as (ana, _):
        large = "x" * 60_000
        with room.there("Bo") as (bo, _):
            heard(ana)
            for _ in range(290):
                say(ana, type="signal", to=quiet["peer_id"], data=large)
            told = heard(bo)
            assert (told["type"], told["peer_id"]) == ("left", quiet["peer_id"])
            say(bo, type="chat", id="1", text="still here")
            wait_for("Ana to hear Bo", lambda: heard(ana).get("text") == "still here")
        with suppress(OSError):  # the server may have cut it already
            slow.socket.shutdown(2)


def test_a_kick_ends_the_call_for_whom_it_is_for(room: Room, server: JourneyServer) -> None:
    joined = room.join("Ana")
    peer_id = str(uuid4())
    with room.line() as ana, room.there("Bo") as (bo, _):
        say(ana, type="hello", token=joined["token"], peer_id=peer_id)
        assert heard(ana)["type"] == "welcome"
        body = {"peer_id": peer_id, "entries": [{"event": "call_join", "timestamp": now_ms()}]}
        assert server.send("/v1/collect", joined["token"], body).status_code == 202
        wait_for("the session", lambda: server.sessions(room.id))
        kicked = {"participant_ids": [joined["user_id"]], "custom_participant_ids": []}
        server.post(f"/meetings/{room.id}/active-session/kick", kicked)
        assert ending(ana) == 4403
        say(bo, type="ping")
        assert any(heard(bo)["type"] == "pong" for _ in range(3))


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def test_the_page_is_the_same_for_everybody_and_runs_only_its_own_scripts(room: Room) -> None:
    answers = [httpx.get(url) for url in (room.url, f"{room.server.url}/call/<script>")]
    first, other = answers
    assert first.status_code == other.status_code == 200
    assert first.text == other.text
    policy = first.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "script-src 'self'" in policy
    assert "camera=(self)" in first.headers["permissions-policy"]
    assert first.headers["referrer-policy"] == "no-referrer"


def test_questions_with_a_wrong_invitation_tell_nothing(room: Room, server: JourneyServer) -> None:
    base = f"{server.url}/call/{room.id}"
    asked = httpx.get(f"{base}/about", params={"invite": "nonsense"})
    assert asked.status_code == 403
    assert "call" not in asked.json()["error"]["message"].replace("call page", "")
    body = {"invite": room.invite + "x", "name": "Eve", "key": str(uuid4())}
    assert httpx.post(f"{base}/join", json=body).status_code == 403
    assert httpx.post(f"{base}/join", content=b"{").status_code == 400
    assert httpx.post(f"{base}/join", json={"invite": 1, "name": 2}).status_code == 422
    assert httpx.get(f"{base}/record").status_code == 401
    token = room.join("Ana")["token"]
    headers = {"authorization": f"Bearer {token}"}
    unknown = httpx.get(f"{base}/record", params={"peer_id": str(uuid4())}, headers=headers)
    assert unknown.json() == {"session_id": None, "console": None}
