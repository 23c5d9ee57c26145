"""People in the call page, each in a browser of their own, and what went wrong in it."""

import fcntl
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from playwright.sync_api import ConsoleMessage, Page, Playwright
from system_chromium import launched

from journeys.journey_server import JourneyServer, roomtone_command, wait_for

EVIL = '<img src=x onerror="window.stung=1"><script>window.stung=1</script>'
"""In every name and word that anybody may choose."""

WATCHED = """
window.connections = [];
const Real = window.RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor(...given) { super(...given); window.connections.push(this); }
};
// Stands in for a service that is not there without the internet.
window.webkitSpeechRecognition = window.SpeechRecognition = class {
  start() {
    const say = (text, isFinal) => this.onresult?.({
      resultIndex: 0, results: [Object.assign([{ transcript: text }], { isFinal })],
    });
    setTimeout(() => say("good", false), 300);
    setTimeout(() => say("good morning everybody", true), 1500);
  }
  stop() { this.onend?.(); }
};
"""
SLOW_CAMERA = "--use-fake-device-for-media-stream=fps=10"
"""Two cores draw, encode and decode the pictures of everybody, and run the server."""
COUNTED = """async () => {
  const sums = {};
  for (const connection of window.connections) {
    if (connection.connectionState === "closed") continue;
    for (const stat of (await connection.getStats()).values()) {
      if (stat.type !== "inbound-rtp" && stat.type !== "outbound-rtp") continue;
      const of = (sums[`${stat.type} ${stat.kind}`] ??= {});
      for (const name of ["packetsReceived", "packetsSent", "packetsLost", "framesDecoded",
                          "framesEncoded", "bytesReceived", "bytesSent"]) {
        if (stat[name] !== undefined) of[name] = (of[name] ?? 0) + stat[name];
      }
    }
  }
  return sums;
}"""


class Guest:
    """One person, their page, and everything that went wrong in it."""

    def __init__(self, page: Page, name: str) -> None:
        self.page = page
        self.name = name
        self.faults: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))
        page.add_init_script(WATCHED)

    def _said(self, message: ConsoleMessage) -> None:
        # Chromium tells of violations of the page's policy here as well.
        if message.type in ("error", "warning"):
            self.faults.append(f"{message.type}: {message.text}")

    def open(self, url: str) -> None:
        """The link, up to the lobby."""
        self.page.goto(url)
        self.page.wait_for_selector("#lobby:not([hidden])")

    def join(self) -> float:
        """In; when (monotonic s)."""
        self.page.fill("#name", self.name)
        self.page.click("#join")
        at = time.monotonic()
        self.page.wait_for_selector("#call:not([hidden])")
        return at

    def sees(self, others: int) -> None:
        """Wait until so many others are connected."""
        tiles = ".tile[data-state=connected]:not(.self):not(.screen)"
        self.until(f"document.querySelectorAll('{tiles}').length === {others}")

    def until(self, condition: str) -> None:
        """Wait for it. Playwright's own way evaluates in the page, whose policy forbids that."""
        wait_for(f"{self.name}: {condition}", lambda: self.page.evaluate(condition))

    def write(self, text: str) -> None:
        """Something into the chat."""
        if self.page.is_hidden("#chat"):
            self.page.click("#talk")
        self.page.fill("#chat-text", text)
        self.page.press("#chat-text", "Enter")

    def counted(self) -> dict[str, dict[str, float]]:
        """The browser's own totals, by type and kind, over its connections."""
        found: dict[str, dict[str, float]] = self.page.evaluate(COUNTED)
        return found

    def leave(self) -> None:
        """By the button; waits until the record has everything."""
        self.page.click("#leave")
        self.page.wait_for_selector("#end:not([hidden])")
        self.page.wait_for_selector("#rejoin:not([disabled])", timeout=20_000)


def link(server: JourneyServer, title: str) -> tuple[str, str]:
    """A meeting and the link to it, as the command line prints them."""
    where = ("--data", server.data, "--base-url", server.url)
    printed = roomtone_command("call", *where, "--title", title, "--json")
    assert printed.returncode == 0, printed.stderr
    told: dict[str, Any] = json.loads(printed.stdout)
    return told["meeting_id"], told["url"]


@contextmanager
def alone() -> Iterator[None]:
    """One call at a time on this machine: two cores encode no more."""
    with (Path(gettempdir()) / "roomtone-calls.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def browsers(playwright: Playwright, *names: str) -> Iterator[list[Guest]]:
    """A browser for each of these people."""
    with ExitStack() as stack:
        guests = []
        for name in names:
            browser = stack.enter_context(launched(playwright, SLOW_CAMERA))
            context = browser.new_context(permissions=["camera", "microphone"])
            guests.append(Guest(context.new_page(), name))
        yield guests
