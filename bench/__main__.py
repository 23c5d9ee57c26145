"""``python -m bench [PART …]``: measure, print the table, end with 1 if a goal is missed."""

import argparse
import json
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import Protocol

from msgspec import to_builtins

from bench import (
    attendance,
    collector,
    console,
    days,
    deployments,
    folding,
    growth,
    importing,
    ingest,
    lists,
    memory,
    page,
    ready,
    reports,
    sockets,
    stored,
)
from bench.figures import HEADINGS, Figure, line
from bench.servers import LOAD_CORE, SERVER_CORE


class Part(Protocol):
    """A module that measures one thing."""

    def __call__(self, folder: Path, *, quick: bool) -> list[Figure]: ...


PARTS: dict[str, Part] = {
    "ingest": ingest.measure,
    "deployments": deployments.measure,
    "sockets": sockets.measure,
    "import": importing.measure,
    "reports": reports.measure,
    "lists": lists.measure,
    "days": days.measure,
    "attendance": attendance.measure,
    "fold": folding.measure,
    "stored": stored.measure,
    "memory": memory.measure,
    "growth": growth.measure,
    "ready": ready.measure,
    "collector": collector.measure,
    "console": console.measure,
}


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="shorter runs, a smaller list")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument("--write", action="store_true", help="into docs/performance.md, too")
    parser.add_argument("--folder", type=Path, help="where data folders are made (a real disk)")
    asked = parser.parse_args()
    unknown = set(asked.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; parts are {', '.join(PARTS)}")
    os.sched_setaffinity(0, {LOAD_CORE})
    where = machine()
    print(where)
    print(line(HEADINGS))
    figures: list[Figure] = []
    for name in asked.parts or PARTS:
        load = page.load()
        found = _measured(PARTS[name], asked.folder, asked.quick)
        if asked.write:
            page.keep({name: page.measured(found, where, load, quick=asked.quick)}, list(PARTS))
        figures += found
    if asked.json:
        told = [
            {**to_builtins(figure), "ratio": figure.ratio, "met": figure.met} for figure in figures
        ]
        asked.json.write_text(json.dumps({"machine": where, "figures": told}, indent=2))
    missed = [figure for figure in figures if figure.met is False]
    print(f"{len(missed)} missed" if missed else "every goal met")
    return int(bool(missed))


def _measured(part: Part, folder: Path | None, quick: bool) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="roomtone-bench-", dir=folder) as made:
        figures = part(Path(made), quick=quick)
    for figure in figures:
        print(line(figure.cells()))
    sys.stdout.flush()
    return figures


def machine() -> str:
    """What this is measured on."""
    model = next(
        (
            row.partition(":")[2].strip()
            for row in Path("/proc/cpuinfo").read_text().splitlines()
            if row.startswith("model name")
        ),
        platform.machine(),
    )
    return (
        f"{os.cpu_count()} cores ({model}), Linux"
        f" {platform.release()}, Python {platform.python_version()};"
        f" servers on core {SERVER_CORE}, load on core {LOAD_CORE}"
    )


if __name__ == "__main__":
    sys.exit(main())
