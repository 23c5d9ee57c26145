"""Real calls between headless browsers: people, their pages, signalling, what is done to them."""

import asyncio
import json
import multiprocessing
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from cpu_brake import hold_down
from impaired_relay import HOST, Relay
from journey_server import JourneyServer
from playwright.async_api import Browser, BrowserContext, Page, Playwright, Route
from scenarios import Do, Scenario

HERE = Path(__file__).parent
NAMES = ("alice", "bob", "carol")
CAMERA = {"width": 320, "height": 240, "fps": 15, "kbps": 300}
"""Small, so that a clean call is clean on a busy machine."""
INTERVAL_MS = 3_500
"""Two snapshots make a reading of 7 s."""
SETTLE_S = 1.5
FLAGS = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--use-fake-device-for-media-stream"),
    "--autoplay-policy=no-user-gesture-required",
    # Candidates with plain addresses: a relay cannot stand between names.
    "--disable-features=WebRtcHideLocalIpsWithMdns",
)


class Someone:
    """A person, their page and browser."""

    def __init__(self, name: str, how: dict[str, Any], browser: Browser) -> None:
        self.name = name
        self.how = how
        self.browser = browser
        self.page: Page | None = None
        self.context: BrowserContext | None = None
        self.config: dict[str, Any] = {}
        self.there = False


class Call:
    """One scenario under way."""

    def __init__(self, server: JourneyServer, scenario: Scenario, log: Callable[[str], None]):
        self.scenario = scenario
        self._server = server
        self._log = log
        self._relay = Relay()
        self._people: dict[str, Someone] = {}
        self._began = 0.0
        self._pending: set[asyncio.Task[Any]] = set()
        self._brakes: list[multiprocessing.Process] = []
        self.meeting_id = server.meeting(title=scenario.name)

    async def play(self, playwright: Playwright) -> None:
        """From the first browser to the last goodbye."""
        async with AsyncExitStack() as stack:
            stack.callback(self._relay.close)
            stack.callback(self._rest)
            await self._arrive(playwright, stack)
            for do in self.scenario.script:
                if do.at < 0:
                    await self._do(do)
            await self._hasten()
            for someone in self._people.values():
                await self._enter(someone)
                await asyncio.sleep(SETTLE_S)
            await self._hasten()
            self._began = time.monotonic()
            for do in self.scenario.script:
                if do.at >= 0:
                    await self._until(do.at)
                    self._log(f"{do.at:4.0f} s {do.what} {do.who} {do.how}")
                    await self._do(do)
            await self._until(self.scenario.seconds)
            for someone in self._people.values():
                await self._page(someone).evaluate("call.play('leave')")
            await asyncio.sleep(0.5)

    async def _until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, self._began + at - time.monotonic()))

    # --- people come -----------------------------------------------------------------------------

    async def _arrive(self, playwright: Playwright, stack: AsyncExitStack) -> None:
        shared = await self._browser(playwright, stack)
        slow = {do.who for do in self.scenario.script if do.what == "busy"}
        turn = Turn.start(stack) if self._needs("turn") else None
        for name in NAMES[: self.scenario.people]:
            how = self.scenario.people_how.get(name, {})
            # Whoever's computer is to be slow has a browser of their own: it can be held down.
            browser = await self._browser(playwright, stack) if name in slow else shared
            someone = self._people[name] = Someone(name, how, browser)
            token = self._server.invite(self.meeting_id, name.capitalize()).token
            someone.config = {
                "name": name,
                "url": self._server.url,
                "token": token,
                "intervalMs": INTERVAL_MS,
                "audio": how.get("audio", "device"),
                "video": how.get("video", "device"),
                "camera": {**CAMERA, **how.get("camera", {})},
                "iceServers": [turn.ice_server] if turn and how.get("turn") else [],
                "policy": "relay" if how.get("turn") else "all",
                "restarts": True,
            }
            await self._open(someone)

    def _needs(self, what: str) -> bool:
        return any(how.get(what) for how in self.scenario.people_how.values())

    @staticmethod
    async def _browser(playwright: Playwright, stack: AsyncExitStack) -> Browser:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(FLAGS), chromium_sandbox=False
        )
        stack.push_async_callback(browser.close)
        return browser

    async def _open(self, someone: Someone) -> None:
        context = await someone.browser.new_context()
        allowed = ["geolocation"] if someone.how.get("denied") else ["camera", "microphone"]
        # What is not in the list is refused without asking.
        await context.grant_permissions(allowed, origin=self._server.url)
        await context.route(f"{self._server.url}/labelled/*", _own_files)
        await context.expose_function("tell", self._told)
        someone.context = context
        someone.page = await context.new_page()
        someone.page.on("console", lambda said: self._log(f"{someone.name}: {said.text}"))
        someone.page.on("pageerror", lambda error: self._log(f"{someone.name}: {error}"))
        await someone.page.goto(f"{self._server.url}/labelled/call_page.html")

    async def _enter(self, someone: Someone) -> None:
        page = self._page(someone)
        await page.wait_for_function("window.ready")
        await page.evaluate("config => call.join(config)", someone.config)
        someone.there = True
        await page.evaluate("call.enter()")

    @staticmethod
    def _page(someone: Someone) -> Page:
        assert someone.page is not None
        return someone.page

    # --- signalling ------------------------------------------------------------------------------

    def _told(self, text: str) -> None:
        message = json.loads(text)
        kind, whose = message["kind"], message["from"]
        if kind in ("state", "denied"):
            self._log(f"{whose}: {kind} {message['what']}")
        elif kind == "hello":
            for other in self._people.values():
                if other.there and other.name != whose:
                    self._relay.link(whose, other.name)
                    self._send(other, message)
        else:
            relayed = self._relayed(message)
            if relayed is not None:
                self._send(self._people[message["to"]], relayed)

    def _send(self, someone: Someone, message: dict[str, Any]) -> None:
        self._soon(self._page(someone).evaluate("message => call.hear(message)", message))

    def _soon(self, work: Awaitable[Any]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as error:  # noqa: BLE001 - a page may be gone; the log tells
                self._log(f"signalling: {str(error).splitlines()[0]}")

        task = asyncio.create_task(guarded())
        self._pending.add(task)
        task.add_done_callback(self._pending.discard)

    def _relayed(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The message with the relay in the place of its sender's address."""
        if self._needs("turn"):
            return message  # there is a relay already
        kind, what = message["kind"], message["what"]
        if kind == "offer":
            what = {**what, "sdp": _without_candidates(what["sdp"])}
        elif kind == "answer":
            what = _without_candidates(what)
        elif kind == "candidate":
            fields = what["candidate"].split()
            if not _carried(fields):
                return None
            fields[5] = str(self._relay.door(message["from"], int(fields[5]), message["to"]))
            fields[4] = HOST
            what = {**what, "candidate": " ".join(fields)}
        return {**message, "what": what}

    # --- what is done to people -------------------------------------------------------------------

    async def _do(self, do: Do) -> None:
        await getattr(self, f"_do_{do.what}")(self._people[do.who], do.how)

    async def _do_line(self, someone: Someone, how: dict[str, Any]) -> None:
        line = self._relay.line(someone.name, how["way"])
        for member, value in how.items():
            if member != "way":
                setattr(line, member, value)

    async def _do_trick(self, someone: Someone, how: dict[str, Any]) -> None:
        await self._page(someone).evaluate("trick => call.play(trick)", how["trick"])

    async def _do_freeze(self, someone: Someone, how: dict[str, Any]) -> None:
        """Let the page's scripts stand still, as those of a frozen tab, while its media go on.

        (``Page.setWebLifecycleState`` has no effect on a page that counts as visible.)
        """
        page = self._page(someone)
        session = await page.context.new_cdp_session(page)
        await session.send("Debugger.enable")
        await session.send("Debugger.pause")
        await asyncio.sleep(how["seconds"])
        await session.send("Debugger.resume")
        await session.send("Debugger.disable")

    async def _hasten(self) -> None:
        """Let the browsers run before whatever else the machine does, if we may.

        Chromium gives its renderers a niceness of their own, whatever that of who started it.
        """
        wanted = os.getpriority(os.PRIO_PROCESS, 0)
        if wanted >= 0:
            return
        _hasten(os.getpid(), wanted)
        for browser in {someone.browser for someone in self._people.values()}:
            session = await browser.new_browser_cdp_session()
            for process in (await session.send("SystemInfo.getProcessInfo"))["processInfo"]:
                _hasten(int(process["id"]), wanted)

    async def _do_offline(self, someone: Someone, how: dict[str, Any]) -> None:
        lines = [self._relay.line(someone.name, way) for way in ("up", "down")]
        assert someone.context is not None
        for line in lines:
            line.dead = True
        await someone.context.set_offline(True)
        await asyncio.sleep(how["seconds"])
        for line in lines:
            line.dead = False
        await someone.context.set_offline(False)

    async def _do_reload(self, someone: Someone, how: dict[str, Any]) -> None:
        someone.there = False
        for other in self._people.values():
            if other is not someone:
                self._send(other, {"from": someone.name, "kind": "bye", "what": None})
        await self._page(someone).reload()
        await self._enter(someone)

    async def _do_busy(self, someone: Someone, how: dict[str, Any]) -> None:
        """Let the person's pages run for a small share of each few milliseconds only."""
        session = await someone.browser.new_browser_cdp_session()
        told = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
        pids = [int(process["id"]) for process in told if process["type"] == "renderer"]
        brake = multiprocessing.get_context("spawn").Process(
            target=hold_down, args=(pids, how["share"])
        )
        brake.start()
        self._brakes.append(brake)

    def _rest(self) -> None:
        for brake in self._brakes:
            brake.terminate()
            brake.join()


class Turn:
    """A TURN server on loopback that is only spoken to over TCP."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.ice_server = {
            "urls": f"turn:127.0.0.1:{port}?transport=tcp",
            "username": "labelled",
            "credential": "calls",
        }

    @classmethod
    def start(cls, stack: AsyncExitStack) -> "Turn":
        """coturn, until the stack ends."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = ["turnserver", "-n", "-L", "127.0.0.1", "-E", "127.0.0.1"]
        command += ["-p", str(port), "--lt-cred-mech", "-u", "labelled:calls", "-r", "labelled"]
        command += ["--no-tls", "--no-dtls", "--no-cli", "--allow-loopback-peers"]
        command += ["--log-file", "stdout", "--pidfile", str(stack.enter_context(_scratch()))]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(process.wait)
        stack.callback(process.terminate)
        return cls(process, port)


def _hasten(pid: int, niceness: int) -> None:
    # Where the scheduler groups by session, niceness within a group is nothing to the others.
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, int(thread.name), niceness)


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="labelled-turn-") as folder:
        yield Path(folder) / "pid"


async def _own_files(route: Route) -> None:
    name = route.request.url.rsplit("/", 1)[1]
    await route.fulfill(path=HERE / name)


def _without_candidates(sdp: str) -> str:
    return "".join(line for line in sdp.splitlines(True) if not line.startswith("a=candidate"))


def _carried(candidate: list[str]) -> bool:
    """Whether the relay carries this: the fields of a candidate line (RFC 8839)."""
    protocol, address, kind = candidate[2], candidate[4], candidate[7]
    return protocol.lower() == "udp" and ":" not in address and kind in ("host", "relay")
