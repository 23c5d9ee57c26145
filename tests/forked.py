"""Roomtone's processes, forked from one that has imported everything.

Of the second and more that starting takes, nine tenths are imports, and the suite starts hundreds.
So one process imports all of it once, and each start is a fork of it: a process of its own, with
its own arguments, environment, working folder and files, which ends as any other does.

What an import could do wrong must still be seen. ``Starts.may_fork`` says no to the first start of
every command, with every flag, and under every setting and role: these run in an interpreter of
their own, and so does whatever has another environment than this process had.

This file is also what runs in the process that imports (``python forked.py SOCKET``).
"""

import atexit
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import takewhile
from pathlib import Path
from typing import TextIO, TypedDict

LENGTH = struct.Struct("!I")
STATUS = struct.Struct("!i")
OURS = "ROOMTONE_"
PATIENCE_S = 10
KINDS = ("ROLE", "DATABASE", "JOURNAL", "FILES")
PASSING = "PYTEST_"
"""Variables that pytest changes from test to test; Roomtone reads none of them."""
IMPORTED = (
    *("roomtone.cli.serve", "roomtone.wiring", "roomtone.jobs.due", "roomtone.jobs.packing"),
    *("roomtone.jobs.durable", "roomtone.jobs.deliveries", "roomtone.jobs.posting"),
    *("roomtone.jobs.writer", "roomtone.services.summarising", "roomtone.web.metrics"),
    *("roomtone.storage.postgres_database", "roomtone.storage.journal_jetstream"),
    *("roomtone.storage.keyring", "roomtone.storage.encrypted_blobs", "alembic.command"),
    *("roomtone.wiring.rekeying", "uvicorn.lifespan.on", "dbos._sys_db_sqlite"),
    *("uvicorn.protocols.websockets.websockets_sansio_impl", "ua_parser_builtins.matchers"),
)
"""What a start imports, be it late; what is no longer called so is left out."""


class Order(TypedDict):
    """What to fork."""

    arguments: list[str]
    environment: dict[str, str]
    cwd: str
    script: str | None


class Forked:
    """A child of the process that imports, handled as ``subprocess.Popen`` would be."""

    def __init__(self, pid: int, status: int, stdout: TextIO | None) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """How it ended, if it has."""
        return self._look(0)

    def wait(self, timeout: float | None = None) -> int:
        """How it ended, once it has."""
        status = self._look(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("roomtone", timeout or 0)
        return status

    def _look(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._status, selectors.EVENT_READ)
                if not selector.select(timeout):
                    return None
            told = os.read(self._status, STATUS.size)
            os.close(self._status)
            # Who would tell it has ended itself, and its children with it.
            self.returncode = STATUS.unpack(told)[0] if told else -signal.SIGKILL
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Starts:
    """The process that imports, and what was started here so far."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._lasting = lasting(environment)
        self._seen: set[str] = set()
        self._lock = threading.Lock()
        self._wire, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self.close)

    def close(self) -> None:
        """What it forked ends with it."""
        self._wire.close()
        try:
            self._process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def may_fork(
        self,
        arguments: Iterable[str | Path],
        environment: Mapping[str, str],
        script: Path | None = None,
    ) -> bool:
        """Whether every part of such a start was seen before, and nothing that an import may read
        is new."""
        words = [str(one) for one in arguments]
        command = " ".join((script.name if script else "roomtone", *takewhile(str.isalpha, words)))
        parts = {
            command,
            *(f"{command} {word.partition('=')[0]}" for word in words if word.startswith("-")),
            *(name for name in environment if name.startswith(OURS)),
            # A role, or a journal in another place, has modules of its own.
            *(f"{kind} {environment.get(OURS + kind, '').partition(':')[0]}" for kind in KINDS),
        }
        with self._lock:
            fresh = parts - self._seen
            self._seen |= parts
        return not fresh and lasting(environment) == self._lasting

    def fork(
        self,
        arguments: Iterable[str | Path],
        environment: Mapping[str, str],
        *,
        stdout: int,
        stderr: int,
        cwd: Path | None = None,
        script: Path | None = None,
        reads: TextIO | None = None,
    ) -> Forked:
        """``roomtone ARGUMENTS``, or a script of ours that runs it. ``reads``: what comes of its
        ``stdout``."""
        order: Order = {
            "arguments": [str(one) for one in arguments],
            "environment": dict(environment),
            "cwd": str(cwd or Path.cwd()),
            "script": None if script is None else str(script),
        }
        body = json.dumps(order).encode()
        status, told = os.pipe()
        with self._lock:
            socket.send_fds(self._wire, [LENGTH.pack(len(body))], [stdout, stderr, told])
            self._wire.sendall(body)
            answer = read_exactly(self._wire, LENGTH.size)
        os.close(told)
        return Forked(LENGTH.unpack(answer)[0], status, reads)


def lasting(environment: Mapping[str, str]) -> dict[str, str]:
    """What is there besides our settings and pytest's notes."""
    return {
        name: value for name, value in environment.items() if not name.startswith((OURS, PASSING))
    }


def read_exactly(wire: socket.socket, count: int) -> bytes:
    """So many bytes."""
    found = b""
    while len(found) < count:
        more = wire.recv(count - len(found))
        if not more:
            raise EOFError("the process that imports Roomtone has ended")
        found += more
    return found


# --- in the process that imports ----------------------------------------------------------------


class Forks:
    """Forks as it is ordered, and tells how each child ended."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._told: dict[int, int] = {}
        """By child: where to tell of its end."""
        self._woken, self._wakes = os.pipe()
        os.set_blocking(self._wakes, False)
        signal.set_wakeup_fd(self._wakes, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        # ^C is for the tests and for the servers, which end in order.
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def until_child(self) -> str | None:
        """Fork and reap for ever. In a child: the script that it is to run, or None."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wire, selectors.EVENT_READ, "order")
            selector.register(self._woken, selectors.EVENT_READ, "reap")
            while True:
                for key, _ in selector.select():
                    if key.data == "reap":
                        os.read(self._woken, 4096)
                        self._reap()
                        continue
                    order = self._order()
                    if order is not None:
                        return order[0]

    def _order(self) -> tuple[str | None] | None:
        """In a child: what it is to run."""
        head, files, _, _ = socket.recv_fds(self._wire, LENGTH.size, 3)
        if not head:
            for child in self._told:
                os.kill(child, signal.SIGKILL)
            sys.exit()
        order: Order = json.loads(read_exactly(self._wire, LENGTH.unpack(head)[0]))
        child = os.fork()
        if child == 0:
            self._become(order, files)
            return (order["script"],)
        stdout, stderr, told = files
        os.close(stdout)
        os.close(stderr)
        self._told[child] = told
        self._wire.sendall(LENGTH.pack(child))
        return None

    def _become(self, order: Order, files: list[int]) -> None:
        """A process as if it had been started so."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stdout, stderr, told = files
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        for file in (stdout, stderr, told, self._woken, self._wakes, *self._told.values()):
            os.close(file)
        self._wire.close()
        os.chdir(order["cwd"])
        os.environ.clear()
        os.environ.update(order["environment"])
        sys.argv = ["roomtone", *order["arguments"]]

    def _reap(self) -> None:
        while self._told:
            child, status = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return
            told = self._told.pop(child)
            with suppress(BrokenPipeError):  # nobody asks any more
                os.write(told, STATUS.pack(os.waitstatus_to_exitcode(status)))
            os.close(told)


def import_all() -> None:
    """All that a start would import, as far as it is there."""
    import gc
    from importlib import import_module

    from roomtone.cli import COMMANDS

    for name in (*IMPORTED, *(f"roomtone.cli.{module}" for module in COMMANDS.values())):
        with suppress(ImportError):
            import_module(name)
    gc.collect()
    gc.freeze()  # else every child would write, and so copy, each page of it


if __name__ == "__main__":
    sys.path.pop(0)  # this folder, which is on no path of Roomtone's
    import_all()
    script = Forks(socket.socket(fileno=int(sys.argv[1]))).until_child()
    if script is None:
        from roomtone.cli import main

        main()
    else:
        import runpy

        runpy.run_path(script, run_name="__main__")
