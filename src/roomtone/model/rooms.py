"""What a session is held in: meetings, the participants invited to them, their presets."""

from typing import Any

from msgspec import Struct

ACTIVE = "ACTIVE"
INACTIVE = "INACTIVE"

DEFAULT_KEEP_ALIVE_S = 60
MIN_KEEP_ALIVE_S = 60
MAX_KEEP_ALIVE_S = 600


class Meeting(Struct, frozen=True, kw_only=True):
    """A room that can be held many times (contract 5)."""

    id: str
    app_id: str
    title: str = ""
    status: str = ACTIVE
    type: str = "meeting"
    parent_meeting_id: str | None = None
    """Roomtone's own: this room is a breakout room of that meeting."""
    record_on_start: bool = False
    live_stream_on_start: bool = False
    persist_chat: bool = False
    transcribe_on_end: bool = False
    summarize_on_end: bool = False
    session_keep_alive_time_in_secs: int = DEFAULT_KEEP_ALIVE_S
    ai_config: dict[str, Any] | None = None
    recording_config: dict[str, Any] | None = None
    created_at: int
    updated_at: int


class Participant(Struct, frozen=True, kw_only=True):
    """A person invited to a meeting; ``id`` is the API's ``user_id``."""

    id: str
    app_id: str
    meeting_id: str
    custom_participant_id: str
    preset_name: str
    name: str | None = None
    picture: str | None = None
    created_at: int
    updated_at: int
    deleted_at: int | None = None


class Preset(Struct, frozen=True, kw_only=True):
    """A named set of permissions and looks; its name is recorded, the rest kept as given."""

    id: str
    app_id: str
    name: str
    config: dict[str, Any]
    created_at: int
    updated_at: int
