"""Subject: whose journal a fact belongs to.

A peer id is chosen by the client, so it proves nothing. The subject binds it to the app and to the
participant whose token carried it: nobody can write into, or read from, another's journal by
guessing a peer id.
"""

from hashlib import blake2b

from msgspec import Struct


class Subject(Struct, frozen=True):
    """One peer of one participant in one meeting of one app."""

    app_id: str
    meeting_id: str
    participant_id: str
    peer_id: str

    @property
    def key(self) -> bytes:
        """The 16 bytes that name it in the journal."""
        return subject_key(self.app_id, self.participant_id, self.peer_id)


def subject_key(app_id: str, participant_id: str, peer_id: str) -> bytes:
    """BLAKE2b-128 over the three ids, each ended by a zero byte."""
    text = f"{app_id}\0{participant_id}\0{peer_id}\0"
    return blake2b(text.encode(), digest_size=16).digest()


def room_subject(app_id: str, meeting_id: str) -> Subject:
    """The journal of what servers said of a meeting's room as a whole. No participant has an empty
    id."""
    return Subject(app_id, meeting_id, "", f"room:{meeting_id}")
