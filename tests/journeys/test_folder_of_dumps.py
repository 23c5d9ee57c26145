"""A folder of dumps of every kind, some broken: taken in with a kill -9 in the middle, nothing
lost, nothing twice, and told file by file.

``ROOMTONE_DUMPS=1000`` makes it a thousand files; CI takes sixty.
"""

import gzip
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from journey_server import environment, roomtone_command, told
from player import BUNDLED

WIRES = Path(__file__).resolve().parents[1] / "data" / "wires"
FILES = int(os.environ.get("ROOMTONE_DUMPS", "60"))
RECORDED = (
    BUNDLED / "chrome-standard-pc-reconnect.jsonl.gz",
    WIRES / "two-party.rtcstats",
    WIRES / "webrtc-internals-clean.json.gz",
    BUNDLED / "google-standard-stats-sfu.jsonl.gz",
    WIRES / "chrome-written-rtcstats-dump.gz",
    BUNDLED / "getstats-lossy.json.gz",
    BUNDLED / "firefox-standard-stats-sfu.jsonl.gz",
    BUNDLED / "safari-standard-stats.jsonl.gz",
)
BROKEN_ONE_IN = 10
HOUR_MS = 3_600_000
EPOCH_MS = re.compile(rb"\b1[5-8]\d{11}\b")
MAX_KB = 600_000
"""Of the process that imports, whatever it has taken in before."""


def moved(data: bytes, by_ms: int) -> bytes:
    """A dump told at another time: another file."""
    return EPOCH_MS.sub(lambda found: b"%d" % (int(found[0]) - by_ms), data)


def make_folder(folder: Path, count: int) -> set[str]:
    """Dumps in subfolders, every other one gzip; the names of those that are broken."""
    plain = []
    for file in RECORDED:
        data = file.read_bytes()
        plain.append(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data)
    broken = set()
    for number in range(count):
        file = folder / f"{number // 100}" / f"{number:04}"
        file.parent.mkdir(parents=True, exist_ok=True)
        data = moved(plain[number % len(plain)], (number + 1) * HOUR_MS)
        if number % BROKEN_ONE_IN == BROKEN_ONE_IN - 1:
            broken.add(file.name)
            wrong = (b"", b"no dump at all", b"\x1f\x8b" + data[:99], b"[[" + data[:5_000])
            data = wrong[number // BROKEN_ONE_IN % len(wrong)]
        elif number % 2:
            data = gzip.compress(data, 1)
        file.write_bytes(data)
    return broken


def start(folder: Path, data: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "roomtone", "import", folder, "--data", data, "--json"]
    return subprocess.Popen(
        [*map(str, command)],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines_of(out: str) -> dict[str, dict[str, Any]]:
    told_of = [json.loads(line) for line in out.splitlines() if line.endswith("}")]
    return {Path(line["file"]).name: line for line in told_of}


class Largest:
    """The largest size that a process has had, looked at while it runs: what the system tells of
    children that have ended counts in what their parent held when it started them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.kb = 0
        self._process = process
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        status = Path(f"/proc/{self._process.pid}/status")
        while self._process.returncode is None:
            try:
                told = status.read_text()
            except OSError:
                return  # it has ended
            found = re.search(r"^VmHWM:\s+(\d+) kB", told, re.MULTILINE)
            self.kb = max(self.kb, int(found[1]) if found else 0)
            time.sleep(0.05)


def test_a_killed_import_goes_on_and_every_file_is_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, data = tmp_path / "dumps", tmp_path / "data"
    broken = make_folder(folder, FILES)
    told("init", "--data", data)

    begun = time.monotonic()
    killed = start(folder, data)
    assert killed.stdout is not None
    before = [killed.stdout.readline() for _ in range(FILES // 3)]
    killed.kill()
    before.append(killed.communicate()[0])
    first = lines_of("".join(before))
    running = start(folder, data)
    largest = Largest(running)
    out, errors = running.communicate(timeout=3_000)
    seconds = time.monotonic() - begun

    second = lines_of(out)
    assert running.returncode == 1
    assert f"{len(broken)} of {FILES} files were not imported" in errors
    assert len(second) == FILES
    assert {name for name, line in second.items() if "error" in line} == broken
    good = {name: line for name, line in second.items() if "error" not in line}
    assert all(line["session_ids"] for line in good.values())
    # What was told of before the kill was kept, and is passed over.
    kept = {name for name, line in first.items() if "error" not in line}
    assert len(kept) > FILES // 5
    assert all(second[name]["known"] for name in kept)
    assert {name: first[name]["session_ids"] for name in kept} == {
        name: second[name]["session_ids"] for name in kept
    }
    # No file twice: importing the lot again adds nothing, and as many sessions as calls are there.
    sessions = {one for line in good.values() for one in line["session_ids"]}
    assert sum(not line["known"] for line in good.values()) >= FILES * 9 // 10 - len(first) - 1
    again = roomtone_command("import", folder, "--data", data)
    assert again.stdout.count("was there already") == len(good)
    assert f"{FILES} files" in again.stderr
    assert sessions
    with capsys.disabled():
        print(f"\n{FILES} files, killed once: {seconds:.0f} s, at most {largest.kb // 1024} MB")
    assert 0 < largest.kb < MAX_KB
