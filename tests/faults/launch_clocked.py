"""Roomtone with a clock that the test sets: the file ``CLOCK_SHIFT`` says by how many seconds it is
off. What only ever runs, as ``time.monotonic``, is the machine's."""

import os
import sys
import time
from pathlib import Path

SHIFT = Path(os.environ["CLOCK_SHIFT"])
true_ns = time.time_ns


def shifted_ns() -> int:
    """Epoch nanoseconds, as far off as the file says at this moment."""
    return true_ns() + int(SHIFT.read_text()) * 1_000_000_000


if __name__ == "__main__":
    time.time_ns = shifted_ns
    time.time = lambda: shifted_ns() / 1e9
    from roomtone.cli import main

    sys.argv[0] = "roomtone"
    main()
