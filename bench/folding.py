"""The fold: readings a second on one core, in this process, without any I/O.

Times are of the processor, since nothing here waits; the middle of fifteen rounds is taken. Beside
each fold the same facts are decoded from msgpack, which is C and nearly all allocation: a rate says
what this machine does at this moment, the ratio of the two carries over to another.
"""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from uuid import uuid4

import msgspec

from bench.calls import STEP_MS, Call
from bench.figures import Figure, median
from bench.people import Person
from bench.recorded import now_ms
from roomtone.findings.session import Thresholds, notice, story
from roomtone.model.facts import AnyFact
from roomtone.report.build import build_observed, traces
from roomtone.report.fold import fold, new_state
from roomtone.report.order import in_order
from roomtone.report.state import PeerState
from roomtone.report.stay import stay
from roomtone.sources.presence import presence_of
from roomtone.sources.wire import decode_batch
from roomtone.storage.packing import pack, unpack

GOAL = 200_000
FINDINGS_GOAL = 25
MINUTES, QUICK_MINUTES = 60.0, 20.0
ROUNDS = 15


def measure(folder: Path, *, quick: bool) -> list[Figure]:
    """One peer of a four-party call: two streams sent, six received."""
    facts = _facts(QUICK_MINUTES if quick else MINUTES)
    readings = _readings(fold(new_state(STEP_MS), facts))
    bare, decoding = _beside_decoding(facts)
    chunk = pack(facts)
    whole = median([_timed(lambda: in_order([(0, lambda: unpack(chunk))])) for _ in range(ROUNDS)])
    added, built = _findings(facts)
    return [
        Figure(
            part="fold",
            what=f"{readings:,} readings of {len(facts)} facts",
            value=readings / bare,
            unit="/s",
            goal=GOAL,
        ),
        Figure(
            part="fold",
            what="  its time, as a multiple of decoding the facts",
            value=bare / decoding,
            unit="x",
        ),
        Figure(
            part="fold",
            what="  from a packed chunk: unpack, order, fold",
            value=readings / whole,
            unit="/s",
        ),
        Figure(
            part="fold",
            what="  findings, as a share of the fold: facts to report",
            value=100 * added / (bare + built),
            unit="%",
        ),
        Figure(
            part="fold",
            what="  findings, as a share of facts to intervals alone",
            value=100 * added / bare,
            unit="%",
            goal=FINDINGS_GOAL,
            more_is_better=False,
        ),
    ]


def _beside_decoding(facts: list[AnyFact]) -> tuple[float, float]:
    """(fold, decode): s, the median of each, in turn."""
    encoded = msgspec.msgpack.encode(facts)
    decode = msgspec.msgpack.Decoder(list[AnyFact]).decode
    folding: list[float] = []
    decoding: list[float] = []
    for _ in range(ROUNDS):
        folding.append(_timed(lambda: facts))
        start = time.process_time()
        decode(encoded)
        decoding.append(time.process_time() - start)
    return median(folding), median(decoding)


def _findings(facts: list[AnyFact]) -> tuple[float, float]:
    """(findings, build): s, the median of each, over the same peer."""
    state = fold(new_state(STEP_MS), facts)
    presence = presence_of(facts, None)
    there = stay(presence)
    if there is None:
        raise AssertionError("the peer never joined")
    sent = traces(state)
    thresholds = Thresholds.of(None)
    found: list[float] = []
    built: list[float] = []
    for _ in range(ROUNDS):
        start = time.process_time()
        _, seen = build_observed(state, there, sent, clock_offset_ms=0)
        middle = time.process_time()
        story([notice(seen, {}, thresholds)], thresholds)
        found.append(time.process_time() - middle)
        built.append(middle - start)
    return median(found), median(built)


def _timed(facts: Callable[[], Iterable[AnyFact]]) -> float:
    """s of the processor for getting the facts and folding them."""
    start = time.process_time()
    fold(new_state(STEP_MS), facts())
    return time.process_time() - start


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
