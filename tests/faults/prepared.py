"""A server that is started through something: a launcher of ours, a library, another user."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from journey_server import JourneyServer, environment

HERE = Path(__file__).parent
FORKED = (None, "launch_killed.py")
"""Launchers that work on what is imported already; others must be there before any import."""


class PreparedServer(JourneyServer):
    """``launcher``: a script beside this one that runs Roomtone's command line after it has put
    something in its way; ``variables``: for the process, besides the settings."""

    def __init__(self, data: Path, **settings: Any) -> None:
        super().__init__(data, **settings)
        self.launcher: str | None = None
        self.variables: dict[str, str] = {}
        self.user: int | None = None

    def launch(self, port: int = 0) -> None:
        """Start it, and wait for nothing."""
        command = ["serve", "--data", str(self.data), "--port", str(port)]
        if self.user is None and self.launcher in FORKED:
            script = None if self.launcher is None else HERE / self.launcher
            self._run(command, script, self.variables)
            return
        program: Sequence[str | Path] = ["-m", "roomtone"]
        if self.launcher is not None:
            program = [HERE / self.launcher]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *program, *command],
                env=environment(**self.settings) | self.variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else [],
            )

    def exited(self, patience_s: float = 60) -> int:
        """Wait until it has ended by itself; its exit status."""
        assert self._process is not None
        status = self._process.wait(patience_s)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process = None
        return status

    def told(self) -> str:
        """What it has logged so far."""
        return self.log.read_text()
