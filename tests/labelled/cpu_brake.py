"""A slow computer: processes that are stopped for most of every few milliseconds.

Throttling by the DevTools protocol slows only a page's main thread, and media are not coded there;
competing for the cores would slow everybody else's browser too.
"""

import os
import signal
import time
from contextlib import suppress

PERIOD_S = 0.010
"""Short beside the interval of two frames, so that it does not look like a network that jitters."""


def hold_down(pids: list[int], share: float) -> None:
    """Let the processes run for this share of the time, until this one is terminated."""
    ended = False

    def end(*_: object) -> None:
        nonlocal ended
        ended = True

    signal.signal(signal.SIGTERM, end)
    parent = os.getppid()
    while not ended and os.getppid() == parent:
        _tell(pids, signal.SIGSTOP)
        time.sleep(PERIOD_S * (1 - share))
        _tell(pids, signal.SIGCONT)
        time.sleep(PERIOD_S * share)


def _tell(pids: list[int], what: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, what)
