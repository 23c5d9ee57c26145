"""Words: what was said in a session. Chat messages and transcript segments.

Times are epoch ms on the server's clock; files show a transcript's as ms since the session's
``started_at`` (contract 10). Whatever cannot be joined to a peer keeps the name it came with.
"""

from typing import Any

from msgspec import Struct

TEXT = "text"
IMAGE = "image"
FILE = "file"
CUSTOM = "custom"
POLL = "poll"
MESSAGE_TYPES = (TEXT, IMAGE, FILE, CUSTOM, POLL)


class Speaker(Struct, frozen=True, kw_only=True):
    """Who said it, as far as it is known; empty strings for what is not."""

    peer_id: str = ""
    user_id: str = ""
    custom_participant_id: str = ""
    display_name: str = ""


class Message(Struct, frozen=True, kw_only=True):
    """One chat message as it stands now (contract 2.3)."""

    id: str
    speaker: Speaker
    type: str = TEXT
    payload: dict[str, Any]
    """The vendor's message object without its envelope: ``message``, ``link``, ``name`` …"""
    target_user_ids: tuple[str, ...] = ()
    """Not empty: a private message."""
    sent_at: int
    is_edited: bool = False
    pinned: bool = False
    deleted: bool = False


class Segment(Struct, frozen=True, kw_only=True):
    """One sentence of a transcript (contract 2.4)."""

    id: str
    speaker: Speaker
    sentence: str
    start_at: int
    end_at: int


class KeptMessage(Struct, frozen=True, kw_only=True):
    """A message, and what lets reports of it merge in whatever order they come.

    ``message`` is None while only pins or the deletion of it were heard of.
    """

    id: str
    message: Message | None = None
    rank: int = 0
    """0: as it was added. 1: edited, or put by a server; that stands above any adding."""
    content_t: int = 0
    """When the content was said to be so; the latest wins among equal ranks."""
    pinned: bool = False
    pinned_t: int = -1
    """When the pin was last put or taken; -1: never."""
    deleted: bool = False


class KeptSegment(Struct, frozen=True, kw_only=True):
    """A segment, and what lets reports of it merge in whatever order they come.

    ``segment`` is None while only partial transcripts of it came.
    """

    id: str
    segment: Segment | None = None
    timed: bool = False
    """Its start was said; otherwise it is the first partial's time, or an estimate."""
    content_t: int = 0
    partial_at: int | None = None
    """Time of the first partial."""


class Spoken(Struct, frozen=True, kw_only=True):
    """How far the words of a session have come: counted up with every change that shows."""

    session_id: str
    app_id: str
    chat_revision: int = 0
    transcript_revision: int = 0
    chat_made: int = 0
    """The revision that the files of the ENDED session were written from."""
    transcript_made: int = 0
    due: bool = False
    """Whether a file is older than its words."""
    changed_at: int = 0
    chat_dropped_at: int | None = None
    """When retention took the chat (the transcript) away."""
    transcript_dropped_at: int | None = None
