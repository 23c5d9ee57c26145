"""Two browsers in the call page: what API and console tell is what the browsers saw.

One call on a good network, watched from the console; one in which a single person's line is bad.
"""

import os
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from call_network import Network
from call_party import EVIL, Guest, alone, browsers, link
from console_site import Visitor, visitor
from playwright.sync_api import Browser, Playwright, expect

from journeys.journey_server import JourneyServer
from realtimekit.sdk.drive import drive

pytestmark = [
    pytest.mark.needs("chromium", "python-5.9.0"),
]

TALK_S = float(os.environ.get("ROOMTONE_TEST_TALK_S", "40"))
LIVE_S = 10
BAD_S = 30
BO = f"Bo {EVIL}"
"""Whose line is bad: findings and verdict tell the name."""
BAD = {"loss": 0.12, "delay_ms": 120}
"""Of the line of one person, each way."""


@dataclass
class Held:
    """A call that took place."""

    server: JourneyServer
    session: dict[str, Any]
    live_after_s: float = 0.0
    """From the second one's coming to the console's telling of two."""
    row: str = ""
    """What the console's list told of it when it had ended, without a reload."""
    lasted_s: float = 0.0
    """From before the first came in until the last had left."""
    faults: list[str] = field(default_factory=list)
    counted: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    """By name, what the browser itself counted just before the end."""
    reports: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By name, the peer report."""
    peers: dict[str, str] = field(default_factory=dict)

    def quality(self, name: str) -> dict[str, Any]:
        return self.reports[name]["peer_report"]["quality"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JourneyServer]:
    running = JourneyServer(tmp_path_factory.mktemp("call") / "data").start()
    yield running
    running.stop()


@pytest.fixture
def window(chromium: Browser, server: JourneyServer) -> Iterator[Visitor]:
    """Somebody in the console."""
    with visitor(chromium, server.url) as found:
        yield found.sign_in(server.api_token)
        found.check()


def read_back(server: JourneyServer, meeting: str, guests: list[Guest]) -> Held:
    """Part, end the session, and read its record."""
    counted = {guest.name: guest.counted() for guest in guests}
    for guest in guests:
        guest.leave()
    server.kick_all(meeting)  # else the room waits a minute for them to come back
    server.wait_until_sealed()
    (session,) = server.sessions(meeting)
    held = Held(server, session, counted=counted)
    held.faults = [f"{guest.name[:5]}: {fault}" for guest in guests for fault in guest.faults]
    for person in server.participants(session["id"]):
        held.peers[person["display_name"]] = person["id"]
        held.reports[person["display_name"]] = server.report(person["id"])
    return held


@pytest.fixture(scope="module")
def good(server: JourneyServer, playwright: Playwright, chromium: Browser) -> Held:
    """Forty seconds with everything in it, seen from the console as well."""
    meeting, url = link(server, f"Good {EVIL}")
    people = (f"Ana {EVIL}", "Bo")
    with (
        alone(),
        browsers(playwright, *people) as guests,
        visitor(chromium, server.url) as watcher,
    ):
        list_ = watcher.sign_in(server.api_token).go("/sessions", "rt-page-sessions")
        for guest in guests:
            guest.open(url)
        began = time.monotonic()
        guests[0].join()
        at = guests[1].join()
        row = list_.locator("tr", has_text="Good")
        expect(row.locator(".badge-live")).to_be_visible(timeout=LIVE_S * 1000)
        expect(row.locator(".col-people")).to_contain_text("2", timeout=LIVE_S * 1000)
        live_after_s = time.monotonic() - at
        talk(*guests)
        held = read_back(server, meeting, guests)
        held.lasted_s = time.monotonic() - began
        expect(row.locator(".badge-live")).to_have_count(0)
        expect(row.locator("rt-strip b")).to_be_visible()  # its record is closed
        held.live_after_s, held.row = live_after_s, row.inner_text()
        watcher.check()
        return held


def talk(first: Guest, second: Guest) -> None:
    """Write, speak, share a screen, and stay until the time is over."""
    began = time.monotonic()
    first.sees(1)
    second.sees(1)
    first.write(f"Hello {EVIL}")
    second.until("document.querySelector('#unread').textContent === '1'")
    second.page.keyboard.press("c")
    assert EVIL in second.page.inner_text("#messages")
    second.page.keyboard.press("Escape")
    second.page.keyboard.press("l")
    said = "document.querySelector('#captions').textContent.includes('good morning everybody')"
    first.until(said)
    second.page.keyboard.press("s")
    first.until("document.querySelector('.tile.screen video')?.videoWidth > 0")
    second.page.wait_for_timeout(12_000)
    second.page.keyboard.press("s")
    first.page.wait_for_selector(".tile.screen", state="detached")
    second.page.wait_for_timeout(max(0, TALK_S - (time.monotonic() - began)) * 1000)
    assert [guest.page.evaluate("window.stung") for guest in (first, second)] == [None, None]


@pytest.fixture(scope="module")
def bad(server: JourneyServer, playwright: Playwright) -> Iterator[Held]:
    """Half a minute in which Bo's line is bad. A path between two has two ends: it takes a third
    person to tell whose it is."""
    meeting, url = link(server, "Bad")
    network = Network()
    with alone(), browsers(playwright, "Ana", BO, "Cy") as guests:
        for guest in guests:
            network.carry(guest)
            guest.open(url)
            guest.join()
        for guest in guests:
            guest.sees(2)
        guests[0].page.wait_for_timeout(6_000)  # what goes wrong later is told from how it began
        network.spoil(BO, **BAD)
        guests[0].page.wait_for_timeout(BAD_S * 1000)
        yield read_back(server, meeting, guests)
    network.close()


def rates(readings: list[dict[str, Any]], name: str) -> float:
    return sum(reading[name] or 0 for reading in readings)


def test_the_console_shows_it_live_within_ten_seconds_and_ended_in_the_end(good: Held) -> None:
    assert good.live_after_s < LIVE_S
    assert "live" not in good.row.lower()
    assert good.session["status"] == "ENDED"
    assert good.session["total_participants"] == good.session["max_concurrent_participants"] == 2
    assert 2 * TALK_S / 60 < good.session["minutes_consumed"] < 2 * good.lasted_s / 60


def test_no_page_said_an_error_nor_broke_its_policy(good: Held) -> None:
    assert good.faults == []


@pytest.mark.parametrize(
    ("block", "stat", "reading", "counter"),
    [
        ("audio_consumer", "inbound-rtp audio", "packets_received", "packetsReceived"),
        ("audio_producer", "outbound-rtp audio", "packets_sent", "packetsSent"),
        ("video_consumer", "inbound-rtp video", "frames_decoded", "framesDecoded"),
        ("video_producer", "outbound-rtp video", "frames_encoded", "framesEncoded"),
        ("video_producer", "outbound-rtp video", "bytes_sent", "bytesSent"),
    ],
)
def test_the_record_counts_what_the_browser_counted(
    good: Held, block: str, stat: str, reading: str, counter: str
) -> None:
    for name in good.peers:
        quality = good.quality(name)
        recorded = sum(rates(quality[which], reading) for which in (block, f"screenshare_{block}"))
        # The browser was asked a moment before the last reading of the record.
        assert recorded == pytest.approx(good.counted[name][stat][counter], rel=0.08, abs=60), name


def asked(name: str, method: str, ids: dict[str, str]) -> dict[str, Any]:
    """A call of the SDK's driver."""
    return {"name": name, "resource": "sessions", "method": method, "ids": ids}


def test_the_vendors_sdk_reads_the_same_numbers(good: Held) -> None:
    server = good.server
    credentials = {
        "api_token": server.api_token,
        "account_id": server.account_id,
        "app_id": server.app_id,
    }
    of = {"session_id": good.session["id"]}
    calls = [
        asked("session", "get_session_details", of),
        asked("people", "get_session_participants", of),
        *(
            asked(peer, "get_participant_data_from_peer_id", {"peer_id": peer})
            for peer in good.peers.values()
        ),
    ]
    read = drive("python-5.9.0", f"{server.url}/client/v4", credentials, calls)
    told = read["session"]["body"]["data"]
    for name in ("minutes_consumed", "total_participants", "started_at", "ended_at", "status"):
        assert told[name] == good.session[name]
    people = read["people"]["body"]["data"]["participants"]
    assert {person["id"]: person["display_name"] for person in people} == {
        peer: name for name, peer in good.peers.items()
    }
    for name, peer in good.peers.items():
        assert read[peer]["body"]["data"]["participant"] == good.reports[name]


def test_the_console_tells_the_numbers_that_the_sdk_reads(good: Held, window: Visitor) -> None:
    # The reports are those that the SDK reads, as the test before this one shows.
    page = window.go(f"/sessions/{good.session['id']}", "rt-table tr[data-key]")
    facts = page.locator(".session-facts").inner_text()
    assert "2 people, at most 2 at once" in facts
    assert f"{good.session['minutes_consumed']:.1f} min" in facts
    for name, peer in good.peers.items():
        assert page.locator(f'tr[data-key="{peer}"] .col-who').inner_text() == name
    for name, peer in good.peers.items():
        page = window.go(f"/sessions/{good.session['id']}/peers/{peer}", "rt-page-peer h1")
        expect(page.locator("h1")).to_have_text(name)  # the page before this one had charts as well
        page.wait_for_selector(".charts .u-wrap")
        for source in ("audio_producer", "audio_consumer"):
            scores = [one["mos_quality"] for one in good.quality(name)[source]]
            mean = statistics.mean(one for one in scores if one is not None)
            shown = page.locator(f'[data-stream^="{source}:"] b').inner_text()
            assert float(shown) == pytest.approx(mean, abs=0.0051)


def test_a_good_call_has_good_numbers_and_no_error_is_found(good: Held) -> None:
    for name in good.peers:
        readings = good.quality(name)["audio_consumer"]
        # The median: a moment in which the machine had no time is not what this is about.
        scores = [one["mos_quality"] for one in readings if one["mos_quality"] is not None]
        assert statistics.median(scores) > 3.8, name
        assert rates(readings, "packets_lost") < 0.01 * rates(readings, "packets_received"), name
    details = good.server.get(f"/sessions/{good.session['id']}")
    errors = [one for one in details.get("findings", ()) if one["severity"] == "error"]
    assert errors == []


def test_each_stream_names_its_owner_and_what_it_is(good: Held) -> None:
    (ana,) = [name for name in good.peers if name != "Bo"]
    shared, watched = good.quality("Bo"), good.quality(ana)
    assert shared["screenshare_video_producer"]
    assert watched["screenshare_video_consumer"]
    assert not watched["screenshare_video_producer"]
    for block in ("audio_consumer", "video_consumer", "screenshare_video_consumer"):
        assert {reading["peer_id"] for reading in watched[block]} == {good.peers["Bo"]}
    assert {reading["peer_id"] for reading in shared["audio_consumer"]} == {good.peers[ana]}


def test_what_was_written_and_said_is_in_the_record(good: Held) -> None:
    session_id = good.session["id"]
    chat = good.server.get(f"/sessions/{session_id}/chat")
    text = good.server.client.get(chat["chat_download_url"]).text
    assert text.count("Hello ") == 1
    transcript = good.server.get(f"/sessions/{session_id}/transcript", format="SRT")
    said = good.server.client.get(transcript["transcript_download_url"]).text
    assert said.count("good morning everybody") == 1
    assert "Bo" in said


def heard(held: Held, listener: str, speaker: str) -> tuple[float, float]:
    """(least round trip in ms, loss in percent) of a voice, in the later half, after the change.

    The least: a machine that is busy makes any round trip longer, but never a line shorter."""
    readings = [
        reading
        for reading in held.quality(listener)["audio_consumer"]
        if reading["peer_id"] == held.peers[speaker]
    ]
    later = readings[len(readings) // 2 :]
    lost, received = rates(later, "packets_lost"), rates(later, "packets_received")
    known = [one["round_trip_time"] for one in later if one["round_trip_time"] is not None]
    return 1000 * min(known), 100 * lost / max(1, lost + received)


def test_the_numbers_show_whose_line_was_bad(bad: Held) -> None:
    pairs = {
        (listener, speaker): heard(bad, listener, speaker)
        for listener in bad.peers
        for speaker in bad.peers
        if listener != speaker
    }
    spoilt = [numbers for pair, numbers in pairs.items() if BO in pair]
    sound = [numbers for pair, numbers in pairs.items() if BO not in pair]
    assert min(rtt_ms for rtt_ms, _ in spoilt) > 200, pairs
    assert min(rtt_ms for rtt_ms, _ in spoilt) > max(rtt_ms for rtt_ms, _ in sound), pairs
    assert min(loss for _, loss in spoilt) > 5, pairs
    assert max(loss for _, loss in sound) < 3, pairs


def test_the_findings_name_whose_line_was_bad(bad: Held) -> None:
    details = bad.server.get(f"/sessions/{bad.session['id']}")
    told = [one for one in details["findings"] if one["severity"] != "info"]
    # What a busy machine did to the others' sound is nobody's fault, and is told without a name.
    assert {one["blamed_peer_id"] for one in told} - {None} == {bad.peers[BO]}, told
    assert details["verdict"]["outcome"] in ("fair", "bad")
    assert BO in " ".join(details["verdict"]["sentences"])


def test_the_consoles_picture_shows_it_too(bad: Held, window: Visitor) -> None:
    page = window.go(f"/sessions/{bad.session['id']}", ".verdict")
    expect(page.locator(".verdict")).to_contain_text(BO)
    sides = page.locator(".findings").first.locator("li > p.quiet").all_inner_texts()
    blaming = [side for side in sides if " of " in side]
    assert blaming
    assert [side for side in blaming if f" of {BO}" not in side] == []
    sent = {
        name: float(page.locator(f'tr[data-key="{peer}"] .col-out b').inner_text())
        for name, peer in bad.peers.items()
    }
    assert sent[BO] == min(sent.values()), sent
