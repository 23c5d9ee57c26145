"""Peer events: the coarse life of a peer, told from its presence (contract 1.3, PeerEvent).

The vendor names three: ``PEER_CREATED``, ``PEER_JOINING``, ``PEER_LEAVING``. Ours follow from the
stay: created when its row was, one joining for each join, one leaving for each leave that ended a
piece of the stay. A leaving carries the time since the leaving before it (a gap in between counts,
as it does in the duration), so the minutes of an ended peer's events add up to its duration.
"""

from uuid import UUID, uuid5

from msgspec import Struct

from roomtone.model.sessions import Peer
from roomtone.report.linking import JOIN_SLACK_MS
from roomtone.report.stay import stay

PEER_CREATED = "PEER_CREATED"
PEER_JOINING = "PEER_JOINING"
PEER_LEAVING = "PEER_LEAVING"

_EVENTS = UUID("b4bb1a8e-7a9c-4d3e-8f37-0a4f2f5de9c1")
"""Namespace of event ids: the same event has the same id whenever it is asked for."""


class PeerEvent(Struct, frozen=True):
    """One event. ``ms`` is the time used that it closes."""

    id: str
    name: str
    t: int
    ms: int
    peer: Peer


def joins_of(peer: Peer) -> list[int]:
    """When it joined, epoch ms. Where a server told of a join too, the client's word for the same
    one is not another."""
    there = stay(peer.presence)
    told = () if there is None else there.joins
    if peer.decided is None:
        return sorted({peer.joined_at, *told})
    return [peer.joined_at, *(t for t in told if t > peer.joined_at + JOIN_SLACK_MS)]


def peer_events(peer: Peer) -> list[PeerEvent]:
    """The events of a peer, in order of time."""
    there = stay(peer.presence)
    joins = joins_of(peer)
    leaves = sorted({t for t, _ in there.leaves} if there else ())
    told: list[tuple[int, str, int]] = [(peer.joined_at, PEER_CREATED, 0)]
    closed = peer.joined_at
    for number, joined in enumerate(joins):
        told.append((joined, PEER_JOINING, 0))
        if number + 1 < len(joins):
            following = joins[number + 1]
            left = next((t for t in leaves if joined <= t < following), None)
        else:
            left = peer.left_at
        if left is not None:
            told.append((left, PEER_LEAVING, max(0, left - closed)))
            closed = left
    return [
        PeerEvent(
            id=str(uuid5(_EVENTS, f"{peer.subject.hex()}/{number}/{name}/{t}")),
            name=name,
            t=t,
            ms=ms,
            peer=peer,
        )
        for number, (t, name, ms) in enumerate(told)
    ]
