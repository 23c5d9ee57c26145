"""Bad input at the collector doors: a 4xx that says why, nothing stored, memory flat."""

import json
import time
from typing import Any

import httpx
import jwt
import pytest
from bad_bodies import (
    COLLECT,
    DOORS,
    MESSAGE,
    bad_bodies,
    check_refusal,
    entry,
    inbound,
    shape,
    stats,
)
from journey_server import JourneyServer, Person, Serve, new_peer, now_ms, wait_for

from roomtone.services.rate import WINDOW_MS

FLAT_KB = 24 * 1024
"""More than this is a leak: one of the largest bodies is 10 MB, and 200 are sent."""


@pytest.fixture(scope="module")
def alice(server: JourneyServer) -> Person:
    """Somebody with a good token, who never joined."""
    return server.invite(server.meeting(), "alice")


# --- the collector doors --------------------------------------------------------------------------


@pytest.mark.parametrize("door", DOORS)
def test_a_bad_body_is_refused_with_the_reason_and_leaves_nothing_behind(
    server: JourneyServer, alice: Person, door: str
) -> None:
    before, quarantined, unknown = server.stored(), server.quarantined(), 0
    for bad in bad_bodies(door):
        answer = server.send(door, alice.token, bad.body, headers=bad.headers)
        try:
            check_refusal(answer, bad.status)
            # Bad for good: the client may as well see the answer, and must not send it again.
            assert answer.headers["access-control-allow-origin"] == "*"
        except AssertionError as error:
            raise AssertionError(f"{bad.what}: {error}") from None
        # What arrived whole and was not understood; what does not inflate did not arrive.
        packed = "content-encoding" in bad.headers and bad.what != "gzip of garbage"
        arrived = bool(bad.body) and not packed
        unknown += bad.status == 422 or (bad.status == 400 and arrived)
    assert server.stored() == before
    kept = unknown if door == MESSAGE else 0
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
    bob, peer = server.invite(meeting, "bob"), new_peer()
    batch = shape(COLLECT, [entry(event="call_join")], peer_id=peer)
    assert bob.collect(batch).status_code == 202
    server.ask("DELETE", f"/meetings/{meeting}/participants/{bob.user_id}").raise_for_status()
    # Also as the peer that was let in a moment ago.
    check_refusal(bob.collect(batch), 403)
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
    # Of what was asked before a new window a little less is counted.
    wait_for("time in this window", lambda: now_ms() % WINDOW_MS < WINDOW_MS - 15_000)
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


def test_nothing_of_all_this_was_a_surprise_to_the_server(server: JourneyServer) -> None:
    """The last of this file: whatever was sent before, no code of ours raised unawares."""
    log = server.log.read_text()
    assert "Traceback" not in log, log[-3_000:]
