"""From the start of the process to the first 200 on ``/readyz``."""

from pathlib import Path

from bench.figures import Figure, median
from bench.servers import init, roomtone

GOAL_S = 1.5
STARTS, QUICK_STARTS = 7, 3


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """With a data folder that is there, and on the very first start, which makes it."""
    starts = QUICK_STARTS if quick else STARTS
    again = folder / "ready"
    init(again)
    fresh = [folder / f"ready-{number}" for number in range(starts)]
    return [
        *_figures("with a data folder", [_start(again) for _ in range(starts)]),
        *_figures("first start, which makes it", [_start(new) for new in fresh]),
    ]


def _start(data: Path) -> tuple[float, float]:
    with roomtone(data) as server:
        return server.ready_s, server.cpu_s()


def _figures(what: str, starts: list[tuple[float, float]]) -> list[Figure]:
    seconds, cpu = zip(*starts, strict=True)
    return [
        Figure(
            part="ready",
            what=f"{what}, middle of {len(starts)}",
            value=median(seconds),
            unit="s",
            goal=GOAL_S,
            more_is_better=False,
        ),
        Figure(part="ready", what="  CPU until then", value=median(cpu), unit="s"),
    ]
