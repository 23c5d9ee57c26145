"""Servers under measurement: real processes, each on the first core; the load comes from the last.

One that is not being measured is stopped (SIGSTOP), so that its background work is not counted
against the one that is.
"""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

HOST = "127.0.0.1"
READY_S = 60.0
STOP_S = 20.0
POLL_S = 0.002
CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE, LOAD_CORE = CORES[0], CORES[-1]
SRC = Path(__file__).resolve().parents[1] / "src"


class Credentials(Struct, frozen=True):
    """What ``roomtone init --json`` prints, as far as it is needed here."""

    account_id: str
    app_id: str
    api_token: str

    @property
    def api(self) -> str:
        """The path of the app."""
        return f"/client/v4/accounts/{self.account_id}/realtime/kit/{self.app_id}"


class Server:
    """A running process that listens on a port of this machine."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, ready_s: float) -> None:
        self.process = process
        self.port = port
        self.ready_s = ready_s
        """From the start of the process to the first 200 on its readiness path."""

    @contextlib.contextmanager
    def asleep(self) -> Iterator[None]:
        """Let the process do nothing at all meanwhile."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def memory_mb(self) -> float:
        """Resident memory, in MB of 2**20 bytes."""
        return self._status_mb("VmRSS:")

    def forget_peak(self) -> None:
        """From now on :meth:`peak_mb` is of what comes."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def peak_mb(self) -> float:
        """The most that it ever was, or since :meth:`forget_peak`."""
        return self._status_mb("VmHWM:")

    def _status_mb(self, name: str) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (found,) = (row for row in status.splitlines() if row.startswith(name))
        return int(found.split()[1]) / 1024

    def cpu_s(self) -> float:
        """Time that the process has had on a core, all threads, user and system."""
        after_name = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """End it in good order."""
        self.process.terminate()
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def init(folder: Path, **settings: str) -> Credentials:
    """Make a data folder with an account, an app and a token."""
    variables = {f"ROOMTONE_{name.upper()}": value for name, value in settings.items()}
    made = subprocess.run(
        [sys.executable, "-m", "roomtone", "init", "--data", str(folder), "--json"],
        env=_environment(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise SystemExit(f"roomtone init failed:\n{made.stderr}")
    told = json.loads(made.stdout)
    return Credentials(told["account_id"], told["app_id"], told["api_token"])


@contextlib.contextmanager
def roomtone(folder: Path, *, module: str = "roomtone", **settings: str | int) -> Iterator[Server]:
    """Roomtone as an operator starts it, or through another module. No limit of requests, unless a
    setting says so."""
    said = {"rate_limit": 0, "ingest_limit": 0, "log_level": "warning", **settings}
    variables = {f"ROOMTONE_{name.upper()}": str(value) for name, value in said.items()}
    command = ["-m", module, "serve", "--data", str(folder), "--port"]
    with _running(command, "/readyz", folder.with_suffix(".log"), variables) as server:
        yield server


@contextlib.contextmanager
def floor(kind: str, folder: Path, *arguments: str) -> Iterator[Server]:
    """A server of :mod:`bench.floor`."""
    command = ["-m", "bench.floor", kind, *arguments, "--port"]
    with _running(command, "/readyz", folder / f"floor-{kind}.log", {}) as server:
        yield server


@contextlib.contextmanager
def _running(
    command: list[str], ready_path: str, log: Path, variables: Mapping[str, str]
) -> Iterator[Server]:
    port = free_port()
    with log.open("wb") as out:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *command, str(port)],
            env=_environment(variables),
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    os.sched_setaffinity(process.pid, {SERVER_CORE})
    server = Server(process, port, 0.0)
    try:
        _wait(server, ready_path, start, log)
        yield server
    finally:
        server.stop()


def _wait(server: Server, path: str, start: float, log: Path) -> None:
    question = f"GET {path} HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n".encode()
    while time.perf_counter() - start < READY_S:
        if server.process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection((HOST, server.port)) as asked:
            asked.settimeout(READY_S)
            asked.sendall(question)
            if asked.recv(64).startswith(b"HTTP/1.1 200"):
                server.ready_s = time.perf_counter() - start
                return
        time.sleep(POLL_S)
    raise SystemExit(f"{server.process.args!r} did not become ready:\n{log.read_text()[-4000:]}")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ROOMTONE_")}
    paths = os.pathsep.join(
        [str(SRC), str(SRC.parent), *filter(None, [inherited.get("PYTHONPATH")])]
    )
    return inherited | {"PYTHONPATH": paths} | dict(variables)
