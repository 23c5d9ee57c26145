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
