"""The fold: readings a second on one core, in this process, without any I/O."""

import time
from pathlib import Path
from uuid import uuid4

from bench.calls import STEP_MS, Call
from bench.figures import Figure, median
from bench.people import Person
from bench.recorded import now_ms
from roomtone.model.facts import AnyFact
from roomtone.report.fold import fold, new_state
from roomtone.report.order import in_order
from roomtone.report.state import PeerState
from roomtone.sources.wire import decode_batch
from roomtone.storage.packing import pack, unpack

GOAL = 100_000
MINUTES, QUICK_MINUTES = 60.0, 20.0
ROUNDS = 5


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """One peer of a four-party call: two streams sent, six received."""
    facts = _facts(QUICK_MINUTES if quick else MINUTES)
    readings = _readings(fold(new_state(STEP_MS), facts))
    times = [_timed(facts) for _ in range(ROUNDS)]
    chunk = pack(facts)
    start = time.perf_counter()
    fold(new_state(STEP_MS), in_order([(0, lambda: unpack(chunk))]))
    whole = time.perf_counter() - start
    return [
        Figure(
            part="fold",
            what=f"{readings:,} readings of {len(facts)} facts",
            value=readings / median(times),
            unit="/s",
            goal=GOAL,
        ),
        Figure(
            part="fold",
            what="  from a packed chunk: unpack, order, fold",
            value=readings / whole,
            unit="/s",
        ),
    ]


def _timed(facts: list[AnyFact]) -> float:
    start = time.perf_counter()
    fold(new_state(STEP_MS), facts)
    return time.perf_counter() - start


def _facts(minutes: float) -> list[AnyFact]:
    """What the doors make of the first person's requests."""
    people = [Person("", str(uuid4()), str(uuid4()), "") for _ in range(4)]
    facts: list[AnyFact] = []
    for number, post in Call(people, seed=2).posts(now_ms(), minutes):
        if number == 0:
            body = post.partition(b"\r\n\r\n")[2]
            facts += decode_batch(body, now=None, mask=True, user_agent=None).facts
    return sorted(facts, key=lambda fact: fact.t)


def _readings(state: PeerState) -> int:
    return sum(
        len(series.all_intervals())
        for streams in state.streams.values()
        for series in (*streams.inbound.values(), *streams.producers.values())
    )
