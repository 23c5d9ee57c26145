"""The query parameters of the façade, each defined once (contract 1, 5, 10)."""

from roomtone.model.limits import (
    DEFAULT_PER_PAGE,
    MAX_PARTICIPANTS_PER_PAGE,
    MAX_SESSIONS_PER_PAGE,
)
from roomtone.ports.records import Page
from roomtone.web.query import (
    MAX_PAGE_NO,
    Parameter,
    Query,
    choice,
    flag,
    instant,
    maybe_choice,
    names,
    span,
    text,
    whole,
)

SECTIONS = (
    "device_info",
    "ip_information",
    "precall_network_information",
    "events",
    "quality_stats",
)
"""What ``filters`` may name."""

PAGE_NO = whole("page_no", 1, 0, MAX_PAGE_NO, "The page, from 1; 0 reads as 1.")


def _per_page(most: int) -> Parameter[int]:
    words = "Rows on a page; 0 asks for the count alone."
    return whole("per_page", DEFAULT_PER_PAGE, 0, most, words)


SESSIONS_PER_PAGE = _per_page(MAX_SESSIONS_PER_PAGE)
PARTICIPANTS_PER_PAGE = _per_page(MAX_PARTICIPANTS_PER_PAGE)
NEIGHBOURS_PER_PAGE = _per_page(MAX_SESSIONS_PER_PAGE)

SORT_ORDER = choice("sort_order", ("ASC", "DESC"), "DESC", "Direction of the sort; ties by id.")

ASSOCIATED_ID = text("associated_id", "Only sessions of this meeting.")
START_TIME = instant("start_time", "Started at this time or later; no zone means UTC.")
END_TIME = instant("end_time", "Started at this time or earlier; no zone means UTC.")
PEOPLE = span("participants", "How many different people took part: min:max, ends included.")
SESSION_SEARCH = text("search", "Part of the title, the meeting's id or the session's id.")
SESSION_SORT = choice("sort_by", ("minutesConsumed", "createdAt"), "createdAt", "What to sort by.")
SESSION_STATUS = maybe_choice("status", ("LIVE", "ENDED"), "Only sessions with this status.")

INCLUDE_BREAKOUT_ROOMS = flag("include_breakout_rooms", "List the breakout rooms' sessions too.")

PEER_SEARCH = text("search", "Part of the peer's id, the custom id or the display name.")
PEER_SORT = choice("sort_by", ("joinedAt", "duration"), "joinedAt", "What to sort by.")
INCLUDE_PEER_EVENTS = flag("include_peer_events", "Add each peer's created, joining and leaving.")
VIEW = choice(
    "view",
    ("raw", "consolidated"),
    "raw",
    "raw: a row a connection. consolidated: a row a person, rejoins and breakout rooms summed.",
)
FILTERS = names(
    "filters",
    SECTIONS,
    "Keep only these sections of the statistics, comma-separated; identity always stays.",
)
FORMAT = choice("format", ("SRT", "VTT", "JSON", "CSV"), "CSV", "Form of the transcript's file.")
UPLOAD_FORMAT = maybe_choice(
    "format",
    ("CSV", "JIGASI", "JSON", "SRT", "VTT"),
    "Format of the file, where its content type does not say; without either, its content tells.",
)

DELIVERY_STATUS = maybe_choice(
    "status", ("PENDING", "DELIVERED", "FAILED"), "Only deliveries with this status."
)

APP_SEARCH = text("search", "Part of the app's name.")
PRESET_SEARCH = text("search", "Part of the preset's name.")
MEETING_SEARCH = text("search", "Part of the title or the meeting's id.")
MEETING_START = instant("start_time", "Made at this time or later; no zone means UTC.")
MEETING_END = instant("end_time", "Made at this time or earlier; no zone means UTC.")
MEETING_STATUS = maybe_choice("status", ("ACTIVE", "INACTIVE"), "Only meetings with this status.")


def page_of(query: Query, per_page: Parameter[int]) -> Page:
    """The slice that ``page_no`` and ``per_page`` ask for."""
    size = query[per_page]
    return Page((max(1, query[PAGE_NO]) - 1) * size, size)
