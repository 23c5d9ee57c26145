"""Shifting: a recording told at another time than its writer's clock said."""

from collections.abc import Sequence

from msgspec.structs import replace

from roomtone.model.facts import AnyFact, Snapshot
from roomtone.model.stats import CandidatePair, InboundRtp, KeptStat
from roomtone.sources.rtcstats.rows import LATEST_MS


def shifted(facts: Sequence[AnyFact], by_ms: int) -> tuple[AnyFact, ...]:
    """The facts, every time in them moved by so many milliseconds, within 1970 to 9999."""
    return tuple(_fact(fact, by_ms) for fact in facts)


def _fact(fact: AnyFact, by_ms: int) -> AnyFact:
    t = int(_moved(fact.t, by_ms) or 0)
    if isinstance(fact, Snapshot):
        return replace(fact, t=t, stats=tuple(_stat(stat, by_ms) for stat in fact.stats))
    return replace(fact, t=t)


def _stat(stat: KeptStat, by_ms: int) -> KeptStat:
    changes = {"timestamp": _moved(stat.timestamp, by_ms)}
    if isinstance(stat, InboundRtp | CandidatePair):
        changes["last_packet_received_timestamp"] = _moved(
            stat.last_packet_received_timestamp, by_ms
        )
    if isinstance(stat, CandidatePair):
        changes["last_packet_sent_timestamp"] = _moved(stat.last_packet_sent_timestamp, by_ms)
    moved: KeptStat = replace(stat, **changes)
    return moved


def _moved(t: float | None, by_ms: int) -> float | None:
    return None if t is None else min(max(t + by_ms, 0), LATEST_MS)
