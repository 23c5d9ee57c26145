"""The collector when a page is left for a while or for good, and when it is asked for patience."""

import re
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright, Route
from sample_site import Site
from system_chromium import launched

from journeys.journey_server import JourneyServer, wait_for

IDLE = {"intervalMs": 30_000, "sendMs": 60_000}
"""Sends nothing of itself while a test runs."""
MARKS = 150
MARK_CHARS = 1_000
BEACON_BYTES = 60_000
WITHOUT_BEACONS = re.compile("/v1/collect$")
"""A beacon can carry no header: its token stands in the address."""
PATIENCE_S = 4
EAGER = {"intervalMs": 1_000, "sendMs": 1_000}
SAY_MARKS = """([first, last, chars]) => {
  for (let n = first; n <= last; n++) observation.say("mark", { n, text: "x".repeat(chars) });
}"""

pytestmark = [pytest.mark.needs("chromium")]


def observed(page: Page, address: str) -> str:
    """Open it, and let what it says first be taken in; the peer's id."""
    page.goto(address)
    page.wait_for_function("window.observation")
    wait_for("what it says first", lambda: page.evaluate("observation.flush()"))
    return str(page.evaluate("observation.peerId"))


def events(server: JourneyServer, peer_id: str) -> list[dict]:
    found: list[dict] = server.soon(peer_id)["peer_report"]["metadata"]["events"]
    return found


def marks(server: JourneyServer, peer_id: str) -> Counter[int]:
    said = (e["metadata"]["n"] for e in events(server, peer_id) if e["name"] == "mark")
    return Counter(map(int, said))


def names(server: JourneyServer, peer_id: str) -> list[str]:
    return [event["name"] for event in events(server, peer_id)]


def test_what_no_beacon_holds_goes_with_the_next_page(
    roomtone_server: JourneyServer, profile: BrowserContext, site: Site
) -> None:
    server = roomtone_server
    token = server.invite(server.meeting(), "ana").token
    address = site.observed("call.html", server.url, token=token, **IDLE) + "&room=alone"
    page = profile.new_page()
    peer_id = observed(page, address)
    # A request that was begun in the last moment may still arrive: here none does.
    page.route(WITHOUT_BEACONS, lambda route: route.abort())
    page.evaluate(SAY_MARKS, [1, MARKS, MARK_CHARS])
    page.goto(site.plain("call.html", room="alone"))

    # What tells that the person left is in the last beacon, with the latest marks.
    wait_for("the beacons", lambda: "disconnect" in names(server, peer_id))
    page.wait_for_timeout(1_000)
    at_once = marks(server, peer_id)
    assert set(at_once) == set(range(MARKS + 1 - len(at_once), MARKS + 1))
    assert BEACON_BYTES * 0.4 < len(at_once) * MARK_CHARS < BEACON_BYTES
    page.unroute(WITHOUT_BEACONS)
    eager = site.observed("call.html", server.url, token=token, **EAGER) + "&room=alone"
    heir = observed(page, eager)

    wait_for("the rest", lambda: len(marks(server, peer_id)) == MARKS)
    assert set(marks(server, peer_id).values()) == {1}
    assert marks(server, heir) == {}


@pytest.fixture
def with_cache(playwright: Playwright) -> Iterator[Page]:
    """A page of a browser that keeps pages that were left, as those of people do."""
    with launched(playwright, without=["--disable-back-forward-cache"]) as browser:
        yield browser.new_page()


def test_a_page_out_of_the_cache_goes_on_as_the_same_peer(
    roomtone_server: JourneyServer, with_cache: Page, site: Site
) -> None:
    server = roomtone_server
    token = server.invite(server.meeting(), "bo").token
    page = with_cache
    # No call: with an open connection no browser keeps a page.
    peer_id = observed(page, site.observed("quiet.html", server.url, token=token, **IDLE))
    page.evaluate(
        "addEventListener('pageshow', (event) => { window.persisted = event.persisted; })"
    )
    page.evaluate(SAY_MARKS, [1, 2, 1])
    page.goto(site.plain("quiet.html"))
    wait_for("what was said before leaving", lambda: len(marks(server, peer_id)) == 2)
    frozen = names(server, peer_id)
    page.go_back(wait_until="commit")
    page.wait_for_function("window.observation && window.persisted !== undefined")
    assert page.evaluate("window.persisted") is True
    assert page.evaluate("observation.peerId") == peer_id
    page.evaluate(SAY_MARKS, [3, 4, 1])
    wait_for("them to be sent", lambda: page.evaluate("observation.flush()"))

    assert "page_frozen" in frozen
    assert not {"disconnect", "page_unload"} & set(frozen)
    wait_for("what was said afterwards", lambda: len(marks(server, peer_id)) == 4)
    assert set(marks(server, peer_id).values()) == {1}
    assert "page_resumed" in names(server, peer_id)
    # It holds the name by which other tabs see that it lives.
    held = page.evaluate("navigator.locks.query().then(({held}) => held.map(({name}) => name))")
    assert held == [f"roomtone:{peer_id}"]


def test_it_comes_back_when_the_server_said_so_and_not_before(
    roomtone_server: JourneyServer, profile: BrowserContext, site: Site
) -> None:
    server = roomtone_server
    token = server.invite(server.meeting(), "cy").token
    page = profile.new_page()
    address = site.observed("call.html", server.url, token=token, **EAGER) + "&room=alone"
    peer_id = observed(page, address)
    asked: list[float] = []

    def busy(route: Route) -> None:
        asked.append(time.monotonic())
        if len(asked) > 1:
            route.continue_()
            return
        cors = {
            "access-control-allow-origin": "*",
            "access-control-expose-headers": "retry-after",
        }
        headers = {**cors, "retry-after": str(PATIENCE_S)}
        route.fulfill(status=429, headers=headers, json={"success": False})

    page.route("**/v1/collect*", busy)
    page.evaluate(SAY_MARKS, [1, 5, 1])
    wait_for("a first try", lambda: page.evaluate("observation.flush()") is False or asked)
    page.evaluate(SAY_MARKS, [6, 9, 1])
    deadline = time.monotonic() + 30
    while len(asked) < 2 and time.monotonic() < deadline:
        page.wait_for_timeout(200)

    assert asked[1] - asked[0] >= PATIENCE_S * 0.95
    assert asked[1] - asked[0] < PATIENCE_S + 6, "it waited for longer than it was asked to"
    wait_for("every mark", lambda: page.evaluate("observation.flush()"))
    assert marks(server, peer_id) == Counter(range(1, 10))
