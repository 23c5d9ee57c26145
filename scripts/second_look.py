"""After a run of tests that failed: those that live in real time, once more and alone.

``second_look.py STATUS``, STATUS being what pytest ended with. A call between real browsers, a
killed process and a command's whole journey share two cores with whatever else runs. If at most
three such tests failed, and no other, each gets a second run with the machine to itself. The
verdict names what failed beside others and passed alone: it is to be mended, but it is not a broken
build. Everything else that fails, fails.
"""
# ruff: noqa: T201 - this talks to the person who runs it

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FAILED = ROOT / ".pytest_cache/v/cache/lastfailed"
REAL_TIME = ("tests/browser/", "tests/faults/", "tests/journeys/")
AT_MOST = 3
TESTS_FAILED = 1
"""pytest's status; others say that the run itself came to no end."""


def worth_it(status: int, failed: list[str]) -> bool:
    """Whether a second look can change anything."""
    return (
        status == TESTS_FAILED
        and 0 < len(failed) <= AT_MOST
        and all(name.startswith(REAL_TIME) for name in failed)
    )


def main(status: int) -> int:
    """The status of both runs together."""
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if not worth_it(status, failed):
        return status
    print(f"\n{len(failed)} failed beside others; once more, alone:\n", flush=True)
    command = [sys.executable, "-m", "pytest", "-n", "0", *failed]
    again = subprocess.run(command, cwd=ROOT).returncode  # noqa: S603 - our own tests' names
    if again == 0:
        print("\nFAILED BESIDE OTHERS, PASSED ALONE (to be mended):", *failed, sep="\n  ")
    return again


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
