"""Which web pages may send for an app: none named, all; some named, those and our own page."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.websockets import WebSocketDisconnect
from two_tenants import URL, TwoTenants, batch, bearer, two_tenants

from roomtone.services.origins import BELIEVED_MS, origin_of

APP, EVIL = "https://app.example.com", "https://evil.example.com"
DOORS = ("/v1/collect", "/api/v1/message")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[TwoTenants]:
    with two_tenants(tmp_path / "data") as made:
        yield made


def allow(site: TwoTenants, *origins: str) -> None:
    """Set the victim's."""
    answer = site.ask(site.victim, "PUT", "/origins", json={"origins": list(origins)})
    assert answer.status_code == 200, answer.text


def sent(site: TwoTenants, door: str, origin: str | None, token: str = "") -> tuple[int, bool]:
    """The status, and whether a page can see it."""
    headers = bearer(token or site.victim.participant_token)
    if origin is not None:
        headers["origin"] = origin
    body = batch(str(uuid4()), site.roomtone.clock.now())
    answer = site.client.post(door, content=body, headers=headers)
    return answer.status_code, "access-control-allow-origin" in answer.headers


@pytest.mark.parametrize("door", DOORS)
def test_until_origins_are_named_every_page_may_send(site: TwoTenants, door: str) -> None:
    for origin in (None, APP, EVIL, "null"):
        status, seen = sent(site, door, origin)
        assert status in (202, 204)
        assert seen


@pytest.mark.parametrize("door", DOORS)
def test_once_named_only_their_pages_may(site: TwoTenants, door: str) -> None:
    assert sent(site, door, EVIL)[0] in (202, 204)
    allow(site, APP, "http://localhost:3000")

    for origin in (APP, "http://localhost:3000", URL, None):
        status, seen = sent(site, door, origin)
        assert status in (202, 204), origin
        assert seen
    for origin in (EVIL, "null", "http://app.example.com", APP + ":8443", "http://localhost"):
        assert sent(site, door, origin) == (403, False), origin
    # Of one app alone.
    assert sent(site, door, EVIL, site.neighbour.participant_token)[0] in (202, 204)

    allow(site)
    assert sent(site, door, EVIL)[0] in (202, 204)


def test_a_change_elsewhere_holds_within_seconds(
    site: TwoTenants, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = site.roomtone.clock.now()
    monkeypatch.setattr(site.roomtone.clock, "now", lambda: now)
    assert sent(site, DOORS[0], EVIL)[0] == 202
    victim = site.victim
    # As another process does it.
    site.run(site.roomtone.records.write, lambda tx: tx.tenants.put_origins(victim.app_id, (APP,)))
    monkeypatch.setattr(site.roomtone.clock, "now", lambda: now + BELIEVED_MS)
    assert sent(site, DOORS[0], EVIL)[0] == 403


def test_a_refused_batch_leaves_nothing_behind(site: TwoTenants) -> None:
    allow(site, APP)
    before = site.rows_of(site.victim)

    assert sent(site, DOORS[0], EVIL) == (403, False)
    headers = {**bearer(site.victim.participant_token), "origin": EVIL}
    answer = site.client.post(DOORS[1], content=b'{"entries": 7}', headers=headers)

    assert answer.status_code == 403
    assert site.rows_of(site.victim) == before


def test_the_inlets_of_the_app_heed_them_too(site: TwoTenants) -> None:
    made = site.made(site.victim, "/inlets", {"kind": "peermetrics"})
    socket = site.made(site.victim, "/inlets", {"kind": "observertc"})
    allow(site, APP)
    path = f"{made['path']}/v1/initialize"
    body = {"apiKey": made["secret"], "conferenceId": "c", "userId": "u"}

    def status(origin: str) -> int:
        return site.client.post(path, json=body, headers={"origin": origin}).status_code

    assert (status(APP), status(EVIL)) == (200, 403)
    address = f"{socket['path']}/{socket['secret']}"
    with (
        pytest.raises(WebSocketDisconnect) as closed,
        site.client.websocket_connect(address, headers={"origin": EVIL}) as connection,
    ):
        connection.receive_text()
    assert closed.value.code == 1008


def test_they_are_told_sorted_and_as_browsers_write_them(site: TwoTenants) -> None:
    given = ["HTTPS://App.Example.COM:443", "http://b.example:80", "capacitor://localhost", APP]
    told = site.ask(site.victim, "PUT", "/origins", json={"origins": given}).json()["data"]

    assert told == {"origins": ["capacitor://localhost", "http://b.example", APP]}
    assert site.ask(site.victim, "GET", "/origins").json()["data"] == told
    assert site.ask(site.neighbour, "GET", "/origins").json()["data"] == {"origins": []}


def test_every_fault_is_named(site: TwoTenants) -> None:
    given = ["*", APP, "https://a.example/path", "null", "app.example.com", "https://a:99999"]
    answer = site.ask(site.victim, "PUT", "/origins", json={"origins": given})

    assert answer.status_code == 422
    pointers = [error["source"]["pointer"] for error in answer.json()["errors"]]
    assert pointers == [f"/origins/{place}" for place in (0, 2, 3, 4, 5)]
    many = [f"https://a{number}.example" for number in range(101)]
    assert site.ask(site.victim, "PUT", "/origins", json={"origins": many}).status_code == 422
    assert site.ask(site.victim, "GET", "/origins").json()["data"] == {"origins": []}


@given(st.text(max_size=40))
def test_any_text_is_an_origin_or_refused_and_an_origin_stays_itself(text: str) -> None:
    try:
        origin = origin_of(text)
    except ValueError:
        return
    assert origin_of(origin) == origin
