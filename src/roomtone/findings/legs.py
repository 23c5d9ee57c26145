"""Legs: who received whom well, and when, over the whole session.

Compared in steps of ten seconds. Counting goes over the bad ones only, so that a clean call costs
nothing and a large one stays near linear in its readings.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from roomtone.findings.noticed import Noticed, Uplink, buckets

MOST = 0.5
"""A share over it is most of them."""
WORD = 0.3
"""Share of the bad time in which the sender's own leg was bad too."""


class Leg:
    """All streams from one sender to one receiver."""

    __slots__ = ("bad", "direct", "end", "receiver", "sender", "start")

    def __init__(self, sender: str, receiver: str) -> None:
        self.sender = sender
        self.receiver = receiver
        self.start, self.end = 1 << 62, 0
        self.bad: set[int] = set()
        self.direct = False


class Row:
    """The legs of one sender, or into one receiver."""

    __slots__ = ("bad", "ends", "legs", "starts", "unfair")

    def __init__(self, legs: Sequence[Leg]) -> None:
        self.unfair: dict[int, int] = {}
        self.legs = legs
        self.starts = sorted(leg.start for leg in legs)
        self.ends = sorted(leg.end for leg in legs)
        self.bad: Counter[int] = Counter()
        for leg in legs:
            self.bad.update(leg.bad)

    def measured(self, bucket: int) -> int:
        """How many legs there are at that time."""
        return bisect_right(self.starts, bucket) - bisect_left(self.ends, bucket)

    def broad(self, bucket: int) -> bool:
        """Whether most of two or more are bad."""
        count = self.measured(bucket)
        return count >= 2 and self.bad[bucket] > MOST * count


class Legs:
    """All legs of a session."""

    def __init__(self, peers: Sequence[Noticed]) -> None:
        self._peers = {peer.peer_id: peer for peer in peers}
        self._ends = _ends(peers)
        self._legs: dict[tuple[str, str], Leg] = {}
        for peer in peers:
            for edge in peer.edges:
                if edge.sender not in self._peers:
                    continue
                key = (edge.sender, edge.receiver)
                leg = self._legs.setdefault(key, Leg(*key))
                leg.start, leg.end = min(leg.start, edge.start), max(leg.end, edge.end)
                leg.bad |= edge.bad
                leg.direct = (
                    leg.direct
                    or edge.direct
                    or (self._ends.get((edge.receiver, edge.transport)) == edge.sender)
                )
        out: dict[str, list[Leg]] = defaultdict(list)
        into: dict[str, list[Leg]] = defaultdict(list)
        for leg in self._legs.values():
            out[leg.sender].append(leg)
            into[leg.receiver].append(leg)
        self.out = {peer_id: Row(legs) for peer_id, legs in out.items()}
        self.into = {peer_id: Row(legs) for peer_id, legs in into.items()}
        self._by_step: dict[int, tuple[int, int]] = {}

    def end_of(self, peer_id: str, transport: str) -> str:
        """The peer at the other end of a direct transport; "": a server, or not known."""
        return self._ends.get((peer_id, transport), "")

    def leg(self, sender: str, receiver: str) -> Leg | None:
        """The leg between two peers."""
        return self._legs.get((sender, receiver))

    def receivers(self, sender: str) -> list[Leg]:
        """Everybody who received a sender."""
        row = self.out.get(sender)
        return [] if row is None else list(row.legs)

    def when(self, leg: Leg, start: float, end: float) -> list[int]:
        """The bad steps of a leg in this time; all of them where none was bad."""
        step = buckets(start, start)[0], buckets(end, end)[0]
        bad = sorted(b for b in leg.bad if step[0] <= b <= step[1])
        return bad or list(range(step[0], min(step[1], step[0] + 360) + 1))

    def others_suffer(self, leg: Leg, steps: Iterable[int]) -> float | None:
        """Share of the sender's other receivers that were bad; None: there are none.

        Receivers who get hardly anybody well prove nothing of this sender, unless all are such.
        """
        return self._share(self.out[leg.sender], leg, steps, self.into, "receiver")

    def suffers_from_others(self, leg: Leg, steps: Iterable[int]) -> float | None:
        """Share of the receiver's other senders that were bad; None: there are none."""
        return self._share(self.into[leg.receiver], leg, steps, self.out, "sender")

    def _share(
        self, row: Row, leg: Leg, steps: Iterable[int], across: dict[str, Row], end: str
    ) -> float | None:
        bad = measured = fair_bad = fair = 0
        for step in steps:
            count = row.measured(step) - 1
            if count <= 0:
                continue
            mine = step in leg.bad
            worse = row.bad[step] - mine
            measured, bad = measured + count, bad + worse
            unfair = 0
            if worse:
                unfair = self._unfair(row, step, across, end)
                unfair -= mine and across[getattr(leg, end)].broad(step)
            fair, fair_bad = fair + count - unfair, fair_bad + worse - unfair
        if fair:
            return fair_bad / fair
        return bad / measured if measured else None

    def _unfair(self, row: Row, step: int, across: dict[str, Row], end: str) -> int:
        """How many bad legs of a row end at somebody to whom most is bad anyway."""
        known = row.unfair.get(step)
        if known is None:
            known = row.unfair[step] = sum(
                1 for leg in row.legs if step in leg.bad and across[getattr(leg, end)].broad(step)
            )
        return known

    def everyone_suffers(self, steps: Sequence[int]) -> bool:
        """Three or more receivers, all of them badly served by most of their senders."""
        hit = total = 0
        for step in steps[:12]:
            served, badly = self._served(step)
            if served >= 3:
                total += served
                hit += badly
        return total > 0 and hit >= 0.9 * total

    def _served(self, step: int) -> tuple[int, int]:
        """How many receivers there are at that time, and how many of them are badly served by most
        of their senders. Asked for every finding, so it is counted once a step."""
        known = self._by_step.get(step)
        if known is None:
            rows = [(row, count) for row in self.into.values() if (count := row.measured(step)) > 0]
            badly = sum(1 for row, count in rows if row.bad[step] > MOST * count)
            known = self._by_step[step] = len(rows), badly
        return known

    def word(self, sender: str, steps: Sequence[int]) -> bool | None:
        """Whether the server told the sender of loss on its leg; None: it told nothing, or of so
        little that this need not be why."""
        peer = self._peers.get(sender)
        if peer is None:
            return None
        told = [
            uplink
            for transport, uplink in peer.uplinks.items()
            if not self.end_of(sender, transport)
        ]
        whole = Uplink(
            frozenset().union(*(each.known for each in told)),
            frozenset().union(*(each.bad for each in told)),
            frozenset().union(*(each.between for each in told)),
        )
        known = [step for step in steps if step in whole.known]
        if not known:
            return None
        least = WORD * len(known)
        if sum(1 for step in known if step in whole.bad) >= least:
            return True
        if sum(1 for step in known if step in whole.bad or step in whole.between) >= least:
            return None
        return False


def _ends(peers: Sequence[Noticed]) -> dict[tuple[str, str], str]:
    """(peer, transport) → the peer at its other end, for direct connections.

    The ports prove it; where a relay hides them: both ends have a transport that carries exactly
    each other's media both ways, and each has as many as there are receivers of its media.
    """
    receivers: dict[str, set[str]] = defaultdict(set)
    for peer in peers:
        for edge in peer.edges:
            receivers[edge.sender].add(peer.peer_id)
    both_ways: dict[tuple[str, str], list[str]] = defaultdict(list)
    for peer in peers:
        sending = sum(1 for link in peer.links if link.sends)
        if sending >= len(receivers[peer.peer_id]):
            for link in peer.links:
                if link.sends and len(link.senders) == 1:
                    both_ways[peer.peer_id, next(iter(link.senders))].append(link.transport)
    found: dict[tuple[str, str], str] = {}
    for (mine, other), transports in both_ways.items():
        if (other, mine) in both_ways:
            found |= {(mine, transport): other for transport in transports}
    for peer in peers:
        found |= {(peer.peer_id, link.transport): link.direct for link in peer.links if link.direct}
    return found
