"""Outcome: what one fault test did and found, as a line of a table and as JSON."""

import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

LONG = os.environ.get("ROOMTONE_SOAK", "") not in ("", "0")
"""Whether faults are to be as many as a release wants them."""
PROPERTY = "fault_outcome"
FILE = "soak.json"
COLUMNS = (
    *("faults", "calls", "accepted", "sent_again", "unheard"),
    *("refused", "lost", "doubled", "invented"),
)
"""What is counted for every fault; the rest of an outcome is told beside it."""


@dataclass
class Outcome:
    """Counts of one test. ``told`` is anything more that is worth a word."""

    name: str
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COLUMNS, 0))
    told: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def add(self, **counts: int) -> None:
        """Count more of something."""
        for name, count in counts.items():
            self.counts[name] += count

    def progress(self, text: str) -> None:
        """A line for whoever watches a long run (pytest -s)."""
        print(
            f"  {time.monotonic() - self.began:7.1f} s  {self.name.removeprefix('test_')}: {text}",
            file=sys.stderr,
            flush=True,
        )

    def as_json(self) -> str:
        """For the report of the test."""
        seconds = round(time.monotonic() - self.began, 1)
        return json.dumps({"name": self.name, "seconds": seconds, **self.counts, **self.told})


def table(found: Sequence[dict[str, Any]]) -> list[str]:
    """Lines of text, a fault each, with their sum."""
    width = max(len(one["name"]) for one in found)
    head = f"{'':{width}} {'seconds':>8} " + " ".join(f"{name:>10}" for name in COLUMNS)
    lines = [head]
    for one in [*found, {"name": "together", **_sums(found)}]:
        counts = " ".join(f"{one[name]:>10,}" for name in COLUMNS)
        failed = "" if one.get("passed", True) else "  FAILED"
        lines.append(f"{one['name']:{width}} {one['seconds']:>8,.0f} {counts}{failed}")
    return lines


def summary(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The whole run."""
    return {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "together": _sums(found),
        "passed": all(one["passed"] for one in found),
        "tests": list(found),
    }


def _sums(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {name: sum(one[name] for one in found) for name in ("seconds", *COLUMNS)}
