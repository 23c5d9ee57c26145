"""What packing does to the batches of a subject: which go together, and where they are cut."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct

from roomtone.model.facts import AnyFact, Snapshot
from roomtone.model.presence import Presence, merge
from roomtone.storage.encoding import distinct

MAX_SNAPSHOTS = 512
"""In a chunk: 40 minutes of one transport at 5 s. Decoded they are a few MB, so reading streams."""
MAX_FACTS = 4_096
"""Facts of any kind in a chunk."""


class Piece(Struct, frozen=True):
    """Something that is stored already: a batch, or a chunk of an earlier packing."""

    t_min: int
    t_max: int
    presence: Presence
    position: int | None
    facts: Callable[[], Sequence[AnyFact]]


class NewChunk(Struct, frozen=True):
    """What is to be stored instead."""

    t_min: int
    t_max: int
    presence: Presence
    position: int | None
    """Of the last batch in it; None where it goes on with the batches of the chunk before."""
    facts: list[AnyFact]


def span(facts: Sequence[AnyFact], otherwise: int) -> tuple[int, int]:
    """The earliest and the latest time, within 64 bits; ``otherwise`` if there are no facts."""
    times = [fact.t for fact in facts] or [otherwise]
    return _int64(min(times)), _int64(max(times))


def _int64(t: int) -> int:
    return max(-(1 << 63), min(t, (1 << 63) - 1))


def chunks(pieces: Iterable[Piece]) -> Iterator[NewChunk]:
    """The pieces merged, in the order of their times, without repeated facts. One chunk's facts
    are held at a time, however many there are."""
    group: list[Piece] = []
    facts: list[AnyFact] = []
    for piece in sorted(pieces, key=lambda piece: (piece.t_min, piece.position or 0)):
        more = piece.facts()
        if group and _too_many(facts, more):
            yield from _cut(group, facts)
            group, facts = [], []
        group.append(piece)
        facts.extend(more)
    if group:
        yield from _cut(group, facts)


def _too_many(facts: Sequence[AnyFact], more: Sequence[AnyFact]) -> bool:
    return (
        len(facts) + len(more) > MAX_FACTS or _snapshots(facts) + _snapshots(more) > MAX_SNAPSHOTS
    )


def _snapshots(facts: Sequence[AnyFact]) -> int:
    return sum(1 for fact in facts if isinstance(fact, Snapshot))


def _cut(group: list[Piece], facts: list[AnyFact]) -> list[NewChunk]:
    """One group as chunks; more than one only if a single batch is larger than a chunk."""
    presence = group[0].presence
    for piece in group[1:]:
        presence = merge(presence, piece.presence)
    position = max((p.position for p in group if p.position is not None), default=None)
    ordered = sorted(distinct(facts), key=lambda fact: fact.t)
    made: list[NewChunk] = []
    while ordered or not made:
        cut, held = 0, 0
        while cut < len(ordered) and cut < MAX_FACTS and held < MAX_SNAPSHOTS:
            held += isinstance(ordered[cut], Snapshot)
            cut += 1
        part, ordered = ordered[:cut], ordered[cut:]
        t_min, t_max = span(part, group[0].t_min)
        made.append(NewChunk(t_min, t_max, presence, None if made else position, part))
    return made
