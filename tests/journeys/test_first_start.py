"""What `roomtone serve` tells whoever started it: secrets to a person, places to a log."""

import json
import os
import pty
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from journey_server import START_S, environment

LAST_LINE = b"Console: "
"""What `serve` tells last, before it answers."""


def _told(data: Path, *, terminal: bool) -> str:
    """What a `serve` on the folder ``data`` says on its standard output until it answers."""
    reader, writer = pty.openpty() if terminal else os.pipe()
    command = [sys.executable, "-m", "roomtone", "serve", "--data", str(data), "--port", "0"]
    with subprocess.Popen(
        command, env=environment(), stdout=writer, stderr=subprocess.DEVNULL
    ) as served:
        os.close(writer)
        said = b""
        deadline = time.monotonic() + START_S
        try:
            # Its last line is told whole, or the pseudo-terminal ends it.
            while b"\n" not in said.partition(LAST_LINE)[2]:
                assert time.monotonic() < deadline, said
                piece = b""
                with suppress(OSError):
                    piece = os.read(reader, 65_536)
                assert piece, f"serve ended: {said!r}"
                said += piece
        finally:
            served.terminate()
            os.close(reader)
    return said.decode()


@pytest.mark.parametrize("terminal", [True, False])
def test_secrets_are_shown_at_a_terminal_only(tmp_path: Path, terminal: bool) -> None:
    data = tmp_path / "data"

    first = _told(data, terminal=terminal)
    again = _told(data, terminal=terminal)

    kept = json.loads((data / "credentials.json").read_text())
    assert str(data / "credentials.json") in first
    assert (kept["api_token"] in first) is terminal
    assert kept["api_token"] not in again
    for said in (first, again):
        assert ("/console#/enter/" in said) is terminal
        assert "`roomtone console`" in said
