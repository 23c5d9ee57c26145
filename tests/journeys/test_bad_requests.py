"""Bad requests to the API, and on the wire itself: a 4xx that says why, nothing stored."""

import asyncio
import gzip
import json
import socket
import time
from contextlib import suppress
from typing import Any

import pytest
from bad_bodies import COLLECT, DOORS, MEGA, check_refusal, entry, shape
from journey_server import JourneyServer, Person
from starlette.requests import Request
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from roomtone.model.errors import BadRequest
from roomtone.web import bodies


@pytest.fixture(scope="module")
def alice(server: JourneyServer) -> Person:
    """Somebody with a good token, who never joined."""
    return server.invite(server.meeting(), "alice")


# --- the API --------------------------------------------------------------------------------------

NOBODY = "7b0c0f0e-6f6c-4f0e-9d39-0b8f5a9f1f10"
IDS = (NOBODY, "not-an-id", "0", "%00", "%ff", "..%2f..", "'", "x" * 3_000, "a%20b", "null", "é")
BY_ID = (
    "/sessions/{}",
    "/sessions/{}/participants",
    f"/sessions/{{}}/participants/{NOBODY}",
    "/sessions/peer-report/{}",
    "/sessions/{}/chat",
    "/sessions/{}/transcript",
    "/sessions/{}/summary",
    "/meetings/{}",
    "/meetings/{}/participants",
    f"/meetings/{{}}/participants/{NOBODY}",
    "/meetings/{}/active-session",
    "/presets/{}",
)


@pytest.mark.parametrize("path", BY_ID)
def test_an_id_that_is_unknown_malformed_or_anothers_is_the_same_404(
    server: JourneyServer, path: str
) -> None:
    said = set()
    for id_ in IDS:
        body = check_refusal(server.ask("GET", path.format(id_)), 404)
        if "%2f" not in id_:  # a slash makes it another path
            said.add(body["error"]["message"].replace(id_, "ID"))
    if "active-session" not in path:
        assert len(said) == 1


QUERIES = {
    "/sessions": (
        ("page_no", ("x", "-1", "1.5", "1e3", "9" * 30, "NaN", "")),
        ("per_page", ("x", "-1", "1001", "0x10")),
        ("sort_by", ("id", "createdat", "")),
        ("sort_order", ("asc", "UP", "ASC;DROP TABLE sessions")),
        ("status", ("live", "OVER")),
        ("start_time", ("soon", "2026-13-01", "NaN", "99999-01-01T00:00:00Z")),
        ("end_time", ("soon",)),
        ("participants", ("2", "a:b", "-1:2", "5:2", "1:2:3")),
        ("search", ("x" * 513,)),
    ),
    f"/sessions/{NOBODY}/participants": (
        ("per_page", ("201", "-1")),
        ("sort_by", ("createdAt",)),
        ("view", ("both",)),
        ("include_peer_events", ("perhaps",)),
    ),
    f"/sessions/peer-report/{NOBODY}": (("filters", ("everything", "events,nothing", ",")),),
    f"/sessions/{NOBODY}/transcript": (("format", ("PDF",)),),
}


@pytest.mark.parametrize("path", QUERIES)
def test_a_query_that_does_not_fit_is_422_and_names_every_parameter(
    server: JourneyServer, path: str
) -> None:
    for name, values in QUERIES[path]:
        for value in values:
            body = check_refusal(server.ask("GET", path, params={name: value}), 422)
            assert body["errors"][0]["source"] == {"parameter": name}
    worst = {name: values[0] for name, values in QUERIES[path]}
    body = check_refusal(server.ask("GET", path, params=worst), 422)
    assert {one["source"]["parameter"] for one in body["errors"]} == set(worst)


def test_odd_queries_do_no_harm(server: JourneyServer) -> None:
    many = "&".join(f"a{n}=1" for n in range(200))
    check_refusal(server.ask("GET", f"/sessions?{many}"), 400)
    for odd in ("?", "?&&&", "?search=%ff%fe", "?search=%00", "?%=1", "?search=%F0%9F%8E%99"):
        assert server.ask("GET", f"/sessions{odd}").status_code == 200, odd
    for search in ("%", "_", "' OR 1=1 --", '"', "\\", "*", "(", "NEAR(a b)"):
        assert server.get("/sessions", search=search)["sessions"] == [], search


BODIES: tuple[tuple[bytes, int], ...] = (
    (b"{", 400),
    (b"\xff", 400),
    (b"NaN", 400),
    (b'{"title": NaN}', 400),
    (b'{"a":' * 100_000, 400),
    (b"[" * 100_000, 400),
    (b"[]", 422),
    (b"7", 422),
    (b'{"title": 7}', 422),
    (b'{"title": "' + b"x" * 600 + b'"}', 422),
    (b'{"session_keep_alive_time_in_secs": 59}', 422),
    (b'{"session_keep_alive_time_in_secs": 601}', 422),
    (b'{"session_keep_alive_time_in_secs": "60"}', 422),
    (b'{"session_keep_alive_time_in_secs": 1e400}', 400),
    (b'{"record_on_start": "yes"}', 422),
    (b'{"type": "party"}', 422),
    (b'{"ai_config": {"summarization": {"word_limit": 5}}}', 422),
    (b'{"parent_meeting_id": "' + NOBODY.encode() + b'"}', 422),
    (b" " * (10 * MEGA), 413),
)


def test_a_meeting_is_not_made_of_a_bad_body(server: JourneyServer) -> None:
    ((before,),) = server.rows("SELECT count(*) FROM meetings")
    headers = {"content-type": "application/json"}
    for content, status in BODIES:
        answer = server.ask("POST", "/meetings", content=content, headers=headers)
        try:
            check_refusal(answer, status)
        except AssertionError as error:
            raise AssertionError(f"{content[:60]!r}: {error}") from None
    packed = {**headers, "content-encoding": "gzip"}
    for content, status in (
        (gzip.compress(bytes(100 * MEGA)), 413),
        (gzip.compress(b'{"title": "x"}')[:-6], 400),
        (b'{"title": "x"}', 400),
    ):
        check_refusal(server.ask("POST", "/meetings", content=content, headers=packed), status)
    worst = {"title": 7, "record_on_start": 7, "session_keep_alive_time_in_secs": 7, "type": 7}
    body = check_refusal(server.ask("POST", "/meetings", json=worst), 422)
    assert {one["source"]["pointer"] for one in body["errors"]} == {f"/{key}" for key in worst}
    assert server.rows("SELECT count(*) FROM meetings") == [(before,)]


def test_nobody_is_invited_by_a_bad_body(server: JourneyServer) -> None:
    meeting = server.meeting()
    path = f"/meetings/{meeting}/participants"
    good = {"custom_participant_id": "c", "preset_name": "group_call_participant"}
    for bad in (
        {},
        {**good, "custom_participant_id": ""},
        {**good, "custom_participant_id": 7},
        {**good, "custom_participant_id": "x" * 200},
        {**good, "preset_name": "no such preset"},
        {**good, "preset_name": None},
        {**good, "name": {}},
        {**good, "picture": "x" * 3_000},
    ):
        check_refusal(server.ask("POST", path, json=bad), 422)
    assert server.get(path) == []


def test_the_api_asks_who_is_there_before_it_looks_anything_up(server: JourneyServer) -> None:
    path = f"{server.base}/sessions/{NOBODY}"
    for headers in (
        {},
        {"authorization": "Bearer"},
        {"authorization": "Bearer rt_" + "A" * 43},
        {"authorization": "Bearer " + "x" * 5_000},
        {"authorization": "Basic YTpi"},
        {"authorization": f"Token {server.api_token}"},
        {"authorization": f"Bearer {server.api_token}x"},
        {"x-auth-key": "nonsense", "x-auth-email": "a@example.com"},
    ):
        check_refusal(server.client.get(path, headers=headers), 401)
    admin = {"authorization": f"Bearer {server.api_token}"}
    stranger = path.replace(server.account_id, "0" * 32)
    check_refusal(server.client.get(stranger, headers=admin), 403)
    nowhere = path.replace(server.app_id, NOBODY)
    check_refusal(server.client.get(nowhere, headers=admin), 404)


def test_a_method_that_is_not_known_says_which_are(server: JourneyServer, alice: Person) -> None:
    for method in ("PUT", "DELETE", "PATCH"):
        answer = server.ask(method, "/sessions")
        check_refusal(answer, 405)
        assert answer.headers["allow"] == "GET"
    for door in DOORS:
        answer = server.client.get(server.url + door)
        check_refusal(answer, 405)
    check_refusal(server.client.get(f"{server.url}/nowhere"), 404)


# --- HTTP itself ----------------------------------------------------------------------------------


def talk(
    server: JourneyServer, *pieces: bytes, pause_s: float = 0.0, hangs_up: bool = True
) -> bytes:
    """What comes back for raw bytes, sent piece by piece; who hangs up waits for no answer."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        for piece in pieces:
            wire.sendall(piece)
            time.sleep(pause_s)
        if hangs_up:
            wire.shutdown(socket.SHUT_WR)
        got = b""
        while piece := wire.recv(65_536):
            got += piece
        return got


def test_a_slow_client_is_heard_out(server: JourneyServer, alice: Person) -> None:
    body = json.dumps(shape(COLLECT, [entry()])).encode()
    head = (
        f"POST {COLLECT} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {alice.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    whole = head + body
    pieces = [whole[at : at + 40] for at in range(0, len(whole), 40)]
    answer = talk(server, *pieces, pause_s=0.02, hangs_up=False)
    assert answer.startswith(b"HTTP/1.1 202")


def test_a_client_that_hangs_up_in_the_middle_leaves_nothing_behind(
    server: JourneyServer, alice: Person
) -> None:
    before = server.stored()
    body = json.dumps(shape(COLLECT, [entry()])).encode()
    for door in DOORS:
        head = (
            f"POST {door} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: Bearer {alice.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        talk(server, head + body[:-10])
    assert server.stored() == before
    assert server.client.get(f"{server.url}/healthz").status_code == 200


def test_a_body_that_never_arrives_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_S", 0.05)
    scope = {"type": "http", "method": "POST", "path": COLLECT, "headers": []}

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(30)
        return {"type": "http.disconnect"}

    with pytest.raises(BadRequest, match="did not arrive"):
        asyncio.run(bodies.read_body(Request(scope, receive)))


def test_noise_on_the_wire_harms_nobody(server: JourneyServer) -> None:
    for noise in (b"\x16\x03\x01\x02\x00\x01\x00", b"hello\r\n\r\n", b"GET", b"\r\n" * 100):
        talk(server, noise)
    assert server.client.get(f"{server.url}/healthz").status_code == 200


@pytest.mark.parametrize("where", ["observertc", "rtcstats", "call"])
def test_a_frame_that_is_a_bomb_ends_its_socket(server: JourneyServer, where: str) -> None:
    path = f"/call/{server.meeting()}/signal"
    if where != "call":
        made = server.post("/inlets", {"kind": where})
        path = f"{made['path']}/{made['secret']}/room"
    before = server.resident_kb()
    with connect(server.url.replace("http", "ws", 1) + path, compression="deflate") as line:
        assert line.protocol.extensions, "the server inflates nothing, so this proves nothing"
        with suppress(ConnectionClosed):
            line.send("A" * (64 * MEGA))
        with pytest.raises(ConnectionClosed) as closed:
            line.recv(timeout=30)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
    assert server.resident_kb() - before < 32 * 1024


def test_nothing_of_all_this_was_a_surprise_to_the_server(server: JourneyServer) -> None:
    """The last of this file: whatever was sent before, no code of ours raised unawares."""
    log = server.log.read_text()
    assert "Traceback" not in log, log[-3_000:]
