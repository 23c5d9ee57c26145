"""Floor and subject in turn, so that both meet the same weather; the middle round counts."""

from collections.abc import Callable

from msgspec import Struct

from bench.figures import Figure, median
from bench.load import Load
from bench.servers import Server

Flood = Callable[[Server, int], Load]
"""(server, number of the round) → what came back."""


class Turn(Struct, frozen=True):
    """One run."""

    load: Load
    cpu_us: float
    """Time on the core for each answer, of the whole process."""


class Turns(Struct, frozen=True):
    """All runs but the first of each, which warmed it up."""

    floors: list[Turn]
    subjects: list[Turn]

    def figures(self, part: str, what: str, floor_is: str, goal: float | None) -> list[Figure]:
        """The rates, and as a second line what they cost, which other work on the machine leaves
        alone."""
        return [
            Figure(
                part=part,
                what=what,
                value=median([turn.load.rate for turn in self.subjects]),
                unit="/s",
                floor=median([turn.load.rate for turn in self.floors]),
                floor_is=floor_is,
                goal=goal,
            ),
            Figure(
                part=part,
                what="  CPU for each",
                value=median([turn.cpu_us for turn in self.subjects]),
                unit="µs",
                floor=median([turn.cpu_us for turn in self.floors]),
                floor_is=floor_is,
                more_is_better=False,
            ),
        ]

    def p99_ms(self) -> tuple[float, float]:
        """Of the subject, and of the floor."""
        return (
            median([turn.load.p(0.99) for turn in self.subjects]),
            median([turn.load.p(0.99) for turn in self.floors]),
        )


def in_turn(bare: Server, subject: Server, flood: Flood, rounds: int) -> Turns:
    """Run one while the other does nothing at all. Ends the program on any unexpected answer."""
    floors: list[Turn] = []
    subjects: list[Turn] = []
    for number in range(rounds + 1):
        with subject.asleep():
            below = _turn(bare, flood, number)
        with bare.asleep():
            above = _turn(subject, flood, number)
        if number:
            floors.append(below)
            subjects.append(above)
    return Turns(floors, subjects)


def _turn(server: Server, flood: Flood, number: int) -> Turn:
    before = server.cpu_s()
    load = flood(server, number)
    if load.wrong:
        raise SystemExit(f"unexpected answers {load.wrong}: {load.last!r}")
    return Turn(load, (server.cpu_s() - before) / load.answers * 1e6)
