"""Other people's collectors, unmodified, in real calls in Chromium against a running Roomtone."""

import random
import subprocess
from pathlib import Path
from urllib.parse import urlencode, urlsplit
from uuid import UUID

import pytest
from cut_wire import CutWire
from playwright.sync_api import BrowserContext, Page
from sample_site import served

from journeys.journey_server import JourneyServer, wait_for
from parts import ENVS

LIBRARIES = ENVS / "node" / "node_modules"
HURRIED = """
const later = window.setTimeout;
window.setTimeout = (what, ms, ...rest) => later(what, ms >= 1000 ? ms / 60 : ms, ...rest);
"""
"""The client waits up to ten seconds before it comes back; here a sixtieth of that."""
CUTS = 20
LIKE_SAFARI = "delete Navigator.prototype.webkitGetUserMedia;"
"""By which the old client tells browsers apart: in Chrome it asks for statistics in a way that
Chrome has not answered since 117."""

pytestmark = [
    pytest.mark.needs("chromium", "stream-libraries"),
]


def bundled(name: str, folder: Path) -> None:
    """A page with a library in it, as esbuild puts it together."""
    subprocess.run(
        [
            LIBRARIES / ".bin" / "esbuild",
            Path(__file__).parent / "sample" / "streams" / f"{name}.js",
            "--bundle",
            "--format=iife",
            "--define:global=window",
            # A folder, which newer versions of that package let nobody import by its name.
            "--alias:@jitsi/js-utils/browser-detection=@jitsi/js-utils/browser-detection/index.js",
            f"--outfile={folder / 'page.js'}",
        ],
        env={"NODE_PATH": str(LIBRARIES), "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )
    (folder / "page.html").write_text(
        "<!doctype html><html><head><title>A page</title></head><body>"
        "<script src='page.js'></script></body></html>"
    )


def opened(page: Page, site: str, **query: str) -> None:
    page.goto(f"{site}/page.html?{urlencode(query)}")
    assert page.evaluate("begin()") == "connected"


def told(report: dict, name: str) -> list[dict]:
    events = report["peer_report"]["metadata"]["events"]
    return [event.get("metadata", {}) for event in events if event["name"] == name]


def only_peer(server: JourneyServer, title: str) -> dict:
    """The report of the one person of the one session of the meeting that is called so."""

    def look() -> list[dict]:
        meetings = server.get("/meetings", search=title)
        sessions = [session for one in meetings for session in server.sessions(one["id"])]
        # Whose connection has ended has been read to its end.
        return [one for one in sessions if one["live_participants"] == 0]

    (session,) = wait_for(f"the end of {title}", look)
    (peer,) = server.participants(session["id"])
    return server.report(peer["id"])


def sums(report: dict, kind: str) -> int:
    rows = report["peer_report"]["quality"][f"{kind}_producer"]
    return sum(row["packets_sent"] or 0 for row in rows)


def test_jitsis_client_loses_nothing_in_twenty_cuts(
    roomtone_server: JourneyServer, profile: BrowserContext, tmp_path: Path
) -> None:
    server = roomtone_server
    bundled("jitsi", tmp_path)
    inlet = server.post("/inlets", {"kind": "jitsi"})
    chance = random.Random(7)
    with served(tmp_path) as site, CutWire(urlsplit(server.url).port or 0).laid() as wire:
        page = profile.new_page()
        page.add_init_script(HURRIED)
        endpoint = f"ws://127.0.0.1:{wire.port}/in/{inlet['id']}/{inlet['secret']}"
        opened(page, site.url, endpoint=endpoint, meeting="cutroom")
        while wire.cuts < CUTS:
            page.wait_for_timeout(chance.uniform(50, 700))
            wire.cut()
        packets = dict(page.evaluate("finish()"))
        ticks = page.evaluate("ticks")
        page.wait_for_function("isConnected()", timeout=15_000)
        page.wait_for_timeout(800)
        page.evaluate("leave()")

    report = only_peer(server, "cutroom")
    assert [said["n"] for said in told(report, "tick")] == list(range(ticks))
    assert ticks > 50
    assert not told(report, "collector_dropped")
    assert len([said for said in told(report, "peer_connection") if said["state"] == "open"]) == 2
    for kind, count in packets.items():
        assert count <= sums(report, kind) <= count * 1.3 + 100
    assert (report["display_name"], report["custom_participant_id"]) == ("Ann", "device-of-ann")
    (speaker,) = told(report, "dominant_speaker")
    assert speaker == {"endpoint_id": "05e5393b", "peer_id": report["id"]}
    assert UUID(report["id"]).version == 4


def test_the_old_rtcstats_client_is_understood(
    roomtone_server: JourneyServer, profile: BrowserContext, tmp_path: Path
) -> None:
    server = roomtone_server
    bundled("fippo", tmp_path)
    inlet = server.post("/inlets", {"kind": "rtcstats"})
    with served(tmp_path) as site:
        page = profile.new_page()
        page.add_init_script(LIKE_SAFARI)
        endpoint = f"{server.url}/in/{inlet['id']}/{inlet['secret']}".replace("http", "ws", 1)
        opened(page, site.url, endpoint=endpoint)
        page.wait_for_timeout(4_000)
        packets = dict(page.evaluate("finish()"))
    report = only_peer(server, "/page.html")
    for kind, count in packets.items():
        assert count <= sums(report, kind) <= count * 1.3 + 100
    states = [said["state"] for said in told(report, "connection_state")]
    assert "connected" in states
    assert report["peer_report"]["metadata"]["browser_metadata"]["engine"] == "Blink"
