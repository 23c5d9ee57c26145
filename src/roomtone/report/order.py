"""Order: the journal's chunks of one peer, as one stream of facts in the order they happened.

Clients send entries late, twice and out of order, and chunks overlap in time. Facts come out sorted
by ``(t, encoded bytes)``, each once: two facts that encode to the same bytes are one fact. So
whatever order the network chose, the fold reads the same stream.

Only chunks that overlap in time are decoded at once: that bounds the memory.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush, heapreplace
from operator import attrgetter

import msgspec

from roomtone.model.facts import AnyFact

_time = attrgetter("t")
_encoded = msgspec.msgpack.Encoder().encode

_Head = tuple[int, int, AnyFact, Iterator[AnyFact]]
"""A chunk's next fact, by time; the number keeps the heap from comparing facts."""


def in_order(chunks: Iterable[tuple[int, Callable[[], Sequence[AnyFact]]]]) -> Iterator[AnyFact]:
    """All facts of a peer in order, byte-equal ones once.

    ``chunks`` are ``(t_min, decode)``, ascending by t_min; ``decode`` gives a chunk's facts in any
    order and is called when the stream reaches its t_min.
    """
    group: list[AnyFact] = []
    for fact in _by_time(chunks):
        if group and fact.t != group[0].t:
            yield from _once(group)
            group = []
        group.append(fact)
    yield from _once(group)


def _once(group: list[AnyFact]) -> Iterable[AnyFact]:
    """Facts of one moment, by their bytes. Encoding is only paid for where there are several."""
    if len(group) < 2:
        return group
    distinct = {_encoded(fact): fact for fact in group}
    return [distinct[key] for key in sorted(distinct)]


def _by_time(chunks: Iterable[tuple[int, Callable[[], Sequence[AnyFact]]]]) -> Iterator[AnyFact]:
    heads: list[_Head] = []
    for number, (t_min, decode) in enumerate(chunks):
        yield from _before(heads, t_min)
        facts = iter(sorted(decode(), key=_time))
        first = next(facts, None)
        if first is not None:
            heappush(heads, (first.t, number, first, facts))
    yield from _before(heads, None)


def _before(heads: list[_Head], t: int | None) -> Iterator[AnyFact]:
    """Merge the open chunks up to, but not including, ``t``; None: to their end."""
    while heads and (t is None or heads[0][0] < t):
        _, number, fact, rest = heads[0]
        yield fact
        following = next(rest, None)
        if following is None:
            heappop(heads)
        else:
            heapreplace(heads, (following.t, number, following, rest))
