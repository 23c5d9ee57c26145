"""The collector in a call written without knowing it: what it sees, and what it leaves be."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from sample_site import Site, served

from journeys.journey_server import JourneyServer, wait_for
from parts import ENVS

OPTIONS = {"intervalMs": 2_000, "sendMs": 4_000}
LIBRARIES = ENVS / "node" / "node_modules"
TRANSPARENT = """async () => {
  const native = (f) => /\\[native code\\]/.test(Function.prototype.toString.call(f));
  const proto = RTCPeerConnection.prototype;
  const pc = new RTCPeerConnection();
  const unhandled = [];
  addEventListener("unhandledrejection", (event) => unhandled.push(event.reason.name));
  await pc.setRemoteDescription({ type: "offer", sdp: "nonsense" }).catch(() => {});
  const handled = unhandled.length;
  void pc.setRemoteDescription({ type: "offer", sdp: "nonsense" });
  await new Promise((done) => setTimeout(done, 100));
  let message = "";
  try { RTCPeerConnection.prototype.addTrack.call({}, 1); } catch (error) { message = error.name; }
  const found = {
    constructor: native(RTCPeerConnection) && RTCPeerConnection.name === "RTCPeerConnection",
    methods: ["createOffer", "setLocalDescription", "addTrack", "getStats", "close"].every((name) =>
      native(proto[name]) && proto[name].name === name),
    length: proto.addIceCandidate.length === 0 && proto.addTrack.length === 1,
    instance: pc instanceof RTCPeerConnection && Object.getPrototypeOf(pc) === proto,
    statics: typeof RTCPeerConnection.generateCertificate === "function",
    keys: Object.keys(pc).length === 0,
    promise: pc.createOffer() instanceof Promise,
    handled, unhandled, message,
  };
  pc.close();
  return found;
}"""

pytestmark = [pytest.mark.needs("chromium")]


def watched(page: Page) -> list[str]:
    """What goes wrong in a page from now on."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    return wrong


def told(report: dict) -> list[tuple[str, dict]]:
    """The events of a report."""
    events = report["peer_report"]["metadata"]["events"]
    return [(event["name"], event.get("metadata", {})) for event in events]


def voices(server: JourneyServer, peer_id: str) -> Any:
    """What a peer sent of its microphone, so far."""
    return server.soon(peer_id)["peer_report"]["quality"]["audio_producer"]


def screens(server: JourneyServer, peer_id: str) -> Any:
    """What a peer sent of its screen, so far."""
    return server.report(peer_id)["peer_report"]["quality"]["screenshare_video_producer"]


def test_a_call_of_two_is_seen_whole(
    roomtone_server: JourneyServer, profile: BrowserContext, site: Site
) -> None:
    server = roomtone_server
    meeting = server.meeting()
    pages, wrong = [], []
    for name in ("ana", "bo"):
        page = profile.new_page()
        wrong.append(watched(page))
        token = server.invite(meeting, name).token
        page.goto(site.observed("call.html", server.url, token=token, **OPTIONS))
        page.wait_for_function("window.observation")
        pages.append(page)
    ana = pages[0]
    ana.wait_for_function("document.getElementById('state').textContent === 'with 1'")
    ana.click("#mute")
    ana.wait_for_timeout(500)
    ana.click("#mute")
    ana.click("#share")
    ana.wait_for_timeout(6_500)
    ids = [page.evaluate("observation.peerId") for page in pages]
    live = wait_for("the live report to tell what she says", lambda: voices(server, ids[0]))
    wait_for("the shared screen in the report", lambda: screens(server, ids[0]))
    measured = ana.evaluate(
        """async () => {
          const [pc] = [...others.values()];
          const stats = [...(await pc.getStats()).values()];
          return stats.filter((s) => s.type === "outbound-rtp").map((s) => s.packetsSent);
        }"""
    )
    for page in pages:
        page.evaluate("observation.stop()")

    quality = server.report(ids[0])["peer_report"]["quality"]
    heard = server.report(ids[1])["peer_report"]["quality"]
    assert live[0]["packets_sent"] > 0
    producers = {kind: quality[f"{kind}_producer"] for kind in ("audio", "video")}
    producers["screen"] = quality["screenshare_video_producer"]
    assert all(producers.values())
    sent = [sum(row["packets_sent"] for row in rows) for rows in producers.values()]
    for ours, theirs in zip(sorted(sent), sorted(measured), strict=True):
        assert theirs <= ours <= theirs * 1.2 + 100
    # Both ends tell of the same streams.
    assert {row["producer_id"] for row in heard["audio_consumer"]} == {
        row["producer_id"] for row in producers["audio"]
    }
    assert {row["peer_id"] for row in heard["audio_consumer"]} == {ids[0]}
    events = told(server.report(ids[0]))
    names = [name for name, _ in events]
    assert names.index("track_disabled") < names.index("track_enabled")
    assert {"audio_on", "video_on", "screenshare_started", "disconnect"} <= set(names)
    assert ("connection_state", {"pc": "pc-1", "state": "connected"}) in events
    steps = {said["step"] for name, said in events if name == "negotiation"}
    assert steps >= {"set_local", "set_remote"}
    assert any(said.get("display") for name, said in events if name == "user_media")
    metadata = server.report(ids[0])["peer_report"]["metadata"]
    assert metadata["audio_devices_updates"][0]["added"]
    assert metadata["sdk_name"] == "roomtone.js"
    assert metadata["device_info"]["cpus"] > 0
    assert wrong == [[], []]


def test_a_call_that_began_before_the_collector_came_is_seen_from_its_beginning(
    roomtone_server: JourneyServer, profile: BrowserContext, site: Site
) -> None:
    server = roomtone_server
    ana, bo = profile.new_page(), profile.new_page()
    for page in (ana, bo):
        page.goto(site.plain("call.html"))
    ana.wait_for_function("document.getElementById('state').textContent === 'with 1'")
    # A script that comes late finds a call in which nothing is negotiated any more.
    peer, before = ana.evaluate(
        """async ([url, token, options]) => {
          const { observe } = await import(`${url}/roomtone.js`);
          window.observation = observe({ url, token, ...options });
          let sent = 0; // the page, or its library, looks at its own counters
          for (const pc of others.values()) {
            for (const stat of (await pc.getStats()).values()) {
              if (stat.type === "outbound-rtp" && stat.kind === "audio") sent += stat.packetsSent;
            }
          }
          return [observation.peerId, sent];
        }""",
        [server.url, server.invite(server.meeting(), "ana").token, OPTIONS],
    )

    rows = wait_for("what she says", lambda: voices(server, peer))
    assert sum(row["packets_sent"] for row in rows) >= before > 0


def test_the_page_cannot_tell_that_it_is_observed(
    roomtone_server: JourneyServer, profile: BrowserContext, site: Site
) -> None:
    page = profile.new_page()
    token = roomtone_server.invite(roomtone_server.meeting(), "ana").token
    page.goto(site.plain("call.html", room="alone"))
    before = page.evaluate(TRANSPARENT)
    page.goto(site.observed("call.html", roomtone_server.url, token=token) + "&room=alone")
    page.wait_for_function("window.observation")

    assert page.evaluate(TRANSPARENT) == before
    assert before["unhandled"] == ["OperationError"]


def test_nothing_is_thrown_into_the_page(
    roomtone_server: JourneyServer, profile: BrowserContext, site: Site
) -> None:
    page = profile.new_page()
    wrong = watched(page)
    page.goto(site.plain("call.html", room="alone"))
    done = page.evaluate(
        """async (url) => {
          const { observe } = await import(`${url}/roomtone.js`);
          const heard = [];
          const onerror = (error) => { heard.push(String(error)); throw error; };
          const seen = observe({ url, token: () => { throw new Error("no token"); }, onerror,
            filter: () => { throw new Error("filter"); }, peerId: "no uuid" });
          const circle = {}; circle.self = circle;
          seen.say("circle", circle);
          seen.say("large", { text: "x".repeat(20000) });
          seen.chat("hello");
          seen.transcript({ transcript: "hello" });
          seen.label("x", { source: "camera" });
          new RTCPeerConnection().createDataChannel("x");
          const sent = await seen.flush();
          await seen.stop();
          await seen.stop();
          return { sent, heard, peer: seen.peerId };
        }""",
        roomtone_server.url,
    )

    assert done["sent"] is False
    assert len(done["peer"]) == 36
    assert any("circular" in each for each in done["heard"])
    assert any("more than 16000" in each for each in done["heard"])
    assert wrong == []


def test_one_wrong_event_does_not_cost_the_others(
    roomtone_server: JourneyServer, profile: BrowserContext, site: Site
) -> None:
    server = roomtone_server
    page = profile.new_page()
    token = server.invite(server.meeting(), "ana").token
    page.goto(site.observed("call.html", server.url, token=token) + "&room=alone")
    page.wait_for_function("window.observation")
    page.evaluate(
        """async () => {
          for (let n = 0; n < 20; n++) {
            observation.say("good", { n });
            if (n === 7) observation.chat({ id: "" });
          }
          await observation.stop();
        }"""
    )
    peer = page.evaluate("observation.peerId")

    def good() -> bool:
        said = [meta["n"] for name, meta in told(server.soon(peer)) if name == "good"]
        return said == list(range(20))

    wait_for("every good event", good)


@pytest.mark.parametrize(
    ("library", "call"),
    [
        ("simple-peer", "pair.js"),
        ("peerjs", "constructed.js"),
        ("mediasoup-client", "device.js"),
    ],
)
@pytest.mark.needs("webrtc-libraries")
def test_calls_of_a_bundled_library_are_seen(
    library: str,
    call: str,
    roomtone_server: JourneyServer,
    profile: BrowserContext,
    tmp_path: Path,
) -> None:
    server = roomtone_server
    entry = Path(__file__).parent / "sample" / "libraries" / call
    subprocess.run(
        [
            LIBRARIES / ".bin" / "esbuild",
            entry,
            "--bundle",
            "--format=iife",
            "--define:global=window",
            f"--outfile={tmp_path / 'page.js'}",
        ],
        env={"NODE_PATH": str(LIBRARIES), "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
    )
    (tmp_path / "page.html").write_text(
        "<!doctype html><html><head><title>A page</title></head><body>"
        "<script src='page.js' defer></script></body></html>"
    )
    with served(tmp_path) as own:
        page = profile.new_page()
        wrong = watched(page)
        token = server.invite(server.meeting(), "ana").token
        page.goto(own.observed("page.html", server.url, token=token, **OPTIONS))
        page.wait_for_function("window.done", timeout=60_000)
        page.wait_for_timeout(2_500)
        page.evaluate("observation.stop()")
        peer = page.evaluate("observation.peerId")
        done = page.evaluate("window.done")

    report = server.soon(peer)
    opened = [said for name, said in told(report) if name == "peer_connection"]
    assert len([said for said in opened if said["state"] == "open"]) >= done["connections"]
    if done["media"]:
        assert report["peer_report"]["quality"]["audio_consumer"], json.dumps(done)
    assert wrong == []


def test_frames_of_the_same_origin_are_seen_and_a_token_is_fetched_anew(
    roomtone_server: JourneyServer, profile: BrowserContext, site: Site
) -> None:
    server = roomtone_server
    page = profile.new_page()
    wrong = watched(page)
    page.goto(site.plain("call.html", room="alone"))
    peer = page.evaluate(
        """async ({ url, good }) => {
          const { observe } = await import(`${url}/roomtone.js`);
          let asked = 0;
          const token = async () => (asked++ ? good : "expired");
          const seen = observe({ url, token, iframes: true, intervalMs: 1000 });
          const frame = document.createElement("iframe");
          frame.src = "call.html?room=other";
          document.body.append(frame);
          await new Promise((done) => (frame.onload = done));
          const inner = frame.contentWindow;
          const [a, b] = [new inner.RTCPeerConnection(), new inner.RTCPeerConnection()];
          a.createDataChannel("x");
          const offer = await a.createOffer();
          await a.setLocalDescription(offer);
          await b.setRemoteDescription(offer);
          await new Promise((done) => setTimeout(done, 4000));
          await seen.stop();
          return asked > 1 ? seen.peerId : "asked once";
        }""",
        {"url": server.url, "good": server.invite(server.meeting(), "ana").token},
    )

    steps = [said.get("step") for name, said in told(server.soon(peer)) if name == "negotiation"]
    assert steps == ["create_offer", "set_local", "set_remote"]
    assert wrong == []
