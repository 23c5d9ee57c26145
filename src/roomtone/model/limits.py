"""Every limit in one place, each with its reason. Overflow is refused or counted, never silent."""

# --- at the doors -------------------------------------------------------------------------------

MAX_BODY_BYTES = 4 * 1024 * 1024
"""A RealtimeKit backlog of 25 pings in a 25-person call is about 1.6 MB."""
MAX_HEAD_BYTES = 64 * 1024
"""A request's line and headers; browsers and proxies send up to 8 KB, with long cookies 16."""
MAX_WAITING_REQUESTS = 1_024
"""Requests of one process that wait for their answer; past it 503, at once. At 5 ms each that is
five seconds of work: who came later would give up before."""
MAX_WAITING_BATCHES = 768
"""Those of them that bring telemetry. The other places are kept for who asks something."""
MAX_WAITING_BYTES = 256 * 1024 * 1024
"""What came of the bodies of all requests under way, before it is inflated; past it 503."""
MAX_RECENT_BYTES = 16 * 1024 * 1024
"""Answers kept to be given again: a sealed report is some 25 KB of gzip, tenfold that plain."""
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
MAX_FUTURE_MS = 48 * 3600 * 1000
"""How far ahead a client's clock may run; or how far behind ours, which somebody sets to the wrong
day."""

MAX_ORIGINS = 100
"""Origins of one app: a product has a few hosts and its developers' machines."""
MAX_ORIGIN_CHARS = 300
"""A host name has at most 253 characters; scheme and port come on top."""
MAX_SECRET_CHARS = 4_096
"""An RSA public key of 8,192 bits as PEM takes 1,450."""

# --- sockets of other collectors ----------------------------------------------------------------

MAX_SOCKET_MESSAGE_BYTES = 4 * 1024 * 1024
"""As a request's body: the first getStats() of a 50-person call is about 600 KB."""
MAX_IDLE_STREAMS = 20_000
"""Peers that may come back whose deltas are kept; each costs about 30 KB."""
MAX_WAITING_FACTS = 1_000
"""Of one socket: past it, it is not read from until they are stored."""
MAX_FRAMES_KEPT = 10
"""Frames of one socket that nobody understood, kept in quarantine."""

# --- servers and platforms ----------------------------------------------------------------------

MAX_ROOMS_HELD = 20_000
"""Rooms, handles or people of one server that are remembered; the ones not heard of longest go."""
MAX_GATHERED = 50_000
"""Peers of the sessions that moved last, about 1 KB each, of which it is remembered when they were
there and, where servers tell of them, what links them; else the rows are read again."""
MAX_SERVERS_HELD = 1_000
"""Inlets whose servers' handles are remembered."""

# --- presence -----------------------------------------------------------------------------------

MAX_PRESENCE_MARKS = 64
"""Joins (or leaves) kept of one peer; past it the earliest and latest are kept."""
MAX_HEARD_PEERS = 1_000
"""Peers whose media one peer can vouch for."""
MAX_WITNESSES = 16
"""Kinds of servers that tell of one peer; there are fewer kinds."""
MAX_LINKS = 32
"""Ids kept by which two sources may know the same connection: a peer sends a few tracks."""
CLOCK_TOLERANCE_MS = 2_000
"""A clock that is off by less is left alone (quality.md 1.1)."""

# --- the fold -----------------------------------------------------------------------------------

MAX_STREAMS_PER_PEER = 2_000
"""Producers and consumers of one peer: a 500-person webinar rendered whole."""
MAX_READINGS_PER_STREAM = 20_000
"""A day and a half at 7 s; later ones are counted as truncated."""
MAX_READINGS_PER_PEER = 200_000
"""All streams together: about 115 MB of state at the very most (570 B each, measured)."""
MAX_TRANSPORT_POINTS_PER_PEER = 100_000
"""Looks at all transports of a peer: two for four days at 7 s; about 20 MB at the very most."""
MAX_EVENTS_PER_PEER = 5_000
"""A mute button pressed every 5 s for 7 hours."""
MAX_TRANSPORTS_PER_PEER = 200
"""Each reconnect makes two."""

# --- the API ------------------------------------------------------------------------------------

DEFAULT_PER_PAGE = 20
MAX_SESSIONS_PER_PAGE = 1_000
MAX_PARTICIPANTS_PER_PAGE = 200
MAX_TIMELINE_BINS = 600
"""A bin for every two pixels of a wide screen."""
MAX_TIMELINE_CELLS = 60_000
"""Bins of all peers together, 1 MB of JSON: 100 peers with 600 each, 1,000 with 60."""
MIN_TIMELINE_BINS = 60
"""However many peers."""
MAX_TIMELINE_MARKS = 400
"""Marks of one peer on the timeline: past it they would be one line."""
MAX_RECEIVED_SERIES = 60
"""Received streams beside one peer's own; the worst are kept: nobody reads more lines."""
MAX_SESSION_DELIVERIES = 200
"""What webhooks were told of one session: the latest; each webhook's own log has all."""
MAX_WORDS_AT_ONCE = 2_000
"""Messages and segments in one answer: two hours of a lively call."""
MAX_UPLOAD_BYTES = 64 * 1024 * 1024
"""A recording as it is sent, usually gzip; four hours of two peers at one a second is 45 MB."""
MAX_UPLOAD_PLAIN_BYTES = 512 * 1024 * 1024
"""The same, inflated: 450 MB of JSON."""

# --- the console ---------------------------------------------------------------------------------

MAX_CONSOLE_SIGN_OUTS = 10_000
"""Used tickets and closed cookies remembered until they would have expired; the oldest go first."""
MAX_LIVE_LISTENERS = 5_000
"""Consoles that follow sessions live; an idle one costs about 20 KB."""
MAX_LIVE_ROWS_KEPT = 200
"""Changed rows of an app for who reconnects; who missed more reads the list again."""

ANALYTICS_DAYS = 30
"""The days that analytics tell of when nobody says which; the vendor's."""
MAX_NAMES = 100
"""Browsers, networks or countries that an overview names: clients can make names up."""
MAX_ANALYTICS_DAYS = 3_660
"""In one question: ten years, at a row a day."""

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

# --- the call page ------------------------------------------------------------------------------

MAX_CALL_PEERS = 4
"""In a mesh everybody sends to everybody: with five, an ordinary uplink is full."""
MAX_CALL_SOCKETS = 2_000
"""Signalling connections of one process; each costs about 50 KB."""
MAX_CALL_MESSAGE_BYTES = 64 * 1024
"""An offer with two video senders and all of a browser's codecs is about 15 KB."""
MAX_CALL_WAITING_BYTES = 1024 * 1024
"""What may wait for one slow reader; past it the connection ends and the page comes back."""
MAX_CALL_CHAT_CHARS = 4_000
"""One message of the call page's chat."""
MAX_CALL_CHAT_KEPT = 100
"""Messages shown to somebody who comes later; the longest hundred fit one reader's queue."""
MAX_INVITATION_DAYS = 365
"""A link that opens a room for longer is forgotten by whoever made it."""
