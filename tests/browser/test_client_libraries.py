"""ObserveRTC's and peermetrics' libraries, unmodified, in real calls in Chromium."""

import subprocess
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, Page
from sample_site import served

from journeys.journey_server import JourneyServer, wait_for
from parts import ENVS

LIBRARIES = ENVS / "node" / "node_modules"

pytestmark = [
    pytest.mark.needs("chromium", "client-libraries"),
]


def bundled(name: str, folder: Path) -> None:
    """A page with a library in it, as esbuild puts it together."""
    subprocess.run(
        [
            LIBRARIES / ".bin" / "esbuild",
            Path(__file__).parent / "sample" / "clients" / f"{name}.js",
            "--bundle",
            "--format=iife",
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


def opened(page: Page, site: str, **query: str) -> list[str]:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(f"{site}/page.html?{urlencode(query)}")
    assert page.evaluate("begin()") == "connected"
    return wrong


def reports_of(server: JourneyServer, room: str) -> dict[str, dict]:
    def look() -> list[dict]:
        sessions = server.get("/sessions", search=room)["sessions"]
        return [one for one in sessions if one["live_participants"] == 0]

    (session,) = wait_for(f"the end of {room}", look)
    return {
        person["custom_participant_id"]: server.report(person["id"])
        for person in server.participants(session["id"])
    }


def check(report: dict, received: dict[str, int]) -> None:
    """The report has every packet that the browser counted, and says how it sounded and looked."""
    for kind, packets in received.items():
        assert report["quality_stats"][f"total_{kind}_packets"] == packets > 50
        quality = report["peer_report"]["quality"]
        # Not how good: that depends on what else the machine does.
        assert 1 <= quality[f"{kind}_producer_cumulative"]["quality_mos"]["avg"] <= 4.5
        assert 1 <= quality[f"{kind}_consumer_cumulative"]["quality_mos"]["avg"] <= 4.5
    metadata = report["peer_report"]["metadata"]
    assert metadata["browser_metadata"]["browser"]
    assert metadata["candidate_pairs"]["producing_transport"][0]["local_candidate_type"] == "host"


def test_observertcs_monitor_is_understood(
    roomtone_server: JourneyServer, profile: BrowserContext, tmp_path: Path
) -> None:
    server = roomtone_server
    bundled("observertc", tmp_path)
    inlet = server.post("/inlets", {"kind": "observertc"})
    with served(tmp_path) as site:
        page = profile.new_page()
        wrong = opened(page, site.url, url=f"{server.url}/in/{inlet['id']}/{inlet['secret']}")
        page.wait_for_timeout(14_500)
        received = page.evaluate("finish()")
        page.wait_for_timeout(500)
        page.close()
    reports = reports_of(server, "observed")
    assert sorted(reports) == ["ana", "bo"]
    for client, report in reports.items():
        check(report, received[client])
    assert wrong == []


def test_peermetrics_statistics_are_understood(
    roomtone_server: JourneyServer, profile: BrowserContext, tmp_path: Path
) -> None:
    server = roomtone_server
    bundled("peermetrics", tmp_path)
    inlet = server.post("/inlets", {"kind": "peermetrics"})
    with served(tmp_path) as site:
        page = profile.new_page()
        where = {"url": f"{server.url}/in/{inlet['id']}/v1", "key": inlet["secret"]}
        wrong = opened(page, site.url, **where)
        page.wait_for_timeout(12_500)
        finished = page.evaluate("finish()")
        page.wait_for_timeout(300)
        page.close()
    report = reports_of(server, "measured")["ana"]
    check(report, finished["received"])
    events = {event["name"] for event in report["peer_report"]["metadata"]["events"]}
    assert {"user_media", "connection_state", "ice_candidate", "peer_connection"} <= events
    assert wrong == []
