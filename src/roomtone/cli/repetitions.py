"""Repetitions: what is wrong with the machine is told once, and then how often.

A full disk fails every request, a thousand times a second; a line for each would take the very
space that somebody is freeing, and hide what else happens.
"""

import time
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import structlog

EVERY_S = 10.0
"""The same trouble is told again after so long."""
MAX_KINDS = 1_000
KIND = ("event", "error", "hint", "loop", "by_s")
"""What makes two lines the same: the clock set by another amount is another thing."""
OVER = "away_s"
"""A line with this tells that an outage is over: the next one is news, however soon it comes."""


class Repetitions:
    """A processor: drops lines with a ``hint`` (trouble that an operator can do something about)
    that repeat an earlier one; the next that is told says how many ``more`` there were."""

    def __init__(self, steady: Callable[[], float] = time.monotonic) -> None:
        self._steady = steady
        self._told: dict[tuple[str, ...], tuple[float, int]] = {}

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
        """See structlog. Raises DropEvent."""
        if OVER in event:
            self._told.clear()
        if "hint" not in event:
            return event
        kind = tuple(str(event.get(name)) for name in KIND)
        now = self._steady()
        at, more = self._told.get(kind, (now - EVERY_S, 0))
        if now - at < EVERY_S:
            self._told[kind] = at, more + 1
            raise structlog.DropEvent
        if len(self._told) >= MAX_KINDS:
            self._told.clear()
        self._told[kind] = now, 0
        if more:
            event["more"] = more
        return event
