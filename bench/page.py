"""docs/performance.md: its table, made from what each part found the last time it was measured."""

import os
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from bench.figures import HEADINGS, Figure

DOCS = Path(__file__).resolve().parent.parent / "docs"
KEPT = DOCS / "performance.json"
PAGE = DOCS / "performance.md"
BEGIN = "<!-- what `make bench` wrote: begin -->\n"
END = "<!-- what `make bench` wrote: end -->\n"


class Measured(Struct, frozen=True, kw_only=True):
    """What a part found, and how much that is worth."""

    day: str
    machine: str
    quick: bool
    load: float
    """Processes that wanted to run, a minute's mean, before the part began: what else went on."""
    figures: list[Figure]


def measured(figures: Sequence[Figure], machine: str, load: float, *, quick: bool) -> Measured:
    """What a part found, today."""
    return Measured(
        day=time.strftime("%Y-%m-%d"),
        machine=machine,
        quick=quick,
        load=round(load, 1),
        figures=list(figures),
    )


def load() -> float:
    """Processes that want to run, the last minute's mean."""
    return os.getloadavg()[0]


def kept() -> dict[str, Measured]:
    """What is known so far: the last measurement of each part, by its name."""
    return msgspec.json.decode(KEPT.read_bytes(), type=dict[str, Measured])


def keep(found: dict[str, Measured], order: Sequence[str]) -> None:
    """Take in what was measured now, and write the page's table anew."""
    known = kept() | found
    known = {part: known[part] for part in order if part in known}
    KEPT.write_bytes(msgspec.json.format(msgspec.json.encode(known), indent=1) + b"\n")
    PAGE.write_text(written(PAGE.read_text(), known))


def written(page: str, known: dict[str, Measured]) -> str:
    """The page with the table of what is known."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has lost the lines between which its table stands")
    return before + BEGIN + "\n" + table(known) + "\n" + END + after


def table(known: dict[str, Measured]) -> str:
    """Markdown: a line for each figure, then when and where each part was measured."""
    rows = [HEADINGS, ("---",) * len(HEADINGS)]
    rows += [figure.cells() for part in known.values() for figure in part.figures]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    occasions: dict[str, list[str]] = {}
    for name, part in known.items():
        run = "short run" if part.quick else "whole run"
        occasion = f"{part.day}, {run}, load {part.load:g}; {part.machine}"
        occasions.setdefault(occasion, []).append(name)
    lines += ["", *(f"* *{', '.join(names)}*: {when}" for when, names in occasions.items())]
    return "\n".join(lines) + "\n"
