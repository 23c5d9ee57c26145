"""What took place: sessions, and the peers that were in them."""

from msgspec import Struct

from roomtone.model.presence import Presence

LIVE = "LIVE"
ENDED = "ENDED"

CLIENT = "client"
"""The origin of a peer whose own client told of it, and a source that decides."""
ATTEMPT = ""
"""What a peer was merged into that never connected: nothing."""

HOST_ENDED = "HOST_ENDED_MEETING"
ALL_LEFT = "ALL_PARTICIPANTS_LEFT"


class Session(Struct, frozen=True, kw_only=True):
    """One holding of a meeting, first join to last leave.

    ``live_since_sum`` makes the minutes of a LIVE session exact at any moment without touching its
    peers: used_ms(now) = closed_ms + live_participants * now - live_since_sum.
    """

    id: str
    app_id: str
    meeting_id: str
    title: str
    type: str = "meeting"
    status: str = LIVE
    live_participants: int = 0
    max_concurrent_participants: int = 0
    total_participants: int = 0
    """Distinct people (user ids), not peers."""
    closed_ms: int = 0
    """Milliseconds used by peers that have left."""
    live_since_sum: int = 0
    """Sum of joined_at of the peers that are connected."""
    sort_ms: int = 0
    """What ``sort_by=minutesConsumed`` sorts by: used_ms as of the last change."""
    started_at: int
    ended_at: int | None = None
    end_reason: str | None = None
    empty_since: int | None = None
    """When the last peer left, while the keep-alive runs."""
    parent_session_id: str | None = None
    created_at: int
    updated_at: int
    sealed_at: int | None = None
    """When its reports were stored; None: they are folded from the journal on request."""
    trimmed_at: int | None = None
    """When retention erased its journal: from then on its reports stay as they are."""
    decided: dict[str, str] | None = None
    """Which source decided ``started`` and ``ended``; None: no server told of it."""

    def used_ms(self, now: int) -> int:
        """Peer milliseconds used up to ``now``."""
        if self.status == ENDED:
            return self.closed_ms
        return max(0, self.closed_ms + self.live_participants * now - self.live_since_sum)


class Peer(Struct, frozen=True, kw_only=True):
    """One connection of a participant: the API's "participant" in a session."""

    subject: bytes
    """Its key in the journal, :func:`roomtone.model.subjects.subject_key`."""
    app_id: str
    session_id: str
    peer_id: str
    user_id: str
    custom_participant_id: str
    display_name: str
    preset_name: str
    picture: str | None = None
    joined_at: int
    left_at: int | None = None
    left_reason: str | None = None
    last_sign_at: int
    """The latest sign of life, own or vouched for by those who receive its media."""
    presence: Presence
    vouched_at: int | None = None
    """The latest time another peer received this one's media, on the server's clock."""
    created_at: int
    updated_at: int
    origin: str = CLIENT
    """``client``, or the kind of the inlet whose server alone told of it."""
    merged_into: str | None = None
    """The peer id that it turned out to be (report/reconcile.py); :data:`ATTEMPT` if it never
    connected. None: it is one by itself, and counts."""
    decided: dict[str, str] | None = None
    """Which source decided ``joined`` and ``left``; None: no server told of it."""

    @property
    def counts(self) -> bool:
        """Whether it is a connection of its own."""
        return self.merged_into is None

    @property
    def attempted(self) -> bool:
        """Whether it never connected."""
        return self.merged_into == ATTEMPT

    def duration_ms(self, now: int) -> int:
        """Milliseconds in the session, up to ``now`` while connected."""
        return max(0, (now if self.left_at is None else self.left_at) - self.joined_at)
