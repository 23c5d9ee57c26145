"""The query parameters of the façade, each defined once (contract 1, 5, 10)."""

from roomtone.model.digests import SEVERITIES
from roomtone.model.limits import (
    DEFAULT_PER_PAGE,
    MAX_PARTICIPANTS_PER_PAGE,
    MAX_SESSIONS_PER_PAGE,
)
from roomtone.ports.records import Page
from roomtone.web.finding_ids import finding_ids
from roomtone.web.query import (
    MAX_PAGE_NO,
    Parameter,
    Query,
    choice,
    day,
    flag,
    hundredths,
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

# Ours: what was found when a session was sealed, and figures of its peers.
FINDING = finding_ids("finding", "Sessions with any of these findings, comma-separated.")
MIN_SEVERITY = maybe_choice(
    "min_severity", SEVERITIES, "Sessions with a finding of at least this severity."
)
BROWSER = text("browser", "Sessions in which somebody used this browser; its whole name.")
COUNTRY = text("country", "Sessions with somebody from this country; ISO 3166 as DE.")
MOS_BELOW = hundredths(
    "mos_below", 1, 5, "Sessions whose mean estimated MOS is known and below this."
)

DAYS_START = day("start_date", "First day, YYYY-MM-DD, UTC; 30 days before the end if not given.")
DAYS_END = day("end_date", "Last day, YYYY-MM-DD, UTC; today if not given.")
RANGE_START = instant("start_time", "Its whole UTC day is the first one.")
RANGE_END = instant("end_time", "Its whole UTC day is the last one.")

INCLUDE_BREAKOUT_ROOMS = flag("include_breakout_rooms", "List the breakout rooms' sessions too.")

PEER_SEARCH = text("search", "Part of the peer's id, the custom id or the display name.")
PEER_SORT = choice("sort_by", ("joinedAt", "duration"), "joinedAt", "What to sort by.")
INCLUDE_PEER_EVENTS = flag("include_peer_events", "Add each peer's created, joining and leaving.")
INCLUDE_ATTEMPTS = flag("include_attempts", "Add those who tried and never connected (view=raw).")
VIEW = choice(
    "view",
    ("raw", "consolidated"),
    "raw",
    "raw: a row a connection. consolidated: a row a person, rejoins and breakout rooms summed.",
)
MODEL = choice(
    "model",
    ("current", "previous"),
    "current",
    "previous: the report as it was before another version of the formulas made it anew.",
)
ATTENDANCE_FORMAT = choice("format", ("json", "csv"), "json", "JSON, or a spreadsheet's file.")
ATTENDANCE_START = instant("start_time", "Sessions that started then or later; no zone: UTC.")
ATTENDANCE_END = instant("end_time", "Sessions that started then or earlier; no zone: UTC.")
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


def severity_number(name: str | None) -> int:
    """A severity as lists know it: its place in ``SEVERITIES`` plus 1; 0: not asked."""
    return 0 if name is None else SEVERITIES.index(name) + 1


def page_of(query: Query, per_page: Parameter[int]) -> Page:
    """The slice that ``page_no`` and ``per_page`` ask for."""
    size = query[per_page]
    return Page((max(1, query[PAGE_NO]) - 1) * size, size)
