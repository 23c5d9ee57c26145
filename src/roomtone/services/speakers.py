"""Speakers: who of a session said it, as far as the words tell.

Looked for by peer id, then user id, then custom id, then name; a name that two people share names
nobody. Whoever has several connections is the one that was there at the time, or the nearest.
What cannot be joined keeps the name that it came with.
"""

from collections import defaultdict
from collections.abc import Sequence

from msgspec.structs import replace

from roomtone.model.sessions import Peer
from roomtone.model.words import Message, Segment, Speaker

_REMEMBERED = 4_096


class Speakers:
    """The people of one session."""

    def __init__(self, peers: Sequence[Peer]) -> None:
        whole = {peer.peer_id: peer for peer in peers if not peer.merged_into}
        self._by_id = {
            peer.peer_id: whole.get(peer.merged_into or peer.peer_id, peer) for peer in peers
        }
        self._by_user: defaultdict[str, list[Peer]] = defaultdict(list)
        self._by_custom: defaultdict[str, list[Peer]] = defaultdict(list)
        self._by_name: defaultdict[str, list[Peer]] = defaultdict(list)
        for peer in whole.values():
            self._by_user[peer.user_id].append(peer)
            self._by_custom[peer.custom_participant_id].append(peer)
            self._by_name[peer.display_name.casefold()].append(peer)
        self._found: dict[Speaker, list[Peer]] = {}

    def of(self, speaker: Speaker, at: int) -> Speaker:
        """The speaker with everything that is known of the peer; as it was if nobody fits."""
        peers = self._found.get(speaker)
        if peers is None:
            peers = self._candidates(speaker)
            if len(self._found) < _REMEMBERED:
                self._found[speaker] = peers
        if not peers:
            return speaker
        peer = peers[0] if len(peers) == 1 else min(peers, key=lambda one: _distance(one, at))
        return Speaker(
            peer_id=peer.peer_id,
            user_id=peer.user_id,
            custom_participant_id=peer.custom_participant_id,
            display_name=speaker.display_name or peer.display_name,
        )

    def said(self, segment: Segment) -> Segment:
        """A segment with its speaker joined."""
        speaker = self.of(segment.speaker, segment.start_at)
        return segment if speaker == segment.speaker else replace(segment, speaker=speaker)

    def sent(self, message: Message) -> Message:
        """A message with its sender joined."""
        speaker = self.of(message.speaker, message.sent_at)
        return message if speaker == message.speaker else replace(message, speaker=speaker)

    def stay(self, peer_id: str) -> tuple[int | None, int | None]:
        """When a peer joined and left; None for what is not known."""
        peer = self._by_id.get(peer_id)
        return (None, None) if peer is None else (peer.joined_at, peer.left_at)

    def _candidates(self, speaker: Speaker) -> list[Peer]:
        if speaker.peer_id:
            # Ids are kept in lower case; clients may write them otherwise.
            peer = self._by_id.get(speaker.peer_id) or self._by_id.get(speaker.peer_id.lower())
            if peer is not None:
                return [peer]
        if speaker.user_id in self._by_user:
            return self._by_user[speaker.user_id]
        if speaker.custom_participant_id and speaker.custom_participant_id in self._by_custom:
            return _one_person(self._by_custom[speaker.custom_participant_id])
        if speaker.display_name:
            return _one_person(self._by_name.get(speaker.display_name.casefold(), []))
        return []


def _one_person(peers: list[Peer]) -> list[Peer]:
    return peers if len({peer.user_id for peer in peers}) == 1 else []


def _distance(peer: Peer, at: int) -> tuple[int, int, str]:
    left = at if peer.left_at is None else peer.left_at
    return max(peer.joined_at - at, at - left, 0), -peer.joined_at, peer.peer_id
