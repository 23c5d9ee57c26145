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
        _figure("start with a data folder", [_start(again) for _ in range(starts)]),
        _figure("first start, which makes it", [_start(new) for new in fresh]),
    ]


def _start(data: Path) -> float:
    with roomtone(data) as server:
        return server.ready_s


def _figure(what: str, seconds: list[float]) -> Figure:
    return Figure(
        part="ready",
        what=f"{what}, median of {len(seconds)}",
        value=median(seconds),
        unit="s",
        goal=GOAL_S,
        more_is_better=False,
    )
