"""A Roomtone in a process of its own, as an operator runs it: started, stopped, killed."""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from msgspec import to_builtins

import roomtone
from forked import Forked, Starts
from roomtone.cli.credentials import prepare
from roomtone.cli.options import on_folder
from roomtone.settings import Settings

START_S = 60
STOP_S = 20
COMMAND_S = 180
PATIENCE_S = 45
FIRST_LINE = "Roomtone serves "
FOLLOWED = (
    "SELECT coalesce((SELECT max(position) FROM journal), 0)"
    " <= coalesce((SELECT position FROM cursors WHERE name = 'roster'), 0)"
)
STORED = ("journal", "journal_subjects", "journal_chunks", "sessions", "peers", "reports")


def environment(**settings: Any) -> dict[str, str]:
    """The caller's, without its own ROOMTONE_*; ``settings`` become such variables."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ROOMTONE_")}
    kept["PYTHONPATH"] = str(Path(roomtone.__file__).parent.parent)
    return kept | {f"ROOMTONE_{name.upper()}": str(value) for name, value in settings.items()}


def roomtone_command(
    *arguments: str | Path, cwd: Path | None = None, **settings: Any
) -> subprocess.CompletedProcess[str]:
    """Run ``roomtone ARGUMENTS`` to its end."""
    command, variables = [*map(str, arguments)], environment(**settings)
    if starts().may_fork(command, variables):
        return _forked_command(command, variables, cwd)
    return subprocess.run(
        [sys.executable, "-m", "roomtone", *command],
        env=variables,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )


def _forked_command(
    command: list[str], variables: dict[str, str], cwd: Path | None
) -> subprocess.CompletedProcess[str]:
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        running = starts().fork(
            command, variables, stdout=out.fileno(), stderr=err.fileno(), cwd=cwd
        )
        try:
            status = running.wait(COMMAND_S)
        except subprocess.TimeoutExpired:
            running.kill()
            raise
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command, status, out.read(), err.read())


@cache
def starts() -> Starts:
    """What forks Roomtones for this process; made when it is first asked for."""
    return Starts(environment())


def told(*arguments: str | Path, **settings: Any) -> Any:
    """What a command that prints JSON prints."""
    done = roomtone_command(*arguments, "--json", **settings)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return json.loads(done.stdout)


def wait_for(what: str, look: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Look until what comes is true; it."""
    deadline = time.monotonic() + patience_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience_s} s for {what}; last: {found!r}")
        time.sleep(0.05)


class Person:
    """Somebody invited to a meeting, with a token."""

    def __init__(self, server: "JourneyServer", made: dict[str, Any]) -> None:
        self._server = server
        self.user_id: str = made["id"]
        self.token: str = made["token"]

    def collect(self, body: Any, **more: Any) -> httpx.Response:
        """POST to our own door."""
        return self._server.send("/v1/collect", self.token, body, **more)

    def message(self, body: Any, **more: Any) -> httpx.Response:
        """POST to RealtimeKit's door."""
        return self._server.send("/api/v1/message", self.token, body, **more)


class JourneyServer:
    """One data folder and the process that serves it."""

    def __init__(self, data: Path, **settings: Any) -> None:
        self.data = data
        self.settings = {"rate_limit": 0, "ingest_limit": 0, **settings}
        self.log = data.parent / f"{data.name}.log"
        self.url = ""
        self._process: subprocess.Popen[str] | Forked | None = None
        made = self._init()
        self.account_id: str = made["account_id"]
        self.app_id: str = made["app_id"]
        self.api_token: str = made["api_token"]
        self.client = httpx.Client(timeout=60)

    def _init(self) -> Any:
        """Make the folder, as ``roomtone init`` does; who may come in."""
        settings = Settings(data=str(self.data))
        # On a thread of its own: where a browser is driven from this one, its loop runs in it.
        with ThreadPoolExecutor(1) as thread:
            credentials, _ = thread.submit(on_folder, settings, prepare).result()
        return to_builtins(credentials)

    # --- the process ----------------------------------------------------------------------------

    def start(self, port: int = 0) -> "JourneyServer":
        """Start it, on any free port unless one is given, and wait until it answers."""
        self.launch(port)
        self.listen()
        self.wait_until_healthy()
        return self

    def launch(self, port: int = 0) -> None:
        """Start it, and wait for nothing."""
        self._run(["serve", "--data", str(self.data), "--port", str(port)])

    def _run(
        self,
        command: Sequence[str],
        script: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """``script``: what runs Roomtone's command line after it has put something in its way;
        ``variables``: for that."""
        own = environment(**self.settings)
        with self.log.open("ab") as log:
            if starts().may_fork(command, own, script):
                reads, said = os.pipe()
                self._process = starts().fork(
                    command,
                    own | dict(variables or {}),
                    stdout=said,
                    stderr=log.fileno(),
                    script=script,
                    reads=os.fdopen(reads),
                )
                os.close(said)
                return
            program = ["-m", "roomtone"] if script is None else [str(script)]
            self._process = subprocess.Popen(
                [sys.executable, *program, *command],
                env=own | dict(variables or {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def listen(self) -> None:
        """Wait until it says where it is."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line.startswith(FIRST_LINE), f"{line!r}\n{self.log.read_text()[-4000:]}"
        self.url = line.removeprefix(FIRST_LINE).split()[0]

    def wait_until_healthy(self) -> None:
        """Wait until it answers."""
        wait_for("the server to answer", self._healthy, START_S)

    def _healthy(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it ended:\n{self.log.read_text()[-4000:]}"
        try:
            return self.client.get(f"{self.url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        self._process.kill()
        self._end(STOP_S)

    def stop(self) -> None:
        """Ask it to end, and see that it does."""
        if self._process is None:
            return
        self._process.terminate()
        self._end(STOP_S)

    def _end(self, patience_s: float) -> None:
        assert self._process is not None
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise AssertionError(f"it took more than {patience_s} s to stop") from None
        finally:
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process = None

    def resident_kb(self) -> int:
        """VmRSS."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError("no VmRSS")

    # --- the API --------------------------------------------------------------------------------

    @property
    def base(self) -> str:
        """Of the app."""
        account = f"{self.url}/client/v4/accounts/{self.account_id}"
        return f"{account}/realtime/kit/{self.app_id}"

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request to the API with the admin token; ``path`` begins below the app."""
        headers = {"authorization": f"Bearer {self.api_token}", **more.pop("headers", {})}
        return self.client.request(method, self.base + path, headers=headers, **more)

    def get(self, path: str, **query: Any) -> Any:
        """The ``data`` of a GET."""
        answer = self.ask("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def post(self, path: str, body: Any = None) -> Any:
        """The ``data`` of a POST."""
        answer = self.ask("POST", path, json=body)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def meeting(self, **fields: Any) -> str:
        """A new meeting's id."""
        return str(self.post("/meetings", {"title": "a meeting", **fields})["id"])

    def invite(self, meeting_id: str, name: str, **fields: Any) -> Person:
        """Somebody who may join it."""
        about = {
            "name": name,
            "custom_participant_id": f"custom-{name}",
            "preset_name": "group_call_participant",
            **fields,
        }
        return Person(self, self.post(f"/meetings/{meeting_id}/participants", about))

    def sessions(self, meeting_id: str) -> list[dict[str, Any]]:
        """Of a meeting, newest first."""
        found: list[dict[str, Any]] = self.get("/sessions", associated_id=meeting_id)["sessions"]
        return found

    def participants(self, session_id: str, **query: Any) -> list[dict[str, Any]]:
        """Of a session, in the order of joining."""
        query = {"sort_order": "ASC", "per_page": 200, **query}
        data = self.get(f"/sessions/{session_id}/participants", **query)
        found: list[dict[str, Any]] = data["participants"]
        return found

    def report(self, peer_id: str) -> dict[str, Any]:
        """``data.participant`` of a peer report."""
        found: dict[str, Any] = self.get(f"/sessions/peer-report/{peer_id}")["participant"]
        return found

    def soon(self, peer_id: str) -> dict[str, Any]:
        """The report of a peer that was just told of: its row comes a moment after the 202."""

        def look() -> bool:
            return self.ask("GET", f"/sessions/peer-report/{peer_id}").status_code == 200

        wait_for(f"peer {peer_id}", look)
        return self.report(peer_id)

    def kick_all(self, meeting_id: str) -> None:
        """End its session."""
        self.post(f"/meetings/{meeting_id}/active-session/kick-all")

    # --- the doors ------------------------------------------------------------------------------

    def send(self, path: str, token: str, body: Any, **more: Any) -> httpx.Response:
        """POST a body (JSON, or bytes as they are) with a participant's token."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
        headers |= more.pop("headers", {})
        return self.client.post(self.url + path, content=content, headers=headers, **more)

    # --- what is in the folder ------------------------------------------------------------------

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the database beside the server."""
        file = f"file:{self.data / 'roomtone.db'}?mode=ro"
        with closing(sqlite3.connect(file, uri=True, timeout=30)) as connection:
            return connection.execute(statement, values).fetchall()

    def stored(self) -> dict[str, int]:
        """How many rows there are of everything that a request might leave behind, once what was
        accepted has become rows."""
        wait_for("the roster to follow", lambda: self.rows(FOLLOWED)[0][0])
        return {table: self.rows(f"SELECT count(*) FROM {table}")[0][0] for table in STORED}

    def quarantined(self) -> int:
        """Bodies in quarantine."""
        return int(self.rows("SELECT count(*) FROM quarantine")[0][0])

    def unsealed(self) -> int:
        """Ended sessions whose reports are not stored yet."""
        waiting = "SELECT count(*) FROM sessions WHERE status = 'ENDED' AND sealed_at IS NULL"
        return int(self.rows(waiting)[0][0])

    def wait_until_sealed(self, patience_s: float = PATIENCE_S) -> None:
        """Wait until every ended session is sealed."""
        wait_for("everything to be sealed", lambda: self.unsealed() == 0, patience_s)

    def copy_to(self, data: Path) -> Path:
        """The data folder as it is now, in another place."""
        data.mkdir()
        with (
            closing(sqlite3.connect(self.data / "roomtone.db", timeout=30)) as source,
            closing(sqlite3.connect(data / "roomtone.db")) as copy,
        ):
            source.backup(copy)
        (data / "credentials.json").write_bytes((self.data / "credentials.json").read_bytes())
        (data / "credentials.json").chmod(0o600)
        return data


def now_ms() -> int:
    """Epoch ms."""
    return time.time_ns() // 1_000_000


def new_peer() -> str:
    """A peer id, as a client makes it."""
    return str(uuid4())


Serve = Callable[..., JourneyServer]
"""Starts one with the settings that are given."""
