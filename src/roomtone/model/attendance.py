"""Attendance: who was there, from when to when, for how long, and how long they talked."""

from msgspec import Struct

MICROPHONE = "microphone"
RECEIVED = "received"
DOMINANT_SPEAKER = "dominant_speaker"
TRANSCRIPT = "transcript"
TALK_SOURCES = (MICROPHONE, RECEIVED, DOMINANT_SPEAKER, TRANSCRIPT)
"""What may tell how long somebody talked, the best first: the level of the own microphone; the
level of the sound as others received it; events that name the dominant speaker; the words."""

RAW = "raw"
CONSOLIDATED = "consolidated"
VIEWS = (RAW, CONSOLIDATED)


class TalkTime(Struct, frozen=True):
    """How long somebody talked, and what tells it (:data:`TALK_SOURCES`)."""

    ms: int
    source: str


class Attendance(Struct, frozen=True, kw_only=True):
    """One connection (``raw``) or one person (``consolidated``) of one session. Epoch ms."""

    session_id: str
    meeting_id: str
    title: str
    session_started_at: int
    session_ended_at: int | None
    peer_id: str
    """Of a person: the latest peer in the session itself."""
    user_id: str
    custom_participant_id: str
    display_name: str
    first_joined_at: int
    last_left_at: int | None
    present_ms: int
    """Time during which at least one connection was there."""
    connected_ms: int
    """The sum over all connections: more than ``present_ms`` where they overlap."""
    joins: int
    still_connected: bool
    talk: TalkTime | None
    """None: nothing tells."""
