"""A real Roomtone: its own process, started as an operator starts it, on a folder of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from own_servers import free_port

START_S = 60


@dataclass(frozen=True)
class RunningServer:
    """Where it listens, and the credentials that ``roomtone init`` printed."""

    url: str
    account_id: str
    app_id: str
    api_token: str
    log: Path

    @property
    def sdk_base_url(self) -> str:
        """What the SDKs take for ``base_url``: the vendor's path on our host."""
        return f"{self.url}/client/v4"

    def api(self, path: str, app_id: str = "", **query: Any) -> Any:
        """The ``data`` of a GET below an app (the first one by default), by hand."""
        return self._ask("GET", path, app_id, params=query)

    def post(self, path: str, body: dict[str, Any], app_id: str = "") -> Any:
        """The ``data`` of a POST below an app, by hand."""
        return self._ask("POST", path, app_id, json=body)

    def _ask(self, method: str, path: str, app_id: str, **more: Any) -> Any:
        app = f"accounts/{self.account_id}/realtime/kit/{app_id or self.app_id}"
        headers = {"authorization": f"Bearer {self.api_token}"}
        answer = httpx.request(
            method, f"{self.sdk_base_url}/{app}/{path}", headers=headers, timeout=30, **more
        )
        assert answer.is_success, f"{answer.status_code}: {answer.text}"
        return answer.json()["data"]


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            if httpx.get(f"{url}/readyz", timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server did not start; its log:\n{log.read_text()[-4000:]}")


@contextmanager
def running_server(data: Path, **settings: Any) -> Iterator[RunningServer]:
    """Run ``roomtone init`` and ``roomtone serve`` until the block ends.

    ``settings`` become ROOMTONE_* variables; the caller's own are not passed on.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ROOMTONE_")}
    environment |= {f"ROOMTONE_{name.upper()}": str(value) for name, value in settings.items()}
    roomtone = [sys.executable, "-m", "roomtone"]
    made = subprocess.run(
        [*roomtone, "init", "--data", str(data), "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise RuntimeError(f"roomtone init: {made.stderr}")
    credentials = json.loads(made.stdout)
    port = free_port()
    log = data.parent / f"{data.name}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*roomtone, "serve", "--data", str(data), "--port", str(port)],
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, process, log)
        yield RunningServer(
            url, credentials["account_id"], credentials["app_id"], credentials["api_token"], log
        )
    finally:
        process.terminate()
        try:
            process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
