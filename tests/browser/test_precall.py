"""The test of the network before a call: what it finds in Chromium, and where that is seen."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from console_site import visitor
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sample_site import Site

from journeys.journey_server import JourneyServer, wait_for
from own_servers import free_port

TESTED = """async ({ url, iceServers, token }) => {
  const { observe } = await import(`${url}/roomtone.js`);
  const { precall } = await import(`${url}/roomtone-precall.js`);
  const found = await precall({ url, iceServers, timeoutMs: 8000 });
  const seen = observe({ url, token, precall: found });
  await new Promise((done) => setTimeout(done, 500));
  await seen.flush();
  await seen.stop();
  return { found, peer: seen.peerId };
}"""

pytestmark = [pytest.mark.needs("chromium")]


@pytest.fixture
def turn(tmp_path: Path) -> Iterator[dict[str, str]]:
    """coturn on loopback, as an ICE server. Over TCP: Chromium gathers no UDP from loopback."""
    port = free_port()
    command = ["turnserver", "-n", "-L", "127.0.0.1", "-E", "127.0.0.1", "-p", str(port)]
    command += ["--lt-cred-mech", "-u", "pre:call", "-r", "test", "--allow-loopback-peers"]
    command += ["--no-tls", "--no-dtls", "--no-cli", "--log-file", "stdout"]
    command += ["--pidfile", str(tmp_path / "pid")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for("coturn to listen", lambda: _listens(port))
        url = f"turn:127.0.0.1:{port}?transport=tcp"
        yield {"urls": url, "username": "pre", "credential": "call"}
    finally:
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _tested(server: JourneyServer, page: Page, site: Site, servers: list[dict]) -> dict:
    page.goto(site.plain("call.html", room="alone"))
    token = server.invite(server.meeting(), "ana").token
    done: dict = page.evaluate(TESTED, {"url": server.url, "iceServers": servers, "token": token})
    return done


def test_without_ice_servers_only_what_can_be_known_is_told(
    roomtone_server: JourneyServer, profile: BrowserContext, site: Site
) -> None:
    done = _tested(roomtone_server, profile.new_page(), site, [])
    report = roomtone_server.soon(done["peer"])

    found = done["found"]
    assert found["connectivity"] == {"host": True}
    assert 0 < found["backendRTT"] < 5
    relayed = ("RTT", "jitter", "throughput", "fractionalLoss", "turnConnectivity")
    assert {found.get(name) for name in relayed} == {None}
    told = report["peer_stats"]["precall_network_information"]
    assert told["backend_rtt"] == pytest.approx(found["backendRTT"])
    assert (told["relay_connectivity"], told["turn_connectivity"], told["rtt"]) == (None,) * 3
    assert len(report["peer_report"]["metadata"]["pc_metadata"]) == 1
    # Its own connections are no part of the call.
    opened = [e["name"] for e in report["peer_report"]["metadata"]["events"]]
    assert "peer_connection" not in opened


def test_a_relay_that_does_not_answer_is_one_that_was_not_reached(
    roomtone_server: JourneyServer, profile: BrowserContext, site: Site
) -> None:
    nobody = {"urls": "turn:127.0.0.1:9?transport=tcp", "username": "u", "credential": "c"}
    done = _tested(roomtone_server, profile.new_page(), site, [nobody])
    told = roomtone_server.soon(done["peer"])["peer_stats"]["precall_network_information"]

    assert done["found"]["connectivity"] == {"host": True, "reflexive": False, "relay": False}
    assert done["found"]["turnConnectivity"] is False
    assert (told["relay_connectivity"], told["turn_connectivity"]) == (False, False)
    assert told["throughput"] is None


@pytest.mark.needs("coturn")
def test_what_goes_through_a_relay_is_measured_and_shown(
    roomtone_server: JourneyServer,
    chromium: Browser,
    profile: BrowserContext,
    site: Site,
    turn: dict[str, str],
) -> None:
    server = roomtone_server
    done = _tested(server, profile.new_page(), site, [turn])
    report = server.soon(done["peer"])

    found = done["found"]
    assert found["connectivity"]["relay"] is True
    assert found["turnConnectivity"] is True
    assert 0 < found["RTT"] < 1
    assert 0 <= found["jitter"] < 1
    assert 0 <= found["fractionalLoss"] < 0.5
    assert found["throughput"] > 100  # kbit/s, on loopback
    told = report["peer_stats"]["precall_network_information"]
    assert told["rtt"] == pytest.approx(found["RTT"])
    assert told["throughput"] == pytest.approx(found["throughput"])
    assert told["fractional_loss"] == pytest.approx(found["fractionalLoss"])
    assert told["relay_connectivity"] is True
    with visitor(chromium, server.url) as guest:
        guest.sign_in(server.api_token)
        page = guest.go(f"/sessions/{report['session_id']}/peers/{done['peer']}", ".facts")
        fact = page.locator(".facts div", has_text="Test before the call").locator("dd")
        expect(fact).to_contain_text("relay reached")
        expect(fact).to_contain_text("there and back")
        expect(fact).to_contain_text("Mbit/s")
        guest.check()
