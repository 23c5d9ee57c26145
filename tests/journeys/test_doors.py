"""The collector doors as browsers meet them: preflights, beacons, gzip, and look-ups of places."""

import gzip
import json

import httpx
import pytest
from journey_server import JourneyServer, Person, new_peer, now_ms

DOORS = ("/v1/collect", "/api/v1/message")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"


def joining(peer_id: str) -> dict[str, object]:
    """A body that either door takes."""
    return {"peerId": peer_id, "entries": [{"event": "call_join", "timestamp": now_ms()}]}


@pytest.fixture
def alice(server: JourneyServer) -> Person:
    """Somebody with a meeting of her own."""
    return server.invite(server.meeting(), "alice")


@pytest.mark.parametrize("door", DOORS)
def test_a_preflight_lets_the_clients_headers_through_and_lasts(
    server: JourneyServer, door: str
) -> None:
    asked = {
        "origin": "https://calls.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    answer = server.client.options(server.url + door, headers=asked)
    assert answer.status_code in (200, 204)
    assert answer.headers["access-control-allow-origin"] in ("*", asked["origin"])
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = {one.strip() for one in answer.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type"} <= allowed, "* does not cover authorization"
    assert int(answer.headers["access-control-max-age"]) >= 7200


def test_our_door_says_what_it_took_and_what_comes_next(alice: Person) -> None:
    peer_id = new_peer()
    body = {**joining(peer_id), "seq": 7}
    first = alice.collect(body)
    assert first.status_code == 202
    assert first.headers["access-control-allow-origin"] == "*"
    assert first.json() == {"success": True, "data": {"accepted": 1, "next_seq": 8}}
    assert alice.collect(body).json() == first.json()
    assert alice.collect({**body, "seq": 3}).json()["data"]["next_seq"] == 8
    assert alice.collect(joining(peer_id)).json()["data"]["next_seq"] is None


def test_the_vendors_door_says_nothing(alice: Person) -> None:
    answer = alice.message(joining(new_peer()))
    assert answer.status_code == 204
    assert answer.content == b""
    assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", ["text/plain", "text/plain;charset=UTF-8", "", "image/png"])
def test_any_content_type_is_taken(
    server: JourneyServer, alice: Person, door: str, kind: str
) -> None:
    peer_id = new_peer()
    answer = server.send(door, alice.token, joining(peer_id), headers={"content-type": kind})
    assert answer.is_success, answer.text
    server.soon(peer_id)


@pytest.mark.parametrize("door", DOORS)
def test_a_beacon_brings_its_token_in_the_address(
    server: JourneyServer, alice: Person, door: str
) -> None:
    peer_id = new_peer()
    body = json.dumps(joining(peer_id)).encode()
    answer = server.client.post(server.url + door, params={"token": alice.token}, content=body)
    assert answer.is_success, answer.text
    server.soon(peer_id)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("coding", ["gzip", "GZIP"])
def test_a_gzip_body_is_inflated(
    server: JourneyServer, alice: Person, door: str, coding: str
) -> None:
    peer_id = new_peer()
    packed = gzip.compress(json.dumps(joining(peer_id)).encode())
    answer = server.send(door, alice.token, packed, headers={"content-encoding": coding})
    assert answer.is_success, answer.text
    server.soon(peer_id)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("form", ["ours", "the vendor's"])
def test_either_door_takes_either_form(
    server: JourneyServer, alice: Person, door: str, form: str
) -> None:
    peer_id, entries = new_peer(), [{"event": "call_join", "timestamp": now_ms()}]
    ours = {"peer_id": peer_id.upper(), "entries": entries}
    theirs = {"payload": {"entries": entries}, "peerId": peer_id}
    answer = server.send(door, alice.token, ours if form == "ours" else theirs)
    assert answer.is_success, answer.text
    assert server.soon(peer_id)["id"] == peer_id


def test_what_the_request_tells_stands_in_the_report_and_the_address_is_masked(
    server: JourneyServer, alice: Person
) -> None:
    peer_id = new_peer()
    alice.collect(joining(peer_id), headers={"user-agent": FIREFOX})
    stats = server.soon(peer_id)["peer_stats"]
    assert stats["device_info"]["browser"] == "Firefox"
    assert stats["device_info"]["user_agent"] == FIREFOX
    assert stats["ip_information"]["ipv4"] == "127.0.0.0"


@pytest.mark.parametrize("host", ["location", "location-legacy"])
def test_where_the_caller_is_is_answered_at_once_also_when_it_is_not_known(
    server: JourneyServer, alice: Person, host: str
) -> None:
    headers = {"host": f"{host}.calls.example"}
    for answer in (
        server.client.get(server.url, headers=headers),
        server.client.post(
            f"{server.url}/?token={alice.token}&peerId={new_peer()}", headers=headers
        ),
    ):
        assert answer.status_code == 404
        assert answer.headers["access-control-allow-origin"] == "*"
    preflight = server.client.options(server.url, headers=headers)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"


def test_a_telemetry_host_of_the_clients_naming_reaches_the_door(
    server: JourneyServer, alice: Person
) -> None:
    peer_id = new_peer()
    headers = {"host": "da-collector.calls.example", "origin": "https://calls.example"}
    assert alice.message(joining(peer_id), headers=headers).status_code == 204
    server.soon(peer_id)


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_balancer_learns_that_all_is_well(server: JourneyServer, path: str) -> None:
    assert httpx.get(server.url + path).status_code == 200
