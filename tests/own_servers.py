"""PostgreSQL and NATS of a test's own, on loopback: to be stopped, killed and started again."""

import atexit
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

PATIENCE_S = 60


PORTS = range(20_000, 32_000)
"""Below those that the system gives to connections: who is stopped finds its own free again."""


def free_port() -> int:
    """A port that nobody listens on just now, and no connection will be given."""
    for port in random.sample(PORTS, 100):
        with socket.socket() as asked:
            asked.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                asked.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


def programs_here() -> bool:
    """Whether both servers' programs are on this machine."""
    wanted = ("postgres", "initdb", "pg_basebackup", "nats-server")
    return all(shutil.which(name) for name in wanted)


class OwnPostgres:
    """``initdb`` (or ``pg_basebackup``, for a standby), ``postgres -D``."""

    def __init__(
        self, folder: Path, copy_of: "OwnPostgres | None" = None, settings: Sequence[str] = ()
    ) -> None:
        """``settings``: ``name=value``, besides those that every one of them has."""
        self._settings = settings
        self._user = None
        self._folder = folder / "postgres"
        if os.geteuid() == 0:
            # PostgreSQL does not run as root; and every pytest that starts closes root's folders of
            # tests to everybody else.
            self._user = "nobody"
            self._folder = Path(tempfile.mkdtemp(prefix="roomtone-postgres-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        else:
            self._folder.mkdir(mode=0o700, parents=True)
        self.port = free_port()
        self.url = f"postgresql://roomtone@127.0.0.1:{self.port}/postgres"
        self._process: subprocess.Popen[bytes] | None = None
        made: list[str | Path]
        if copy_of is None:
            made = ["initdb", "-D", self._folder, "-U", "roomtone", "-A", "trust", "--no-sync"]
        else:
            source = ("-h", "127.0.0.1", "-p", str(copy_of.port), "-U", "roomtone")
            # -R: it follows whom it was copied from.
            made = ["pg_basebackup", "-D", self._folder, *source, "-R", "-c", "fast", "--no-sync"]
        subprocess.run(made, check=True, capture_output=True, user=self._user, cwd="/")

    def start(self) -> "OwnPostgres":
        """Start it, and wait until it answers. It ends with the tests at the latest."""
        atexit.register(self.stop)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "postgres",
                    *("-D", self._folder, "-p", str(self.port)),
                    *("-c", "listen_addresses=127.0.0.1"),
                    *("-c", "unix_socket_directories="),
                    *("-c", "max_connections=200"),
                    *("-c", "shared_buffers=32MB"),
                    *(part for setting in self._settings for part in ("-c", setting)),
                ],
                stdout=log,
                stderr=log,
                user=self._user,
                cwd="/",
            )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
            except psycopg.Error:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return self

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop it: SIGQUIT at once, connections cut, nothing written out that could be left;
        SIGINT in order, which a restart by an operator is; SIGKILL as a crash does."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(PATIENCE_S)
            self._process = None

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """One statement as its owner; the rows that it gives."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            done = connection.execute(statement)
            return done.fetchall() if done.description is not None else []


class OwnNats:
    """``nats-server -js``, alone or as one of a cluster."""

    def __init__(self, folder: Path, arguments: Sequence[str] = ()) -> None:
        """``arguments``: what makes it one of several."""
        self._folder = folder / "nats"
        self._arguments = arguments
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "OwnNats":
        """Start it, and wait until it listens. It ends with the tests at the latest."""
        atexit.register(self.stop)
        self._process = subprocess.Popen(
            [
                "nats-server",
                *("-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", self._folder),
                *self._arguments,
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return self

    @property
    def runs(self) -> bool:
        """Whether it was started and not stopped."""
        return self._process is not None

    def stop(self) -> None:
        """Kill it: what it has acknowledged is in its files, or in those of the others."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE_S)
            self._process = None
