"""A console with calls in it, and a browser that tells of everything that went wrong in it."""

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from playwright.sync_api import Browser, BrowserContext, Page

from journeys.journey_server import JourneyServer, Person, roomtone_command, wait_for
from parts import ENVS
from roomtone.cli.demo import Stage
from roomtone.cli.scripts import script

AXE = ENVS / "node" / "node_modules" / "axe-core" / "axe.min.js"
EVIL = '<img src=x onerror="window.stung=1"><script>window.stung=1</script>'
"""In every name that anybody may choose; nothing of it may ever run, or become an element."""
CALLS = {
    "Weekly sync": "getstats-clean.json.gz",
    f"Lossy {EVIL}": "getstats-lossy.json.gz",
}


class Console:
    """A running server, seeded, and how to get into its console."""

    def __init__(self, server: JourneyServer) -> None:
        self.server = server
        self.url = server.url

    def seed(self) -> None:
        """Two recorded calls, sealed, and evil names wherever a name may be chosen."""
        # On a thread of its own: a browser that is driven from this one keeps its loop running.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(self._play())).result()
        wait_for("the calls to be sealed", lambda: self._sealed() == len(CALLS))
        server = self.server
        account = server.base.rsplit("/", 1)[0]
        headers = {"authorization": f"Bearer {server.api_token}"}
        httpx.post(f"{account}/apps", json={"name": EVIL}, headers=headers).raise_for_status()
        token = {"name": EVIL, "scope": "read"}
        httpx.post(f"{account}/tokens", json=token, headers=headers).raise_for_status()
        # Nothing listens at the discard port: its deliveries fail and are tried again.
        self.webhook_id = server.post(
            "/webhooks",
            {
                "name": EVIL,
                "url": "http://127.0.0.1:9/<script>window.stung=1</script>",
                "events": ["meeting.started", "meeting.ended", "meeting.participantJoined"],
            },
        )["id"]
        (lossy,) = server.get("/sessions", search="Lossy")["sessions"]
        self.session_id = lossy["id"]
        self.peer_id = server.participants(lossy["id"])[0]["id"]

    async def _play(self) -> None:
        async with httpx.AsyncClient(base_url=self.url, timeout=60) as client:
            server = self.server
            api = f"/accounts/{server.account_id}/realtime/kit/{server.app_id}"
            stage = Stage(client, api, {"authorization": f"Bearer {server.api_token}"})
            for title, name in CALLS.items():
                async for _ in stage.play(script(title, name)):
                    pass

    def _sealed(self) -> int:
        rows = self.server.get("/sessions", status="ENDED")["sessions"]
        return sum(row["finding_counts"] is not None for row in rows)

    def link(self) -> str:
        """A link as an operator gets it on the server's machine."""
        port = self.url.rpartition(":")[2]
        printed = roomtone_command("console", "--data", self.server.data, "--port", port)
        assert printed.returncode == 0, printed.stderr
        return printed.stdout.strip()

    def join(self, title: str, name: str = "Alice") -> "Joined":
        """Somebody enters a new meeting, and stays until :meth:`Joined.leave`."""
        meeting = self.server.meeting(title=title)
        return Joined(self.server.invite(meeting, name))


class Joined:
    """One who is in a call."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.peer_id = str(uuid4())
        self._seq = 0
        self.tell("call_join")

    def tell(self, event: str) -> None:
        """Report an event, now."""
        self._seq += 1
        entry = {"event": event, "timestamp": int(time.time() * 1000)}
        body = {"peer_id": self.peer_id, "seq": self._seq, "entries": [entry]}
        answer = self.person.collect(body)
        assert answer.status_code == 202, answer.text

    def leave(self) -> None:
        """Hang up."""
        self.tell("disconnect")


class Visitor:
    """A browser window, and what went wrong in it."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.url = url
        self.faults: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))
        self.page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) =>"
            " console.error('CSP', e.violatedDirective, e.blockedURI, e.sourceFile, e.lineNumber))"
        )
        self.expected: tuple[str, ...] = ()

    def _said(self, message: Any) -> None:
        told = f"{message.text} {message.location.get('url', '')}"
        if message.type == "error" and not any(one in told for one in self.expected):
            self.faults.append(told)

    def sign_in(self, token: str) -> "Visitor":
        """Through the form."""
        # Before a cookie is there, asking who is signed in is answered with 401.
        self.expected += ("/console/me",)
        self.page.goto(f"{self.url}/console")
        self.page.fill("#token", token)
        self.page.click("rt-sign-in button.primary")
        self.page.wait_for_selector("rt-outlet > *")
        return self

    def go(self, place: str, ready: str) -> Page:
        """To a hash of the console, until something shows."""
        self.page.goto(f"{self.url}/console#{place}")
        self.page.wait_for_selector(ready)
        return self.page

    def check(self) -> None:
        """Nothing went wrong, and nothing evil ran or became an element."""
        assert self.faults == []
        assert self.page.evaluate("window.stung") is None
        assert self.page.locator("img[src=x]").count() == 0

    def axe(self) -> list[str]:
        """What axe-core finds that is serious or critical (WCAG 2.2 A and AA)."""
        # Evaluated, not added as a script: the page's policy would refuse that, as it should.
        found = self.page.evaluate(
            AXE.read_text()
            + ";axe.run({runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',"
            " 'best-practice']})"
        )
        return [
            f"{one['id']}: {node['target']} {node['failureSummary']}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
            for node in one["nodes"]
        ]


@contextmanager
def console(folder: Path, **settings: Any) -> Iterator[Console]:
    """A seeded server."""
    server = JourneyServer(folder / "data", webhooks_allow_private=True, **settings).start()
    try:
        running = Console(server)
        running.seed()
        yield running
    finally:
        server.stop()


@contextmanager
def visitor(running: Browser, url: str, **how: Any) -> Iterator[Visitor]:
    """A fresh window."""
    context = running.new_context(**{"viewport": {"width": 1280, "height": 800}, **how})
    context.set_default_timeout(30_000)  # a busy machine takes its time
    try:
        yield Visitor(context, url)
    finally:
        context.close()
