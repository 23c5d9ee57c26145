"""The session page tells what the API tells, moment by moment, to eyes, ears and keys."""

import re
import time
from collections.abc import Iterator
from uuid import uuid4

import pytest
from console_site import EVIL, Console, Joined, Visitor, visitor
from playwright.sync_api import expect

from journeys.journey_server import wait_for

SOON_MS = 8_000

pytestmark = [pytest.mark.needs("chromium", "node")]


@pytest.fixture(scope="module")
def call(seeded_console: Console) -> dict:
    """The lossy call, with words in it: its row in the list."""
    rows = seeded_console.server.get("/sessions", status="ENDED")["sessions"]
    row = next(row for row in rows if row["meeting_display_name"].startswith("Lossy"))
    peer = seeded_console.server.get(f"/sessions/{row['id']}/participants")["participants"][0]
    said = {
        "startTime": 5_000,
        "endTime": 9_000,
        "sentence": f"Well then {EVIL}",
        "peerData": {"id": peer["id"], "displayName": peer["display_name"]},
    }
    later = {"startTime": 20_000, "endTime": 22_000, "sentence": "We will meet on Monday."}
    start = int(time.mktime(time.strptime(row["started_at"][:19], "%Y-%m-%dT%H:%M:%S")))
    written = {
        "id": "m1", "type": "text", "userId": peer["user_id"], "displayName": EVIL,
        "time": start + 12, "message": f"hello {EVIL}",
    }  # fmt: skip
    seeded_console.server.post(f"/sessions/{row['id']}/transcript", {"segments": [said, later]})
    seeded_console.server.post(f"/sessions/{row['id']}/chat", {"messages": [written]})
    return row


@pytest.fixture(params=["light", "dark"])
def theme(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def guest(chromium, seeded_console: Console) -> Iterator[Visitor]:
    with visitor(chromium, seeded_console.url) as found:
        yield found.sign_in(seeded_console.server.api_token)


def _open(guest: Visitor, session_id: str):
    page = guest.go(f"/sessions/{session_id}", "rt-timeline [data-row] canvas")
    page.wait_for_selector(".panel")
    return page


def _timeline(console: Console, session_id: str) -> dict:
    return console.server.get(f"/sessions/{session_id}/timeline")


def _shown(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def test_the_numbers_on_the_page_are_those_of_the_api(guest, seeded_console, call):
    page = _open(guest, call["id"])
    told = _timeline(seeded_console, call["id"])

    for peer in told["peers"]:
        row = page.locator(f'rt-table tr[data-key="{peer["peer_id"]}"]')
        assert row.locator(".col-in b").inner_text() == _shown(peer["received_mos"])
        assert row.locator(".col-out b").inner_text() == _shown(peer["sent_mos"])
    session = seeded_console.server.get(f"/sessions/{call['id']}")
    # As they were written, but with the viewer's own clock: UTC is what hovering shows.
    shown = page.locator(".verdict p").all_inner_texts()
    written = session["verdict"]["sentences"]
    times = "|".join(re.findall(r"\d\d:\d\d UTC", " ".join(written)))
    assert times == "|".join(
        page.locator(".verdict time").evaluate_all("all => all.map((one) => one.title)")
    )
    clocks = page.locator(".verdict time").all_inner_texts()
    for clock in clocks:
        shown = [sentence.replace(clock, "T") for sentence in shown]
    assert shown == [re.sub(r"\d\d:\d\d UTC", "T", sentence) for sentence in written]
    findings = [one for one in session["findings"] if one["echo_of"] is None]
    titles = page.locator(".findings").first.locator(".finding-title").all_inner_texts()
    assert sorted(titles) == sorted(one["title"] for one in findings)
    guest.check()


def test_pointing_at_a_moment_shows_it_for_everybody(guest, seeded_console, call):
    page = _open(guest, call["id"])
    told = _timeline(seeded_console, call["id"])
    box = page.locator("[data-slider]").bounding_box()

    page.mouse.move(box["x"] + box["width"] * 0.52, box["y"] + box["height"] / 2)
    page.wait_for_selector(".tl-at")

    slider = page.locator("[data-slider]")
    length_ms = told["bins"] * told["bin_ms"]
    moment_ms = float(slider.get_attribute("aria-valuenow")) * 1000
    assert 0.4 * length_ms < moment_ms < 0.6 * length_ms
    for peer in told["peers"]:
        cell = page.locator(f'[data-row="{peer["peer_id"]}"] [data-now]').inner_text()
        near = {int((moment_ms + by) // told["bin_ms"]) for by in (-600, 0, 600)}
        lane = peer["received"]["mos"]
        candidates = {
            _shown(lane[at - peer["first_bin"]])
            for at in near
            if 0 <= at - peer["first_bin"] < len(lane)
        }
        assert re.search(r"MOS (\S+)", cell).group(1) in candidates
    assert page.locator("[data-cross]").is_visible()
    guest.check()


def test_the_keys_move_the_moment_and_say_it_aloud(guest, seeded_console, call):
    page = _open(guest, call["id"])
    slider = page.locator("[data-slider]")

    slider.focus()
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    # Several keys may be drawn at once, or one after the other; and the words come by themselves.
    expect(slider).to_have_attribute("aria-valuetext", re.compile("Well then"))

    said = slider.get_attribute("aria-valuetext")
    for peer in _timeline(seeded_console, call["id"])["peers"]:
        assert f"{peer['display_name']} MOS" in said
    page.keyboard.press("Escape")
    page.wait_for_function("() => document.querySelector('[data-cross]').hidden")


def test_zooming_widens_the_call_and_shows_all_of_it_again(guest, call):
    page = _open(guest, call["id"])
    width = "document.querySelector('[data-inner]').offsetWidth"
    before = page.evaluate(width)

    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_function(f"() => {width} > {before} * 1.2")
    assert page.locator("[data-over]").is_visible()
    page.get_by_role("button", name="Whole call").click()

    page.wait_for_function(f"() => {width} <= {before}")


def test_words_run_beneath_and_lead_back_to_their_moment(guest, seeded_console, call):
    page = _open(guest, call["id"])

    line = page.locator(".word-transcript").first
    assert line.locator(".word-text").inner_text().strip() == f"Well then {EVIL}"
    line.locator(".word-when").click()

    page.wait_for_selector(".word-transcript.now")
    expect(page.locator("[data-slider]")).to_have_attribute("aria-valuenow", "5")
    expect(page.locator(".tl-speaks")).to_have_count(1)
    assert f"hello {EVIL}" in page.locator(".word-chat").inner_text()
    guest.check()


def test_the_timeline_is_there_as_a_table(guest, seeded_console, call):
    page = _open(guest, call["id"])

    page.get_by_text("Show as table").click()

    rows = page.locator(".tl-plain tbody tr")
    peers = _timeline(seeded_console, call["id"])["peers"]
    expect(rows).to_have_count(len(peers))
    assert rows.locator("th").all_inner_texts() == [peer["display_name"] for peer in peers]


def test_a_summary_is_made_where_there_was_none(guest, call):
    page = _open(guest, call["id"])

    page.get_by_role("button", name="Make a summary").click()

    page.wait_for_selector(".summary", timeout=40_000)
    assert "Monday" in page.locator(".summary").inner_text()
    guest.check()


def test_what_webhooks_were_told_is_listed(guest, seeded_console):
    title = f"Heard {time.time_ns()}"  # of the calls that were there before it no webhook hears
    joined = seeded_console.join(title)  # and stays: the end of the call would be told too
    server = seeded_console.server
    (row,) = wait_for("the session", lambda: server.get("/sessions", search=title)["sessions"])
    deliveries = f"/sessions/{row['id']}/deliveries"
    # Every webhook of the app hears of it; tests of other pages have made some.
    due = {
        (hook["id"], event)
        for hook in server.get("/webhooks")
        for event in ("meeting.participantJoined", "meeting.started")
        if event in hook["events"]
    }
    wait_for("the join to be told", lambda: len(server.get(deliveries)) >= len(due))
    page = _open(guest, row["id"])

    found = server.get(deliveries)
    assert {(one["webhook_id"], one["event"]) for one in found} == due
    told = [one["event"] for one in found]
    assert len(told) == len(due) >= 2
    expect(page.locator(".hooks code")).to_have_text(told)
    joined.leave()


def test_a_live_call_grows_and_evil_names_stay_text(guest, seeded_console):
    joined = seeded_console.join(f"Live {EVIL}", EVIL)
    joined.tell("audio_off")
    about = {"deviceInfo": {"userAgent": EVIL, "browserName": EVIL}, "sdkName": EVIL}
    entry = {
        "event": "call_join",
        "timestamp": int(time.time() * 1000),
        "metaData": {"peerMetaData": about},
    }
    body = {"peer_id": str(uuid4()), "seq": 1, "entries": [entry]}
    assert joined.person.collect(body).status_code == 202

    def session() -> dict | None:
        rows = seeded_console.server.get("/sessions", status="LIVE")["sessions"]
        return next((row for row in rows if row["meeting_display_name"] == f"Live {EVIL}"), None)

    wait_for("the session", session)
    page = _open(guest, session()["id"])
    assert page.locator(".tl-who").first.inner_text() == EVIL
    first = page.locator("[data-slider]").get_attribute("aria-valuemax")
    page.wait_for_function(
        f"() => document.querySelector('[data-slider]').ariaValueMax !== '{first}'", timeout=30_000
    )
    guest.check()
    joined.leave()


# A page whose clock never comes to the next look: only what it is told can move it.
UNTIMED = """const real = window.setTimeout;
window.setTimeout = (act, ms, ...rest) => (ms === 5000 ? 0 : real(act, ms, ...rest));"""


def test_who_comes_and_goes_shows_without_waiting_for_the_next_look(chromium, seeded_console):
    title = f"Told {time.time_ns()}"
    first = seeded_console.join(title, "Ana")

    def session() -> dict | None:
        rows = seeded_console.server.get("/sessions", search=title)["sessions"]
        return rows[0] if rows else None

    row = wait_for("the session", session)
    with visitor(chromium, seeded_console.url) as guest:
        guest.page.add_init_script(UNTIMED)
        guest.sign_in(seeded_console.server.api_token)
        page = _open(guest, row["id"])
        expect(page.locator(".tl-who")).to_have_text(["Ana"])

        second = Joined(seeded_console.server.invite(row["associated_id"], "Bo"))
        expect(page.locator(".tl-who")).to_have_text(["Ana", "Bo"], timeout=SOON_MS)
        for one in (first, second):
            one.leave()
        seeded_console.server.kick_all(row["associated_id"])
        expect(page.locator(".session-head .badge-plain")).to_have_text("Ended", timeout=SOON_MS)
        guest.check()


def test_nothing_stands_in_the_way_of_assistive_technology(chromium, seeded_console, call, theme):
    with visitor(chromium, seeded_console.url, color_scheme=theme) as guest:
        guest.sign_in(seeded_console.server.api_token)
        page = _open(guest, call["id"])
        page.get_by_text("Show as table").click()
        page.get_by_text("What the signs mean").click()
        assert guest.axe() == []


def test_a_session_that_is_not_there_says_so(guest):
    guest.expected += ("/sessions/",)
    page = guest.go(f"/sessions/{uuid4()}", ".state-error")

    assert "No such session" in page.locator(".state-error").inner_text()


def test_on_a_phone_only_the_timeline_scrolls_sideways(chromium, seeded_console, call):
    size = {"width": 390, "height": 844}
    with visitor(chromium, seeded_console.url, viewport=size) as guest:
        guest.sign_in(seeded_console.server.api_token)
        page = _open(guest, call["id"])
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
