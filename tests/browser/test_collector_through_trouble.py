"""The collector in a page of somebody else's, through everything that ends a connection or a page.

Each page says a numbered mark twice a second. What the server acknowledged must be in the record
exactly once; what could be sent again must have been.
"""

import gzip
import json
import os
import time
from collections import Counter
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, BrowserContext, CDPSession, Error, Page, Request, Response
from sample_site import Site

from journeys.journey_server import JourneyServer, Person, wait_for

FREEZE_S = float(os.environ.get("ROOMTONE_FREEZE_S", "30"))
"""120 for the long form."""
OFFLINE_S = 20
INTERVAL_MS = 2_000
MARK_MS = 500
OPTIONS = {"intervalMs": INTERVAL_MS, "sendMs": 2 * INTERVAL_MS}
MARKING = """(ms) => {
  window.marked = 0;
  setInterval(() => observation.say("mark", { n: ++window.marked }), ms);
  return observation.peerId;
}"""

pytestmark = [pytest.mark.needs("chromium")]


def entries_of(request: Request) -> list[dict]:
    """What a batch says."""
    body = request.post_data_buffer or b""
    plain = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    return json.loads(plain)["entries"]


class Tab:
    """A page of the sample, whose marks are counted as they are acknowledged."""

    def __init__(self, profile: BrowserContext, address: str) -> None:
        self.acknowledged: set[int] = set()
        self.page: Page = profile.new_page()
        self.page.on("response", self._note)
        self.page.goto(address)
        self.page.wait_for_function("window.observation")
        self.peer_id: str = self.page.evaluate(MARKING, MARK_MS)

    def _note(self, response: Response) -> None:
        if response.url.endswith("/v1/collect") and response.status == 202:
            said = entries_of(response.request)
            self.acknowledged |= {e["metaData"]["n"] for e in said if e["event"] == "mark"}

    @property
    def marked(self) -> int:
        """How many marks it has said."""
        return int(self.page.evaluate("window.marked"))

    def devtools(self) -> CDPSession:
        """Chrome's own protocol."""
        return self.page.context.new_cdp_session(self.page)


def offline(session: CDPSession, *, on: bool) -> None:
    session.send("Network.enable")
    how = {"offline": on, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", how)


def marks(server: JourneyServer, peer_id: str) -> Counter:
    """The marks in the record, and how often each is there."""
    events = server.soon(peer_id)["peer_report"]["metadata"]["events"]
    return Counter(int(e["metadata"]["n"]) for e in events if e["name"] == "mark")


def names(server: JourneyServer, peer_id: str) -> list[str]:
    return [e["name"] for e in server.soon(peer_id)["peer_report"]["metadata"]["events"]]


@pytest.fixture
def trouble(tmp_path):
    server = JourneyServer(tmp_path / "data").start()
    yield server
    server.stop()


@pytest.fixture
def other_profile(chromium: Browser):
    context = chromium.new_context(permissions=["camera", "microphone"])
    yield context
    context.close()


def test_what_was_acknowledged_is_there_once_and_what_could_be_sent_again_was(
    trouble: JourneyServer, profile: BrowserContext, other_profile: BrowserContext, site: Site
) -> None:
    meeting = trouble.meeting()
    people = {name: trouble.invite(meeting, name) for name in ("off", "crash", "reload", "freeze")}

    def address(name: str, room: str) -> str:
        person: Person = people[name]
        url = site.observed("call.html", trouble.url, token=person.token, **OPTIONS)
        return f"{url}&room={room}"

    off = Tab(profile, address("off", "one"))
    crashed = Tab(profile, address("crash", "one"))
    reloaded = Tab(profile, address("reload", "two"))
    # In a profile of its own, hence in a process of its own.
    frozen = Tab(other_profile, address("freeze", "three"))
    off.page.wait_for_timeout(6_000)
    off.page.wait_for_function("document.getElementById('state').textContent === 'with 1'")

    # All at once: one is cut off, one freezes, one crashes, one reloads.
    network = off.devtools()
    offline(network, on=True)
    cut_at = time.monotonic()
    before_freeze = frozen.marked
    freeze(frozen, FREEZE_S)
    frozen_at = time.monotonic()
    before_crash = crashed.marked
    crash(crashed)
    before_reload = reloaded.marked
    acknowledged_before_reload = set(reloaded.acknowledged)
    reloaded.page.reload()
    reloaded.page.wait_for_function("window.observation")
    again = reloaded.page.evaluate("observation.peerId")
    heir = Tab(profile, address("crash", "one"))

    # Meanwhile the server dies and comes back at the same address.
    heir.page.wait_for_timeout(max(0, 8_000 - (time.monotonic() - cut_at) * 1000))
    port = int(trouble.url.rpartition(":")[2])
    trouble.kill()
    heir.page.wait_for_timeout(3_000)
    trouble.start(port)
    heir.page.wait_for_timeout(max(0, OFFLINE_S - (time.monotonic() - cut_at)) * 1000)
    marked_offline = off.marked
    offline(network, on=False)
    heir.page.wait_for_timeout(max(0, FREEZE_S - (time.monotonic() - frozen_at)) * 1000)
    after_freeze = frozen.marked
    heir.page.wait_for_timeout(4 * INTERVAL_MS)

    said = {tab: tab.marked for tab in (off, frozen, heir)}
    for tab in (off, frozen, heir):
        tab.page.evaluate("observation.stop()")
        wait_for(
            "everything to be acknowledged", lambda t=tab: t.page.evaluate("observation.flush()")
        )

    for tab in (off, frozen, heir, crashed, reloaded):
        found = marks(trouble, tab.peer_id)
        assert max(found.values()) == 1, "a mark is there twice"
        assert tab.acknowledged <= set(found)
    for tab, least in said.items():
        assert set(range(1, least + 1)) <= set(marks(trouble, tab.peer_id))
    assert marked_offline > OFFLINE_S * 1000 / MARK_MS
    # What was read at the last tick before the crash was kept, and the next page sent it.
    kept = set(marks(trouble, crashed.peer_id))
    assert set(range(1, before_crash - 2 * INTERVAL_MS // MARK_MS)) <= kept
    # A page that ends in order sends everything, and says that it left.
    assert set(range(1, before_reload + 1)) <= set(marks(trouble, reloaded.peer_id))
    assert acknowledged_before_reload <= set(marks(trouble, reloaded.peer_id))
    assert "disconnect" in names(trouble, reloaded.peer_id)
    assert again != reloaded.peer_id
    assert after_freeze < before_freeze + FREEZE_S * 1000 / MARK_MS / 2, "it did not stand still"
    assert {"page_frozen", "page_resumed"} <= set(names(trouble, frozen.peer_id))
    (session,) = trouble.sessions(meeting)
    assert session["total_participants"] == 4


def freeze(tab: Tab, seconds: float) -> None:
    """Have the page stand still: a request that its script waits for, and nothing runs meanwhile.

    Chrome's own freezing (Page.setWebLifecycleState) leaves pages alone that Playwright drives,
    since it has them believe that they are visible; so its two events are made by hand.
    """
    tab.page.evaluate(
        """(seconds) => {
          document.dispatchEvent(new Event("freeze"));
          setTimeout(() => {
            const slow = new XMLHttpRequest();
            slow.open("GET", `/slow?s=${seconds}`, false);
            slow.send();
            document.dispatchEvent(new Event("resume"));
          });
        }""",
        seconds,
    )


def crash(tab: Tab) -> None:
    """The renderer ends at once: nobody is told, nothing is saved."""
    with tab.page.expect_event("crash"), suppress(Error):
        tab.page.goto("chrome://crash", timeout=5_000)
