"""``roomtone demo``: start Roomtone, play real recorded calls through its front doors, show it."""

import asyncio
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import click
import httpx
from rich.box import SIMPLE_HEAVY
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from roomtone.cli.console import link_for
from roomtone.cli.credentials import Credentials, prepare
from roomtone.cli.options import on_folder, with_settings
from roomtone.cli.scripts import BUNDLED, Script, moved, script
from roomtone.cli.serve import listen
from roomtone.model.errors import Failed
from roomtone.model.times import iso, parse_iso
from roomtone.settings import Settings

DATA = "roomtone-demo"
PID = "serve.pid"
LOG = "serve.log"
PORTS_TRIED = 50
READY_S = 20.0
SEALED_S = 20.0
OUTCOMES = ("bad", "fair", "unknown", "good")
COLOURS = {"bad": "red", "fair": "yellow", "good": "green"}
TABLE_WIDTH = 144
GOOD_MOS = 3.6
POOR_MOS = 2.6
"""ITU-T G.107: most users are satisfied above, nearly all dissatisfied below."""


@click.command()
@click.option("--stop", is_flag=True, help="Stop the server that an earlier demo left running.")
@with_settings("data", "host", "port")
def demo(settings: Settings, *, stop: bool) -> None:
    """Play the bundled recordings of real calls into a fresh Roomtone and leave it running."""
    console = Console()
    if console.width < TABLE_WIDTH and not console.is_terminal:
        console.width = TABLE_WIDTH  # a pipe has no width of its own
    folder = Path(DATA if settings.data == Settings().data else settings.data)
    stopped = _stop(folder)
    if stop:
        console.print("Stopped." if stopped else "No demo is running.")
        return
    _clear(folder)
    port = _free_port(settings.host, settings.port)
    settings = Settings(data=str(folder), host=settings.host, port=port)
    credentials, _ = on_folder(settings, prepare)
    process = _start(settings)
    asyncio.run(_show(console, credentials, settings, process))


async def _show(
    console: Console,
    credentials: Credentials,
    settings: Settings,
    process: subprocess.Popen[bytes],
) -> None:
    headers = {"authorization": f"Bearer {credentials.api_token}"}
    async with httpx.AsyncClient(base_url=credentials.base_url, timeout=30) as client:
        await _ready(client, process)
        api = f"/client/v4/accounts/{credentials.account_id}/realtime/kit/{credentials.app_id}"
        stage = Stage(client, api, headers)
        scripts = [script(title, name) for title, name in BUNDLED]
        columns = (
            TextColumn("{task.description:38}"),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
        )
        with Progress(*columns, console=console) as progress:
            for one in scripts:
                task = progress.add_task(one.title, total=len(one.posts))
                async for _ in stage.play(one):
                    progress.advance(task)
        sessions = await _sealed(stage)
        await _table(console, stage, sessions)
        meeting = await stage.post("/meetings", {"title": "A call of your own"})
        invitation = await stage.post(f"/meetings/{meeting['id']}/invitation", {})
    _how(console, credentials, settings, invitation["url"])
    _why(console, settings, sessions)
    stop = f"{_program()} demo --stop{_data(settings)}"
    stop = f"It goes on running (pid {process.pid}). Stop it with: {stop}"
    console.print(stop, soft_wrap=True)


class Stage:
    """Where scripts are played: an app of a running Roomtone."""

    def __init__(self, client: httpx.AsyncClient, api: str, headers: dict[str, str]) -> None:
        self._client = client
        self._api = api
        self._headers = headers

    async def play(self, it: Script):  # type: ignore[no-untyped-def]
        """Make the meeting and its people, send every request of theirs; yields after each."""
        meeting = await self.post("/meetings", {"title": it.title})
        tokens: dict[str, str] = {}
        names: dict[str, str] = {}
        for person in it.people:
            about = {
                "name": person.title(),
                "custom_participant_id": f"demo-{person}",
                "preset_name": "group_call_participant",
            }
            made = await self.post(f"/meetings/{meeting['id']}/participants", about)
            tokens[person] = made["token"]
            names[f"<user:{person}>"] = made["id"]
        now = int(time.time() * 1000)
        for post in it.posts:
            body = moved(post.body, now - it.end, _Fresh(names))
            headers = {"authorization": f"Bearer {tokens[post.person]}"}
            if post.user_agent:
                headers["user-agent"] = post.user_agent
            answer = await self._client.post(post.path, json=body, headers=headers)
            if answer.status_code >= 300:
                raise Failed(
                    f"{post.path} answered {answer.status_code}: {answer.text[:300]}",
                    "This is a fault of Roomtone; please report it.",
                )
            yield post
        if it.words.chat:
            await self._say(it, meeting["id"], now - it.end, names)
        await self.post(f"/meetings/{meeting['id']}/active-session/kick-all", None, missing_ok=True)

    async def _say(self, it: Script, meeting_id: str, by_ms: int, names: dict[str, str]) -> None:
        """What was written and said, as the app's own server would send it."""
        session = await self.get(f"/meetings/{meeting_id}/active-session")
        path = f"/sessions/{session['id']}"
        start = it.posts[0].t + by_ms
        chat = [
            {
                "id": str(number),
                "time": iso(start + int(1000 * line.at_s)),
                "userId": names[f"<user:{line.who}>"],
                "displayName": line.who.title(),
                "message": line.says,
            }
            for number, line in enumerate(it.words.chat)
        ]
        since = start - parse_iso(session["started_at"])
        transcript = [
            {
                "startTime": since + int(1000 * line.at_s),
                "endTime": since + int(1000 * line.to_s),
                "sentence": line.says,
                "peerData": {
                    "userId": names[f"<user:{line.who}>"],
                    "displayName": line.who.title(),
                },
            }
            for line in it.words.transcript
        ]
        await self.post(f"{path}/chat", {"messages": chat})
        await self.post(f"{path}/transcript", {"segments": transcript})

    async def post(self, path: str, body: Any, *, missing_ok: bool = False) -> Any:
        """POST to the API; its ``data``."""
        answer = await self._client.post(self._api + path, json=body, headers=self._headers)
        if answer.status_code == 404 and missing_ok:
            return None
        answer.raise_for_status()
        return answer.json()["data"]

    async def get(self, path: str, **query: Any) -> Any:
        """GET from the API; its ``data``."""
        answer = await self._client.get(self._api + path, params=query, headers=self._headers)
        answer.raise_for_status()
        return answer.json()["data"]


class _Fresh(dict[str, str]):
    """Placeholders → ids; a peer's first mention makes it a new one."""

    def __init__(self, names: dict[str, str]) -> None:
        super().__init__()
        self._names = names

    def get(self, key: str, default: Any = None) -> Any:
        if key.startswith("<peer:"):
            return self._names.setdefault(key, str(uuid4()))
        return self._names.get(key, default)


async def _sealed(stage: Stage) -> list[dict[str, Any]]:
    """The sessions once all are sealed, or as they are when that takes too long."""
    deadline = time.monotonic() + SEALED_S
    while True:
        found = await stage.get("/sessions", sort_order="ASC")
        sessions: list[dict[str, Any]] = found["sessions"]
        if time.monotonic() > deadline or all(one["outcome"] is not None for one in sessions):
            return sessions
        await asyncio.sleep(0.2)


async def _table(console: Console, stage: Stage, sessions: list[dict[str, Any]]) -> None:
    table = Table(box=SIMPLE_HEAVY)
    for column, right in (
        ("meeting", False),
        ("people", True),
        ("peak", True),
        ("minutes", True),
        ("audio MOS", True),
        ("video MOS", True),
        ("outcome", False),
        ("session", False),
    ):
        table.add_column(column, justify="right" if right else "left", no_wrap=True)
    for session in sessions:
        audio, video = await _quality(stage, session["id"])
        table.add_row(
            session["meeting_display_name"],
            str(session["total_participants"]),
            str(session["max_concurrent_participants"]),
            f"{session['minutes_consumed']:.2f}",
            audio,
            video,
            _coloured(session["outcome"]),
            session["id"],
        )
    console.print(table)


async def _quality(stage: Stage, session_id: str) -> tuple[str, str]:
    """Mean estimated MOS of what was received, as the session's peers report it."""
    people = (await stage.get(f"/sessions/{session_id}/participants", per_page=200))["participants"]
    scores: dict[str, list[float]] = {"audio": [], "video": []}
    for person in people:
        report = await stage.get(f"/sessions/peer-report/{person['id']}")
        quality = report["participant"]["peer_report"]["quality"]
        for kind, found in scores.items():
            mos = quality[f"{kind}_consumer_cumulative"].get("quality_mos") or {}
            if "avg" in mos:
                found.append(mos["avg"])
    return _mean(scores["audio"]), _mean(scores["video"])


def _coloured(outcome: str | None) -> str:
    if outcome is None:
        return "–"
    colour = COLOURS.get(outcome, "default")
    return f"[{colour}]{outcome}[/{colour}]"


def _mean(scores: list[float]) -> str:
    if not scores:
        return "–"
    mean = sum(scores) / len(scores)
    colour = "green" if mean >= GOOD_MOS else "yellow" if mean >= POOR_MOS else "red"
    return f"[{colour}]{mean:.2f}[/{colour}]"


def _how(console: Console, credentials: Credentials, settings: Settings, call_url: str) -> None:
    c = credentials
    api = f"{c.base_url}/client/v4"
    print_ = console.print
    print_(f"[bold]Roomtone is running[/bold] at {c.base_url}")
    print_(f"  Console        {link_for(settings)}", soft_wrap=True)
    print_(f"  Call           {call_url}  (two tabs are a session)", soft_wrap=True)
    print_(f"  API reference  {c.base_url}/docs")
    print_(f"  account_id     {c.account_id}\n  app_id         {c.app_id}")
    print_(f"  API token      {c.api_token}\n")
    print_("[bold]With the vendor's own SDK[/bold] (pip install cloudflare)")
    show = "print(s.meeting_display_name, p.display_name, p.duration)"
    example = f"""\
from cloudflare import Cloudflare
kit = Cloudflare(base_url="{api}", api_token="{c.api_token}").realtime_kit.sessions
app, of = "{c.app_id}", {{"account_id": "{c.account_id}"}}
for s in kit.get_sessions(app, **of).data.sessions:
    for p in kit.get_session_participants(s.id, app_id=app, **of).data.participants: {show}
"""
    console.print(example, markup=False, highlight=False, soft_wrap=True)
    print_("[bold]With curl[/bold]")
    curl = (
        f"curl -s -H 'Authorization: Bearer {c.api_token}' "
        f"'{api}/accounts/{c.account_id}/realtime/kit/{c.app_id}/sessions?per_page=3'\n"
    )
    console.print(curl, markup=False, highlight=False, soft_wrap=True)


def _program() -> str:
    """What to type for this very program: it need not be on the path."""
    if shutil.which("roomtone"):
        return "roomtone"
    return shlex.quote(os.path.relpath(Path(sys.executable).with_name("roomtone")))


def _data(settings: Settings) -> str:
    """The flag that names this demo's folder to other commands."""
    return f" --data {shlex.quote(settings.data)}"


def _why(console: Console, settings: Settings, sessions: list[dict[str, Any]]) -> None:
    """Point to the call that went worst."""
    worst = min(sessions, key=_rank, default=None)
    if worst is None or worst["outcome"] not in OUTCOMES[:2]:
        return
    console.print(f"[bold]Why did “{worst['meeting_display_name']}” go {worst['outcome']}?[/bold]")
    command = f"{_program()} explain {worst['id']}{_data(settings)}\n"
    console.print(command, markup=False, highlight=False, soft_wrap=True)


def _rank(session: dict[str, Any]) -> tuple[int, float]:
    outcome, mos = session["outcome"], session["mos"]
    return OUTCOMES.index(outcome) if outcome in OUTCOMES else len(OUTCOMES), mos or 5.0


def _clear(folder: Path) -> None:
    """Take away what an earlier demo left. Raises Failed for a folder that is no demo's."""
    if not folder.exists():
        return
    if any(folder.iterdir()) and not (folder / PID).exists():
        raise Failed(
            f"{folder} is not a demo's folder, and a demo begins by emptying its own",
            "Name a new folder with --data, or none.",
        )
    shutil.rmtree(folder)


# --- the server's process -------------------------------------------------------------------------


def _free_port(host: str, port: int) -> int:
    for candidate in range(port, port + PORTS_TRIED):
        try:
            listen(host, candidate).close()
        except Failed:
            continue
        return candidate
    raise Failed(f"ports {port} to {port + PORTS_TRIED} are all taken", "Name one with --port.")


def _start(settings: Settings) -> subprocess.Popen[bytes]:
    folder = Path(settings.data)
    command = [sys.executable, "-m", "roomtone", "serve", "--data", settings.data]
    command += ["--host", settings.host, "--port", str(settings.port)]
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        )
    (folder / PID).write_text(str(process.pid))
    return process


async def _ready(client: httpx.AsyncClient, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if (await client.get("/healthz")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.05)
    raise Failed("the server did not start", f"See {LOG} in the demo's data folder.")


def _stop(folder: Path) -> bool:
    """Stop the server of an earlier demo, if it is one and it runs."""
    try:
        pid = int((folder / PID).read_text())
        command = Path(f"/proc/{pid}/cmdline")
        # A pid is used again after a while: only a Roomtone on this very folder is ours to stop.
        if command.exists() and str(folder).encode() not in command.read_bytes():
            return False
        os.kill(pid, signal.SIGTERM)
    except (OSError, ValueError):
        return False
    for _ in range(100):
        if not _runs(pid):
            break
        time.sleep(0.1)
    return True


def _runs(pid: int) -> bool:
    """Whether a process is there and has not ended; one that nobody waited for has no command."""
    try:
        os.kill(pid, 0)
        command = Path(f"/proc/{pid}/cmdline")
        return not command.exists() or bool(command.read_bytes())
    except OSError:
        return False
