"""The parts a machine may lack, and how their absence is told (see conftest.py)."""

import os
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from own_servers import programs_here
from shared_database import here as postgresql_here
from small_disk import here as small_disk_here
from small_disk import immutable_files_here

ROOT = Path(__file__).resolve().parent.parent
ENVS = ROOT / ".envs"
MISSING = "missing part: "

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def _program(*names: str) -> Callable[[], bool]:
    return lambda: any(shutil.which(name) for name in names)


def nats_url() -> str:
    """NATS of this run: this machine's, or one lent for the run (lent_servers.py)."""
    return os.environ.get("ROOMTONE_TEST_NATS", "nats://127.0.0.1:4222")


def nats_here() -> bool:
    """Whether it answers."""
    host, _, port = nats_url().rpartition("@")[2].removeprefix("nats://").partition(":")
    try:
        socket.create_connection((host, int(port or 4222)), timeout=2).close()
    except OSError:
        return False
    return True


def _file(path: Path) -> Callable[[], bool]:
    return path.exists


PARTS: dict[str, tuple[Callable[[], bool], str]] = {
    # name: (is it here?, how to get it)
    "chromium": (_program(*CHROMIUM), "install Chromium or Chrome"),
    "client-libraries": (
        _file(ENVS / "node/node_modules/@observertc/client-monitor-js"),
        "run make test, with Node installed",
    ),
    "coturn": (_program("turnserver"), "install Debian's package coturn"),
    "curl": (_program("curl"), "install curl"),
    "janus": (_program("janus"), "install Debian's package janus"),
    "immutable-files": (
        immutable_files_here,
        "be root, with chattr, on ext4",
    ),
    "libreoffice": (_program("soffice"), "install LibreOffice Calc"),
    "livekit-server-sdk": (
        _file(ENVS / "node/node_modules/livekit-server-sdk"),
        "run make test, with Node installed",
    ),
    "nats": (nats_here, "install nats-server, or set ROOMTONE_TEST_NATS"),
    "node": (_program("node"), "install Node 18 or newer"),
    "own-servers": (programs_here, "install PostgreSQL's server and nats-server"),
    "postgresql": (postgresql_here, "install PostgreSQL, or set ROOMTONE_TEST_POSTGRESQL"),
    "python-5.2.0": (_file(ENVS / "cloudflare-5.2.0/.roomtone-sdk"), "run make test"),
    "python-5.9.0": (_file(ENVS / "cloudflare-5.9.0/.roomtone-sdk"), "run make test"),
    "small-disk": (small_disk_here, "be root, or let sudo mount without a password"),
    "stream-libraries": (
        _file(ENVS / "node/node_modules/@jitsi/rtcstats"),
        "run make test, with Node installed",
    ),
    "typescript-6.0.0": (_file(ENVS / "node/.roomtone-node"), "run make test, with Node installed"),
    "typescript-7.3.0": (_file(ENVS / "node/.roomtone-node"), "run make test, with Node installed"),
    "webrtc-libraries": (
        _file(ENVS / "node/node_modules/simple-peer"),
        "run make test, with Node installed",
    ),
}


RIGHTS = frozenset({"immutable-files", "small-disk"})
"""What a machine allows or does not: nothing that could be installed, so CI may lack it too."""


def require(part: str) -> None:
    """Skip the running test, by name, if this machine lacks a part of :data:`PARTS`."""
    here, remedy = PARTS[part]
    if here():
        return
    reason = f"{MISSING}{part} ({remedy})"
    if os.environ.get("CI") == "true" and part not in RIGHTS:
        pytest.fail(f"{reason}; with CI=true nothing may be missing", pytrace=False)
    pytest.skip(reason)
