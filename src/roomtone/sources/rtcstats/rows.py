"""Rows: what every rtcstats writer says, one call or event at a time, with a time of its own."""

from typing import Any

from msgspec import Struct

from roomtone.model.errors import BadRequest
from roomtone.model.limits import MAX_ID_CHARS
from roomtone.sources.faults import MALFORMED
from roomtone.sources.rtcstats.numbers import GET_STATS, METHODS

LATEST_MS = 253_402_300_799_999
"""The end of the year 9999, the last that ISO 8601 can show."""
ABSOLUTE_MS = 100_000_000_000
"""A time past this is epoch milliseconds (1973 and later); below it, time since the row before."""
NOBODY = frozenset({"undefined-undefined", ""})
"""Chrome before 145 names the connection so of what belongs to none."""
COUNTED, NAMED = "getStats", "getstats"
"""getStats() results of protocols 4.0 and 5.0, and those of 2.0 and 3.1."""


class Row(Struct, frozen=True):
    """One of them. ``pc``: the connection, None for the page's own."""

    method: str
    pc: str | None
    value: Any
    t: int
    extra: tuple[Any, ...] = ()


class Timeline:
    """Turns times that count from the row before into epoch milliseconds."""

    def __init__(self) -> None:
        self._at: float | None = None

    def at(self, said: Any) -> int:
        """The time of a row that says so. Raises BadRequest."""
        if isinstance(said, bool) or not isinstance(said, int | float):
            raise BadRequest("A row ends with its time: a number of milliseconds.")
        if said >= ABSOLUTE_MS:
            at = float(said)
        elif self._at is None:
            raise BadRequest("The first row must say its time in epoch milliseconds.")
        else:
            at = self._at + said
        if not 0 <= at <= LATEST_MS:
            raise BadRequest("A row's time is not between 1970 and 9999.")
        self._at = at
        return int(at)


def row_of(values: Any, timeline: Timeline) -> Row:
    """``[method, pc, value, …, time]`` as a row. Raises BadRequest."""
    if not isinstance(values, list) or len(values) < 4:
        raise BadRequest("A row is [method, connection, value, …, time].")
    method = method_of(values[0])
    pc = values[1]
    if not isinstance(pc, str | None):
        raise BadRequest("A row's second member is a connection's name or null.")
    return Row(
        method=method,
        pc=None if pc is None or pc in NOBODY else pc[:MAX_ID_CHARS],
        value=values[2],
        t=timeline.at(values[-1]),
        extra=tuple(values[3:-1]),
    )


def method_of(said: Any) -> str:
    """A method's name; numbers that no table knows become ``#<number>``. Raises BadRequest."""
    if isinstance(said, bool) or not isinstance(said, int | str) or said == "":
        raise BadRequest("A row begins with its method: a word or a number.")
    if said in GET_STATS:
        return COUNTED
    if isinstance(said, int):
        return METHODS.get(said, f"#{said}"[:MAX_ID_CHARS])
    return said[:MAX_ID_CHARS]


__all__ = ["COUNTED", "MALFORMED", "NAMED", "Row", "Timeline", "method_of", "row_of"]
