"""Attendance: the consolidated view of a session, one row per person (contract 1.3, ``view``).

A person is a ``user_id``. In a breakout room the same person is another participant, with another
``user_id`` but the caller's same ``custom_participant_id``; that finds them, unless two people of
the session share it, when nothing can be said and nothing is added.
"""

from collections import defaultdict

from msgspec import Struct

from roomtone.model.sessions import Peer


class Person(Struct, frozen=True):
    """Everything one person was there for. ``latest`` is the last peer in the session itself."""

    latest: Peer
    peers: tuple[Peer, ...]
    """All of them, breakout rooms too, by time of joining."""

    @property
    def joined_at(self) -> int:
        """The first join, epoch ms."""
        return self.peers[0].joined_at

    @property
    def left_at(self) -> int | None:
        """The last leave; None while any of the peers is connected."""
        leaves = [peer.left_at for peer in self.peers]
        return None if None in leaves else max(t for t in leaves if t is not None)

    @property
    def created_at(self) -> int:
        return min(peer.created_at for peer in self.peers)

    @property
    def updated_at(self) -> int:
        return max(peer.updated_at for peer in self.peers)

    def duration_ms(self, now: int) -> int:
        """The sum over all peers."""
        return sum(peer.duration_ms(now) for peer in self.peers)


def people(own: list[Peer], breakout: list[Peer]) -> list[Person]:
    """The people of a session, given its peers and those of its breakout rooms."""
    by_user: dict[str, list[Peer]] = defaultdict(list)
    users_of: dict[str, set[str]] = defaultdict(set)
    for peer in own:
        by_user[peer.user_id].append(peer)
        if peer.custom_participant_id:
            users_of[peer.custom_participant_id].add(peer.user_id)
    extra: dict[str, list[Peer]] = defaultdict(list)
    for peer in breakout:
        same = users_of.get(peer.custom_participant_id, set())
        if peer.user_id in by_user:
            extra[peer.user_id].append(peer)
        elif len(same) == 1:
            extra[next(iter(same))].append(peer)
    return [
        Person(
            latest=max(peers, key=_by_joining),
            peers=tuple(sorted([*peers, *extra[user_id]], key=_by_joining)),
        )
        for user_id, peers in by_user.items()
    ]


def _by_joining(peer: Peer) -> tuple[int, str]:
    return peer.joined_at, peer.peer_id
