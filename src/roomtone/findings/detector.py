"""Detector: what one kind of finding is: its words, its numbers, and what silences it."""

from collections.abc import Mapping

from msgspec import Struct

from roomtone.model.findings import Severity

Limits = Mapping[str, float]
"""A detector's thresholds by name."""

CUT_OFF = ("ice_failed", "ice_disconnected", "transport_stall", "stats_gap")
"""While one of these is active, what follows from it is silent (quality.md 5)."""


MOST = 1e9
RANGES = {"%": (0.0, 100.0), "RMS": (0.0, 1.0), "MOS": (1.0, 5.0), "share": (0.0, 1.0)}
"""By unit; every other number is from 0 to ``MOST``."""


class Threshold(Struct, frozen=True):
    """One number of a rule; an app may have its own."""

    name: str
    value: float
    unit: str
    """``""``: a count or a ratio."""
    says: str
    least: float = 0.0
    whole: bool = False
    """Whether it counts something."""

    @property
    def range(self) -> tuple[float, float]:
        """The smallest and the largest that it may be."""
        least, most = RANGES.get("share" if self.name.endswith("_ratio") else self.unit, (0, MOST))
        return max(least, self.least), most


class Detector(Struct, frozen=True, kw_only=True):
    """One row of the catalogue."""

    id: str
    title: str
    severity: Severity
    second_severity: Severity | None = None
    """What it becomes past its second number, or as its rule says."""
    raises: str
    clears: str
    unit: str | None = None
    """Of a finding's ``worst``."""
    says: str
    """The sentence: ``{who}`` noticed it, ``{other}`` sent the stream, ``{worst}``."""
    advice: str
    source: str
    thresholds: tuple[Threshold, ...] = ()
    suppressed_by: tuple[str, ...] = ()

    def rule(self, limits: Limits) -> tuple[str, str]:
        """What raises it and what clears it, with these numbers."""
        numbers = {name: f"{value:g}" for name, value in limits.items()}
        return self.raises.format(**numbers), self.clears.format(**numbers)
