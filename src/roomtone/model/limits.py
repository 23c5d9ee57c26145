"""Every limit in one place, each with its reason. Overflow is refused or counted, never silent."""

# --- at the doors -------------------------------------------------------------------------------

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A RealtimeKit backlog of 25 pings in a 25-person call is about 1.6 MB."""
MAX_INFLATED_BYTES = 16 * 1024 * 1024
"""A gzip body of snapshots inflates about 8-fold; past this it is a bomb."""
MAX_ENTRIES = 1_000
"""RealtimeKit sends at most 25 a request; a collector that was offline for 15 minutes sends 900."""
MAX_STATS_PER_REPORT = 4_000
"""One getStats() of a 50-person call has about 1,500 objects."""
MAX_JSON_DEPTH = 24
"""Metadata nests four deep in practice; msgspec itself stops at the interpreter's limit."""
MAX_METADATA_BYTES = 16 * 1024
"""One event's metadata as JSON; device lists are the largest and take about 5 KB."""
MAX_NAME_CHARS = 512
"""Titles, names, labels, event names, user agents: longer is cut (labels) or refused (names)."""
MAX_ID_CHARS = 128
"""A custom participant id, track id, transport id, candidate id."""
MAX_PAST_MS = 7 * 24 * 3600 * 1000
"""How old an entry may be: a week of being offline."""
MAX_FUTURE_MS = 24 * 3600 * 1000
"""How far ahead a client's clock may run."""

# --- presence -----------------------------------------------------------------------------------

MAX_PRESENCE_MARKS = 64
"""Joins (or leaves) kept of one peer; past it the earliest and latest are kept."""
MAX_HEARD_PEERS = 1_000
"""Peers whose media one peer can vouch for."""
CLOCK_TOLERANCE_MS = 2_000
"""A clock that is off by less is left alone (quality.md 1.1)."""

# --- the fold -----------------------------------------------------------------------------------

MAX_STREAMS_PER_PEER = 2_000
"""Producers and consumers of one peer: a 500-person webinar rendered whole."""
MAX_READINGS_PER_STREAM = 20_000
"""A day and a half at 7 s; later ones are counted as truncated."""
MAX_READINGS_PER_PEER = 200_000
"""All streams together: about 115 MB of state at the very most (570 B each, measured)."""
MAX_EVENTS_PER_PEER = 5_000
"""A mute button pressed every 5 s for 7 hours."""
MAX_TRANSPORTS_PER_PEER = 200
"""Each reconnect makes two."""

# --- the API ------------------------------------------------------------------------------------

DEFAULT_PER_PAGE = 20
MAX_SESSIONS_PER_PAGE = 1_000
MAX_PARTICIPANTS_PER_PAGE = 200

# --- words --------------------------------------------------------------------------------------

MAX_WORDS_FILE_BYTES = 32 * 1024 * 1024
"""A 10-hour transcript of 200,000 segments is about 25 MB as JSON; refused before it is read on."""
MAX_SEGMENTS = 400_000
"""Twice that transcript."""
MAX_SENTENCE_CHARS = 10_000
"""Ten minutes of uninterrupted speech in one segment."""
MAX_TRANSCRIPT_MS = 1_000 * 3600 * 1000
"""How far into a session a segment may start: six weeks."""
MAX_MESSAGES = 100_000
"""In one file or request: more than an hour of the busiest webinar."""
MAX_MESSAGE_BYTES = 64 * 1024
"""One chat message as JSON; the vendor's custom messages hold HTML."""
