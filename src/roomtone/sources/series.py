"""Series: one list of values for each member of a stats object → one report for each poll.

Every object has a time axis of its own. Most of them say the time of the poll; those that tell of
the other end say when they were last heard of, so their place among the polls is worked out: the
earliest that lets no value come before it was known.
"""

from bisect import bisect_left
from typing import Any

NO_AXIS = "{} stats objects have no time axis (Chrome before 117) and were left out"
SLACK_MS = 1.0
_TEXTS = frozenset({"mid", "rid"})
_OTHER_END = "remote-inbound-rtp"


class Series:
    """The values of one stats object, by member."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.members: dict[str, list[Any]] = {}

    @property
    def axis(self) -> list[float]:
        """Epoch ms of each sample; empty where they are not told, or told wrongly."""
        times = self.members.get("timestamp", [])
        if all(isinstance(t, int | float) and t > 0 for t in times):
            return times
        return []

    def objects(self, stat_id: str, size: int) -> list[dict[str, Any]]:
        """The stats object at each sample; a member whose series is shorter began later."""
        rows: list[dict[str, Any]] = [{"id": stat_id, "type": self.kind} for _ in range(size)]
        for member, values in self.members.items():
            if member == "type":
                continue
            text = member in _TEXTS
            # Tail alignment; of a longer series the tail is what the axis tells of.
            tail = values[-size:]
            for row, value in zip(rows[size - len(tail) :], tail, strict=True):
                row[member] = f"{value}" if text and isinstance(value, int) else value
        return rows


def polls(found: dict[str, Series]) -> list[tuple[float, list[dict[str, Any]]]]:
    """(time, report) of each poll, ascending."""
    axes = {stat_id: series.axis for stat_id, series in found.items()}
    times = sorted(
        {t for stat_id, axis in axes.items() if found[stat_id].kind != _OTHER_END for t in axis}
    )
    reports: list[list[dict[str, Any]]] = [[] for _ in times]
    place = {t: number for number, t in enumerate(times)}
    for stat_id, series in found.items():
        axis = axes[stat_id]
        at_polls = all(t in place for t in axis)
        first = 0 if at_polls else _first(axis, times)
        for number, stat in enumerate(series.objects(stat_id, len(axis))):
            at = place[axis[number]] if at_polls else first + number
            if at < len(reports):
                reports[at].append(stat)
    return list(zip(times, reports, strict=True))


def _first(axis: list[float], times: list[float]) -> int:
    """The poll of the first of consecutive values: the earliest at which none is from later."""
    first = 0
    for number, t in enumerate(axis):
        first = max(first, bisect_left(times, t - SLACK_MS) - number)
    return max(0, min(first, len(times) - len(axis)))
