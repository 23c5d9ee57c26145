"""What attendance is made of besides sessions and peers: how long each peer talked. Part of the
records port. It stays when reports and the journal go: it is as small as the peer's own row."""

from typing import Protocol

from roomtone.model.attendance import TalkTime


class TalkTimes(Protocol):
    """Talk times by peer."""

    def put_talk(self, subject: bytes, session_id: str, talk: TalkTime | None) -> None:
        """Replace a peer's; None takes it away."""
        ...

    def talks(self, session_id: str) -> dict[bytes, TalkTime]:
        """Of every peer of a session of which something tells, by subject."""
        ...
