"""Figures: what a part of the benchmark found, and the table that shows it to people."""

import statistics
from collections.abc import Sequence

from msgspec import Struct

HEADINGS = ("part", "figure", "floor", "ratio", "goal", "")
WIDTHS = (9, 46, 38, 7, 10, 8)


class Figure(Struct, frozen=True, kw_only=True):
    """One line of the table."""

    part: str
    what: str
    value: float
    unit: str
    floor: float | None = None
    """The same unit, measured in the same run; None where there is nothing to compare with."""
    floor_is: str = ""
    goal: float | None = None
    """Of the ratio where there is a floor, else of the value; None: told, but nothing is asked."""
    more_is_better: bool = True

    @property
    def ratio(self) -> float | None:
        """The value, as a share or multiple of the floor."""
        return None if not self.floor else self.value / self.floor

    @property
    def met(self) -> bool | None:
        """None: there is no goal."""
        if self.goal is None:
            return None
        judged = self.value if self.ratio is None else self.ratio
        return judged >= self.goal if self.more_is_better else judged <= self.goal

    def cells(self) -> tuple[str, ...]:
        """The line, cell by cell, as :data:`HEADINGS` names them."""
        sign = "≥" if self.more_is_better else "≤"
        goal = "" if self.goal is None else f"{sign} {shown(self.goal)}"
        if self.goal is not None and self.ratio is None:
            goal += f" {self.unit}"
        verdict = {None: "", True: "met", False: "NOT MET"}[self.met]
        return (
            self.part,
            f"{self.what}: {shown(self.value)} {self.unit}",
            "–" if self.floor is None else f"{self.floor_is}: {shown(self.floor)} {self.unit}",
            "–" if self.ratio is None else f"{self.ratio:.2f}",
            goal,
            verdict,
        )


def shown(number: float) -> str:
    """A number with as many digits as mean something."""
    if number >= 100:
        return f"{number:,.0f}"
    return f"{number:.3g}"


def line(cells: Sequence[str]) -> str:
    """One line of the table."""
    return "  ".join(f"{cell:{width}s}" for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def percentile(ordered: Sequence[float], share: float) -> float:
    """Of values in ascending order, the one that ``share`` of them do not exceed."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    """The middle of some runs."""
    return statistics.median(values)
