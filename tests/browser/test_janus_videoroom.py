"""Debian's Janus, unmodified, with its event handler on, and three browsers in its videoroom.

Ada, Bo and Cy talk; Bo reloads the page; then each goes in a way of their own: Ada says so, Bo's
tab is closed, and Cy's browser ends.
"""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from call_party import Guest, alone, browsers
from own_janus import NAME, Janus, janus
from playwright.sync_api import Playwright
from sample_site import Site

from journeys.journey_server import JourneyServer, now_ms, roomtone_command, wait_for
from roomtone.model.times import parse_iso
from roomtone.services.inflow import peer_id_of

PEOPLE = ("Ada", "Bo", "Cy")
TALK_S = 5.0
SLACK_MS = 3_000
"""Between something and when the page, or this test, came to look at its clock."""
OPTIONS = {"intervalMs": 1_000, "sendMs": 1_000}

pytestmark = [pytest.mark.needs("chromium", "janus")]


class Stay:
    """One time that somebody was in the room, as the browser and this test saw it."""

    def __init__(self, guest: Guest) -> None:
        said = guest.page.evaluate("inRoom")
        self.name = guest.name
        self.feed: str = said["feed"]
        self.joined: int = said["at"]
        self.observed = guest.page.evaluate("window.observation?.peerId ?? null")
        self.counted: dict[str, int] = guest.page.evaluate("counted()")
        self.leaving = self.left = 0

    def ends_with(self, end: Callable[[], Any]) -> None:
        self.leaving = now_ms()
        end()
        self.left = now_ms()


@contextmanager
def videoroom(server: JourneyServer, folder: Path, room: str) -> Iterator[Janus]:
    """A Janus into whose configuration the printed lines were pasted."""
    where = ("--data", server.data, "--base-url", server.url)
    printed = roomtone_command("inlet", "add", "janus", "--key", "janus", *where)
    assert printed.returncode == 0, printed.stderr
    lines = "\n".join(printed.stdout.splitlines()[1:])
    with janus(folder / "janus", room, lines) as running:
        yield running


def everybody_sees(guests: list[Guest], others: int) -> None:
    state = f"publishes, receives {2 * others}"
    for guest in guests:
        guest.until(f"document.getElementById('state').textContent === '{state}'")


def talked(guests: list[Guest], addresses: list[str]) -> list[Stay]:
    """The call, by the time of joining."""
    for guest, address in zip(guests, addresses, strict=True):
        guest.page.goto(address)
        guest.until("window.inRoom !== undefined")
    ada, bo, cy = guests
    everybody_sees(guests, 2)
    time.sleep(TALK_S)
    first = Stay(bo)
    first.ends_with(bo.page.reload)
    bo.until("window.inRoom !== undefined")
    everybody_sees(guests, 2)
    time.sleep(TALK_S)
    browser = cy.page.context.browser
    assert browser is not None
    stays = [first]
    leaves = (lambda: ada.page.evaluate("leave()"), bo.page.close, browser.close)
    for guest, leave in zip((ada, bo, cy), leaves, strict=True):
        stays.append(Stay(guest))  # counted when they are about to go
        stays[-1].ends_with(leave)
    assert [guest.faults for guest in guests] == [[], [], []]
    return sorted(stays, key=lambda stay: stay.joined)


def only_session(server: JourneyServer, meeting_id: str) -> dict[str, Any]:
    """Of a meeting, once everybody has left."""

    def over() -> list[dict[str, Any]]:
        found = server.sessions(meeting_id)
        return [one for one in found if one["live_participants"] == 0]

    (session,) = wait_for("everybody to leave", over)
    return session


def check_presence(server: JourneyServer, session: dict[str, Any], stays: list[Stay]) -> None:
    """Three people with four connections, each when the browsers say that it was there."""
    assert session["total_participants"] == len(PEOPLE)
    rows = server.participants(session["id"])
    assert session["max_concurrent_participants"] == most_at_once(rows)
    assert [row["display_name"] for row in rows] == [stay.name for stay in stays]
    for row, stay in zip(rows, stays, strict=True):
        assert abs(parse_iso(row["joined_at"]) - stay.joined) <= SLACK_MS
        left = parse_iso(row["left_at"])
        assert stay.leaving - SLACK_MS <= left <= stay.left + SLACK_MS
        assert row["decided_by"]["joined"] == "janus"
    assert session["decided_by"]["started"] == "janus"
    whole = server.participants(session["id"], view="consolidated")
    assert sorted(row["display_name"] for row in whole) == sorted(PEOPLE)
    # A reload closes one connection to Janus and opens another: two of its threads, either of which
    # may be the first to tell. So for a moment Bo may be there twice, and four are connected.
    bo_first, bo_again = [row for row in rows if row["display_name"] == "Bo"]
    assert parse_iso(bo_first["left_at"]) <= parse_iso(bo_again["joined_at"]) + SLACK_MS


def most_at_once(rows: list[dict[str, Any]]) -> int:
    """Connections, not people: somebody with two tabs counts twice."""
    stays = [(parse_iso(row["joined_at"]), parse_iso(row["left_at"])) for row in rows]
    return max(sum(came <= t < went for came, went in stays) for t, _ in stays)


def packets(report: dict[str, Any], kind: str, side: str) -> int:
    """What the readings of a report add up to."""
    name = "packets_sent" if side == "producer" else "packets_received"
    return sum(row[name] or 0 for row in report["peer_report"]["quality"][f"{kind}_{side}"])


def compared(report: dict[str, Any], stay: Stay) -> dict[tuple[str, str], tuple[int, int]]:
    """(what the record has, what the browser counted) by kind and side."""
    return {
        (kind, side): (packets(report, kind, side), stay.counted[f"{counted} {kind}"])
        for kind in ("audio", "video")
        for side, counted in (("producer", "sent"), ("consumer", "received"))
    }


def whole(server: JourneyServer, peer_id: str, stay: Stay) -> dict[str, Any]:
    """The report, once it has most of it: what a page sends as it closes comes after Janus' word
    that it left."""

    def told() -> bool:
        numbers = compared(server.report(peer_id), stay).values()
        return all(told >= 0.6 * seen for told, seen in numbers)

    with suppress(AssertionError):  # what is missing after all, check_packets tells
        wait_for(f"all of {stay.name}", told)
    return server.report(peer_id)


def check_packets(report: dict[str, Any], stay: Stay) -> None:
    """Janus tells once a second, and a second's packets come between looking and leaving."""
    for which, (told, seen) in compared(report, stay).items():
        assert 0.6 * seen <= told <= 1.2 * seen + 150, (stay.name, which)


def frames(report: dict[str, Any]) -> set[int | None]:
    """What the readings say of decoded frames."""
    return {row["frames_decoded"] for row in report["peer_report"]["quality"]["video_consumer"]}


def test_three_browsers_in_a_videoroom_are_one_session(
    roomtone_server: JourneyServer, playwright: Playwright, site: Site, tmp_path: Path
) -> None:
    server = roomtone_server
    with alone(), videoroom(server, tmp_path, "4711") as running:
        with browsers(playwright, *PEOPLE) as guests:
            about = {"janus": running.url, "room": "4711"}
            pages = [site.plain("janus/room.html", name=name, **about) for name in PEOPLE]
            stays = talked(guests, pages)
        (meeting,) = server.get("/meetings", search="4711")
        session = only_session(server, meeting["id"])
    check_presence(server, session, stays)
    assert session["decided_by"] == {"started": "janus", "ended": "janus"}
    feeds = {stay.feed: stay for stay in stays}
    ids = {peer_id_of(server.app_id, f"{NAME}/4711/{feed}"): feeds[feed] for feed in feeds}
    rows = server.participants(session["id"])
    assert [row["id"] for row in rows] == list(ids)
    for peer_id, stay in ids.items():
        report = whole(server, peer_id, stay)
        assert report["decided_by"] == {"joined": "janus", "left": "janus"}
        check_packets(report, stay)
        for kind in ("audio", "video"):
            quality = report["peer_report"]["quality"]
            senders = {row["peer_id"] for row in quality[f"{kind}_consumer"]}
            assert senders <= set(ids) - {peer_id}
            assert len({ids[one].name for one in senders}) == 2
        # What only a browser can know is missing, not zero.
        assert frames(report) == {None}


def test_browsers_that_report_themselves_and_janus_are_one_record(
    roomtone_server: JourneyServer, playwright: Playwright, site: Site, tmp_path: Path
) -> None:
    server = roomtone_server
    # A room that is called as a meeting's id is that meeting.
    meeting = server.meeting(title="reported twice")
    with alone(), videoroom(server, tmp_path, meeting) as running:
        pages = []
        for name in PEOPLE:
            # Ada and Bo are known to Janus by the app's own id; Cy's tracks alone tell who that is.
            person = server.invite(meeting, name, custom_participant_id=f"user-{name}")
            options = {"url": server.url, "token": person.token, **OPTIONS}
            about = {"janus": running.url, "room": meeting, "name": name}
            about["opaque"] = "somebody" if name == "Cy" else f"user-{name}"
            observed = {"roomtone": server.url, "options": json.dumps(options)}
            pages.append(site.plain("janus/room.html", **about, **observed))
        with browsers(playwright, *PEOPLE) as guests:
            stays = talked(guests, pages)
        session = only_session(server, meeting)
    check_presence(server, session, stays)
    rows = server.participants(session["id"])
    assert [row["id"] for row in rows] == [stay.observed for stay in stays]
    for row, stay in zip(rows, stays, strict=True):
        assert row["decided_by"]["left"] in ("client", "janus")
        report = whole(server, row["id"], stay)
        assert report["decided_by"] == row["decided_by"]
        check_packets(report, stay)
        # Its own numbers: Janus knows no frames.
        assert max(number or 0 for number in frames(report)) > 0
        # By the id that Janus gave it, the same report is found.
        feed = peer_id_of(server.app_id, f"{NAME}/{meeting}/{stay.feed}")
        assert server.report(feed)["id"] == row["id"]
