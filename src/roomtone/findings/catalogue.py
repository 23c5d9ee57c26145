"""Catalogue: every detector, and the numbers that an app may override.

Rules and defaults are quality.md 5; docs/findings.md shows them in a table.
"""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from math import isfinite
from typing import Any

import msgspec
from msgspec import Struct

from roomtone.findings import audio, devices, flow, loss, presence, transport, video
from roomtone.findings.detector import CUT_OFF, Detector, Limits, Threshold
from roomtone.model.errors import Fault, Invalid

__all__ = ["BY_ID", "CUT_OFF", "DETECTORS", "MODEL", "Detector", "Threshold", "Thresholds"]

MODEL = "findings-1"
"""The rules, the attribution and the words; a change that gives other findings is another model."""

DETECTORS: tuple[Detector, ...] = (
    *transport.DETECTORS,
    *loss.DETECTORS,
    *audio.DETECTORS,
    *flow.DETECTORS,
    *video.DETECTORS,
    *devices.DETECTORS,
    *presence.DETECTORS,
)
BY_ID: dict[str, Detector] = {detector.id: detector for detector in DETECTORS}
DEFAULTS: dict[str, Limits] = {
    detector.id: {threshold.name: threshold.value for threshold in detector.thresholds}
    for detector in DETECTORS
}
Overrides = Mapping[str, Mapping[str, float]]
"""Detector id → threshold → number."""


class Thresholds(Struct, frozen=True):
    """The numbers in force for an app: the catalogue's, with its own in their place."""

    limits: Mapping[str, Limits]
    model: str
    """``findings-1``, with a hash of the overrides where there are any."""

    @classmethod
    def of(cls, overrides: Overrides | None) -> "Thresholds":
        """Detector id → name → number. Raises Invalid with every fault."""
        if not overrides:
            return cls(DEFAULTS, MODEL)
        faults = list(_faults(overrides))
        if faults:
            raise Invalid("Some thresholds are wrong.", tuple(faults))
        limits = {
            name: _with(numbers, overrides[name]) if name in overrides else numbers
            for name, numbers in DEFAULTS.items()
        }
        changed = sorted(
            (name, key, value)
            for name, numbers in limits.items()
            for key, value in numbers.items()
            if value != DEFAULTS[name][key]
        )
        if not changed:
            return cls(DEFAULTS, MODEL)
        digest = sha256(msgspec.json.encode(changed)).hexdigest()[:8]
        return cls(limits, f"{MODEL}-{digest}")

    def __getitem__(self, detector_id: str) -> Limits:
        """The numbers of one detector by name."""
        return self.limits[detector_id]


def _with(numbers: Limits, own: Mapping[str, float]) -> Limits:
    """The numbers with an app's own; a second number that the first has passed goes with it."""
    made = {**numbers, **{name: float(value) for name, value in own.items()}}
    for first, second in _passed(numbers, made):
        if second not in own:
            made[second] = made[first]
    return made


def _passed(defaults: Limits, numbers: Limits) -> Iterator[tuple[str, str]]:
    """First and second numbers (what raises and what clears it) on each other's wrong side."""
    for first in numbers:
        what, _, unit = first.partition("_")
        if what != "raise":
            continue
        for second in (f"clear_{unit}", f"error_{unit}"):
            if second not in numbers:
                continue
            above = defaults[second] > defaults[first]
            apart = numbers[second] - numbers[first]
            if apart < 0 if above else apart > 0:
                yield first, second


def _faults(overrides: Mapping[str, Any]) -> Iterator[Fault]:
    for name, numbers in overrides.items():
        detector = BY_ID.get(name)
        if detector is None:
            yield Fault(name, "no detector has this id; the catalogue lists them all")
        elif not isinstance(numbers, Mapping):
            yield Fault(name, "has to be an object: threshold to number")
        else:
            faults = list(_faults_of(detector, numbers))
            yield from faults
            if not faults:
                yield from _crossed(name, numbers)


def _faults_of(detector: Detector, numbers: Mapping[str, Any]) -> Iterator[Fault]:
    known = {threshold.name: threshold for threshold in detector.thresholds}
    for key, value in numbers.items():
        where = f"{detector.id}.{key}"
        if key not in known:
            names = ", ".join(known) or "none"
            yield Fault(where, f"no such threshold; this detector has: {names}")
            continue
        least, most = known[key].range
        if not _number(value) or not least <= value <= most:
            unit = f" {known[key].unit}" if known[key].unit else ""
            yield Fault(where, f"has to be a number from {least:g} to {most:.10g}{unit}")
        elif known[key].whole and value != int(value):
            yield Fault(where, "has to be a whole number")


def _crossed(name: str, own: Mapping[str, float]) -> Iterator[Fault]:
    defaults = DEFAULTS[name]
    numbers = {**defaults, **own}
    for first, second in _passed(defaults, numbers):
        if second in own:
            side = "under" if defaults[second] > defaults[first] else "over"
            why = f"must not be {side} {first}, which is {numbers[first]:g}"
            yield Fault(f"{name}.{second}", why)


def _number(value: Any) -> bool:
    if isinstance(value, float):
        return isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)
