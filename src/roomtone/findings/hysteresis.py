"""Hysteresis: a row of numbers → the runs in which they were bad.

Raised when ``k`` of the last ``n`` known values are past ``raise_at``. Cleared by a value at or
under ``clear_at``, after three that are not past ``raise_at``, or after three that are missing.
Runs that are less than three values apart are one. Worse numbers never end a run sooner.
"""

from collections.abc import Sequence

from msgspec import Struct

CLEAN = 3
"""Clean intervals that end a run whatever their value; as many missing ones do."""
SEVERE = 2
"""Values past the second number that make it the second severity."""

Values = Sequence[float | None]


class Rule(Struct, frozen=True):
    """When a row of numbers is bad."""

    raise_at: float
    clear_at: float
    severe_at: float | None = None
    k: int = 1
    n: int = 1
    falling: bool = False
    """Whether less is worse."""


class Run(Struct):
    """Places in the row: the first and the last bad value, the worst; all ends included."""

    first: int
    last: int
    worst: int
    severe: bool = False
    open: bool = False
    """Still so at the end of the row."""


def any_past(values: Values, rule: Rule) -> bool:
    """Whether the row has anything to look at: most rows do not."""
    known = [value for value in values if value is not None]
    if not known:
        return False
    return min(known) < rule.raise_at if rule.falling else max(known) > rule.raise_at


def runs(values: Values, rule: Rule) -> list[Run]:
    """The bad runs of a row, ascending."""
    if not any_past(values, rule):
        return []
    sign = -1.0 if rule.falling else 1.0
    found = _raised(values, rule, sign)
    merged: list[Run] = []
    for run in found:
        if merged and run.first - merged[-1].last <= CLEAN:
            before = merged[-1]
            before.last, before.open = max(before.last, run.last), run.open
        else:
            merged.append(run)
    for run in merged:
        places = [i for i in range(run.first, run.last + 1) if values[i] is not None]
        run.worst = max(places, key=lambda i: sign * (values[i] or 0.0))
        if rule.severe_at is not None:
            limit = sign * rule.severe_at
            past = sum(1 for i in places if sign * (values[i] or 0.0) > limit)
            run.severe = past >= min(SEVERE, rule.k)
    return merged


def _raised(values: Values, rule: Rule, sign: float) -> list[Run]:
    raise_at, clear_at = sign * rule.raise_at, sign * rule.clear_at
    found: list[Run] = []
    recent: list[int] = []  # places of the last n known values that are past raise_at …
    known = 0
    order: dict[int, int] = {}  # … and how many values were known before them
    active: Run | None = None
    clean = missing = 0
    for i, given in enumerate(values):
        if given is None:
            missing += 1
            if missing >= CLEAN:
                active, recent = None, []
            continue
        value, missing, known = sign * given, 0, known + 1
        recent = [place for place in recent if known - order[place] < rule.n]
        if value > raise_at:
            recent.append(i)
            order[i] = known
            clean = 0
            if active is None and len(recent) >= rule.k:
                active = Run(recent[0], i, i)
                found.append(active)
            elif active is not None:
                active.last = i
        elif active is not None:
            clean += 1
            if value <= clear_at or clean >= CLEAN:
                active = None
    if active is not None:
        active.open = True
    return found
