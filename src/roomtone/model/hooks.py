"""Webhooks: what the owner's server is told, and the log of telling it (contract 4, 5)."""

from msgspec import Struct

PENDING = "PENDING"
DELIVERED = "DELIVERED"
FAILED = "FAILED"

VENDOR_EVENTS = (
    "meeting.started",
    "meeting.ended",
    "meeting.participantJoined",
    "meeting.participantLeft",
    "meeting.chatSynced",
    "recording.statusUpdate",
    "livestreaming.statusUpdate",
    "meeting.transcript",
    "meeting.summary",
)
"""The vendor's nine. Roomtone, which records and streams nothing, never causes the two status
updates."""
EVENTS = (*VENDOR_EVENTS, "session.findings")
"""What can be subscribed to; the last is our own, and no vendor's SDK has it in its types."""


class Webhook(Struct, frozen=True, kw_only=True):
    """Where to tell, and of what."""

    id: str
    app_id: str
    name: str
    url: str
    events: tuple[str, ...]
    enabled: bool = True
    created_at: int
    updated_at: int


class Delivery(Struct, frozen=True, kw_only=True):
    """One event for one webhook, from the moment it was caused to its delivery or the giving up."""

    id: str
    """Sent as ``rtk-uuid``; the same at every try."""
    webhook_id: str
    app_id: str
    event: str
    session_id: str
    cause: str
    """Names what happened (``joined:<peer_id>:<t>``): the same cause is queued once a webhook."""
    body: bytes
    """Compact JSON, as it is signed and sent."""
    status: str = PENDING
    tries: int = 0
    response_status: int | None = None
    response_body: str | None = None
    """The beginning of what the receiver last answered, as text."""
    error: str | None = None
    created_at: int
    updated_at: int
    delivered_at: int | None = None
    queued_at: int
    """When the current round of tries began: its creation, or its latest replay."""
    next_try_at: int
    """PENDING: not tried before this."""


class SigningKey(Struct, frozen=True, kw_only=True):
    """What deliveries are signed with. The newest is in use."""

    id: str
    private_pem: str
    """PKCS #8, PEM."""
    created_at: int
