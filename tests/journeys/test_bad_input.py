"""Bad input at every door: a 4xx that says why, nothing stored, memory flat, no stack trace."""

import asyncio
import json
import socket
import time
from typing import Any

import httpx
import jwt
import pytest
from bad_bodies import COLLECT, DOORS, MEGA, MESSAGE, bad_bodies, entry, inbound, shape, stats
from journey_server import JourneyServer, Person, Serve, new_peer
from starlette.requests import Request

from roomtone.model.errors import BadRequest
from roomtone.web import bodies

pytestmark = pytest.mark.xdist_group("bad input")

FLAT_KB = 40 * 1024
"""More than this is a leak: one of the largest bodies is 10 MB, and 200 are sent."""


@pytest.fixture(scope="module")
def alice(server: JourneyServer) -> Person:
    """Somebody with a good token, who never joined."""
    return server.invite(server.meeting(), "alice")


def check_refusal(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The one envelope, both of its shapes."""
    assert answer.status_code == status, answer.text[:500]
    assert answer.headers["content-type"] == "application/json"
    body: dict[str, Any] = answer.json()
    assert body["success"] is False
    assert body["error"]["code"] == status
    assert len(body["error"]["message"]) > 10
    assert body["errors"]
    assert all(one["code"] == status and one["message"] for one in body["errors"])
    assert body["messages"] == []
    assert body["result"] is None
    assert "Traceback" not in answer.text
    return body


# --- the collector doors --------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_a_bad_body_is_refused_with_the_reason_and_leaves_nothing_behind(
    server: JourneyServer, alice: Person, door: str
) -> None:
    before, quarantined, invalid = server.stored(), server.quarantined(), 0
    for bad in bad_bodies(door):
        answer = server.send(door, alice.token, bad.body, headers=bad.headers)
        try:
            check_refusal(answer, bad.status)
            # Bad for good: the client may as well see the answer, and must not send it again.
            assert answer.headers["access-control-allow-origin"] == "*"
        except AssertionError as error:
            raise AssertionError(f"{bad.what}: {error}") from None
        invalid += bad.status == 422
    assert server.stored() == before
    kept = invalid if door == MESSAGE else 0
    assert server.quarantined() == quarantined + kept


@pytest.mark.parametrize("door", DOORS)
def test_every_fault_of_a_body_is_named_with_its_place(
    server: JourneyServer, alice: Person, door: str
) -> None:
    entries = [
        entry(timestamp="soon"),
        entry(),
        stats(inbound(packetsReceived=-1, ssrc=-5), inbound(jitter="x")),
        {"event": 7},
    ]
    answer = server.send(door, alice.token, shape(door, entries, seq=-1))
    told = " ".join(one["message"] for one in check_refusal(answer, 422)["errors"])
    for place in (
        "seq",
        "entries[0].timestamp",
        "entries[2].metaData.report[0].packetsReceived",
        "entries[2].metaData.report[0].ssrc",
        "entries[2].metaData.report[1].jitter",
        "entries[3].event",
    ):
        assert place in told, (place, told)


@pytest.mark.parametrize("door", DOORS)
def test_a_body_is_taken_whole_or_not_at_all(
    server: JourneyServer, alice: Person, door: str
) -> None:
    peer_id = new_peer()
    good = [entry(event="call_join"), *[entry(metaData={"n": n}) for n in range(20)]]
    body = shape(door, [*good, entry(timestamp="1970-01-01T00:00:00Z")])
    body["peer_id" if door == COLLECT else "peerId"] = peer_id
    assert server.send(door, alice.token, body).status_code == 422
    assert server.ask("GET", f"/sessions/peer-report/{peer_id}").status_code == 404
    (body if door == COLLECT else body["payload"])["entries"] = good
    assert server.send(door, alice.token, body).status_code in (202, 204)
    events = server.soon(peer_id)["peer_stats"]["events"]
    assert len(events) == len(good)


def test_ten_megabytes_in_pieces_of_unknown_number_are_refused(
    server: JourneyServer, alice: Person
) -> None:
    def pieces() -> Any:
        for _ in range(160):
            yield b" " * 65_536

    headers = {"authorization": f"Bearer {alice.token}"}
    for door in DOORS:
        try:
            answer = server.client.post(server.url + door, content=pieces(), headers=headers)
        except httpx.TransportError:
            continue  # told off before it had finished
        check_refusal(answer, 413)


@pytest.mark.slow
def test_memory_stays_flat_whatever_is_sent(serve: Serve) -> None:
    server = serve()
    alice = server.invite(server.meeting(), "alice")
    all_bad = [bad for door in DOORS for bad in bad_bodies(door)]

    def send(some: list[Any], door: str) -> None:
        for bad in some:
            server.send(door, alice.token, bad.body, headers=bad.headers)

    for door in DOORS:
        send(all_bad, door)
    settled = server.resident_kb()
    for door in DOORS:
        send(all_bad, door)
    grown = server.resident_kb() - settled
    assert len(all_bad) * len(DOORS) >= 200
    assert grown < FLAT_KB, f"{grown} kB more than {settled} kB"
    assert "Traceback" not in server.log.read_text()


# --- tokens ---------------------------------------------------------------------------------------


def signing_key(server: JourneyServer, app_id: str) -> bytes:
    ((key,),) = server.rows("SELECT signing_key FROM apps WHERE id = ?", app_id)
    return bytes.fromhex(key)


def test_only_a_good_token_opens_a_collector_door(server: JourneyServer, alice: Person) -> None:
    claims = jwt.decode(alice.token, options={"verify_signature": False})
    key = signing_key(server, server.app_id)
    past = int(time.time()) - 60
    head, payload, signature = alice.token.split(".")
    bad = {
        "nothing": "",
        "words": "hello",
        "dots": "..",
        "an API token": server.api_token,
        "expired": jwt.encode({**claims, "exp": past}, key, "HS256"),
        "forged": jwt.encode(claims, b"x" * 32, "HS256"),
        "unsigned": jwt.encode(claims, None, "none"),
        "of an unknown app": jwt.encode({**claims, "orgId": new_peer()}, key, "HS256"),
        "another's payload": f"{head}.{payload[:-4]}AAAA.{signature}",
        "another's signature": f"{head}.{payload}.{signature[:-4]}AAAA",
        "without claims": jwt.encode({}, key, "HS256"),
        "without an end": jwt.encode({**claims, "exp": None}, key, "HS256"),
        "endless": alice.token + "A" * 10_000,
    }
    before = server.stored()
    for door in DOORS:
        for what, token in bad.items():
            headers = {"authorization": f"Bearer {token}".strip()}
            body = json.dumps(shape(door, [entry(event="call_join")]))
            answer = server.client.post(server.url + door, content=body, headers=headers)
            check_refusal(answer, 401)
            assert answer.headers["access-control-allow-origin"] == "*", what
        for more in ({}, {"params": {"token": ""}}, {"params": {"token": "é"}}):
            answer = server.client.post(server.url + door, content=b"{}", **more)
            check_refusal(answer, 401)
    assert server.stored() == before
    jwt.decode(jwt.encode(claims, key, "HS256"), key, ["HS256"])
    signed_by_us = jwt.encode(claims, key, "HS256")
    assert server.send(COLLECT, signed_by_us, shape(COLLECT, [entry()])).status_code == 202


def test_a_token_signed_with_another_apps_key_opens_nothing(
    server: JourneyServer, alice: Person
) -> None:
    account = f"{server.url}/client/v4/accounts/{server.account_id}/realtime/kit"
    admin = {"authorization": f"Bearer {server.api_token}"}
    made = server.client.post(f"{account}/apps", json={"name": "other"}, headers=admin).json()
    other = made["data"]["app"]["id"]
    claims = jwt.decode(alice.token, options={"verify_signature": False})
    theirs = signing_key(server, other)
    for orgs in (server.app_id, other):
        token = jwt.encode({**claims, "orgId": orgs}, theirs, "HS256")
        for door in DOORS:
            answer = server.send(door, token, shape(door, [entry(event="call_join")]))
            check_refusal(answer, 401 if orgs == server.app_id else 403)


def test_a_peer_id_is_its_owners_alone(server: JourneyServer) -> None:
    meeting = server.meeting()
    alice, mallory = server.invite(meeting, "alice"), server.invite(meeting, "mallory")
    peer_id = new_peer()
    joined = {"peer_id": peer_id, "entries": [entry(event="call_join")]}
    assert alice.collect(joined).status_code == 202
    before = server.soon(peer_id)
    for door in DOORS:
        forged = {"peer_id": peer_id, "entries": [entry(event="disconnect")]}
        check_refusal(server.send(door, mallory.token, forged), 403)
    assert server.report(peer_id) == before


def test_who_was_removed_from_a_meeting_speaks_no_more(server: JourneyServer) -> None:
    meeting = server.meeting()
    bob = server.invite(meeting, "bob")
    assert bob.collect(shape(COLLECT, [entry(event="call_join")])).status_code == 202
    server.ask("DELETE", f"/meetings/{meeting}/participants/{bob.user_id}").raise_for_status()
    check_refusal(bob.collect(shape(COLLECT, [entry(event="call_join")])), 403)
    check_refusal(bob.message(shape(MESSAGE, [entry(event="call_join")])), 403)


def test_a_token_is_good_for_as_long_as_the_setting_says(serve: Serve) -> None:
    server = serve(token_hours=0)
    late = server.invite(server.meeting(), "late")
    time.sleep(1.1)
    check_refusal(late.collect(shape(COLLECT, [entry()])), 401)


# --- limits ---------------------------------------------------------------------------------------


def test_too_many_requests_are_put_off_so_that_no_client_drops_its_entries(serve: Serve) -> None:
    server = serve(ingest_limit=3, rate_limit=6)
    meeting = server.meeting()
    alice, bob = server.invite(meeting, "alice"), server.invite(meeting, "bob")
    for _ in range(3):
        assert alice.message(shape(MESSAGE, [entry()])).status_code == 204
        assert bob.collect(shape(COLLECT, [entry()])).status_code == 202
    # RealtimeKit's client takes any answer that it may see for success: so it must not see this.
    put_off = alice.message(shape(MESSAGE, [entry()]))
    assert put_off.status_code == 429
    assert int(put_off.headers["retry-after"]) > 0
    assert "access-control-allow-origin" not in put_off.headers
    put_off = bob.collect(shape(COLLECT, [entry()]))
    check_refusal(put_off, 429)
    assert int(put_off.headers["retry-after"]) > 0
    assert put_off.headers["access-control-allow-origin"] == "*"
    answers = [server.ask("GET", "/sessions") for _ in range(6)]
    assert answers[0].status_code == 200
    check_refusal(answers[-1], 429)
    assert int(answers[-1].headers["retry-after"]) > 0


@pytest.mark.slow
def test_a_client_that_only_sends_nonsense_does_not_fill_the_disk(serve: Serve) -> None:
    server = serve()
    alice = server.invite(server.meeting(), "alice")
    nonsense = json.dumps(shape(MESSAGE, [entry(timestamp="soon")])).encode()
    for _ in range(1_020):
        assert alice.message(nonsense).status_code == 422
    assert server.quarantined() == 1_000
    ((body, reason, context),) = server.rows(
        "SELECT body, reason, context FROM quarantine ORDER BY received_at LIMIT 1"
    )
    assert body == nonsense
    assert reason
    told = json.loads(context)
    assert told["participant_id"] == alice.user_id
    assert told["faults"][0]["where"] == "entries[0].timestamp"


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


def talk(server: JourneyServer, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """What comes back for raw bytes, sent piece by piece."""
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        for piece in pieces:
            wire.sendall(piece)
            time.sleep(pause_s)
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
    assert talk(server, *pieces, pause_s=0.02).startswith(b"HTTP/1.1 202")


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


def test_nothing_of_all_this_was_a_surprise_to_the_server(server: JourneyServer) -> None:
    """The last of this file: whatever was sent before, no code of ours raised unawares."""
    log = server.log.read_text()
    assert "Traceback" not in log, log[-3_000:]
