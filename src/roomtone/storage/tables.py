"""The tables, for every database: SQLAlchemy Core metadata, no type that only SQLite has.

Columns carry the names of the struct fields they hold (model/*.py, ports/records.py); the few that
are a table's own are explained here. Times are epoch ms. Nested values are JSON text or, where the
database never looks inside, msgpack. Indexes follow the API's filters and sorts.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Counted = BigInteger().with_variant(Integer, "sqlite")
"""A key that the database counts up: SQLite does so only for what is spelled INTEGER."""

SUBJECT_BYTES = 16
"""BLAKE2b-128 (model/subjects.py)."""

accounts = Table(
    "accounts",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

apps = Table(
    "apps",
    metadata,
    Column("id", String, primary_key=True),
    Column("account_id", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("signing_key", String, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    # What ``search`` looks in, case-folded: databases disagree on the case of anything but ASCII.
    Column("searchable", Text, nullable=False),
    Column("thresholds", Text),  # of findings, where they differ from the catalogue's; JSON
    Column("origins", Text),  # of pages that may send telemetry; JSON, NULL: every page
    Index(None, "account_id", "created_at", "id"),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", String, primary_key=True),
    Column("account_id", String, nullable=False),
    Column("app_id", String),
    Column("name", Text, nullable=False),
    Column("scope", String, nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    UniqueConstraint("sha256"),
    Index(None, "account_id", "created_at", "id"),
)

meetings = Table(
    "meetings",
    metadata,
    Column("id", String, primary_key=True),
    Column("app_id", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("status", String, nullable=False),
    Column("type", String, nullable=False),
    Column("parent_meeting_id", String),
    Column("record_on_start", Boolean, nullable=False),
    Column("live_stream_on_start", Boolean, nullable=False),
    Column("persist_chat", Boolean, nullable=False),
    Column("transcribe_on_end", Boolean, nullable=False),
    Column("summarize_on_end", Boolean, nullable=False),
    Column("session_keep_alive_time_in_secs", Integer, nullable=False),
    Column("ai_config", Text),
    Column("recording_config", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("searchable", Text, nullable=False),
    Index(None, "app_id", "created_at", "id"),
)

participants = Table(
    "participants",
    metadata,
    Column("id", String, primary_key=True),
    Column("app_id", String, nullable=False),
    Column("meeting_id", String, nullable=False),
    Column("custom_participant_id", Text, nullable=False),
    Column("preset_name", Text, nullable=False),
    Column("name", Text),
    Column("picture", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Index(None, "meeting_id", "created_at", "id"),
)

presets = Table(
    "presets",
    metadata,
    Column("id", String, primary_key=True),
    Column("app_id", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("config", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index(None, "app_id", "created_at", "id"),
    Index(None, "app_id", "name"),
)

sessions = Table(
    "sessions",
    metadata,
    # A number for life, by which the session index knows a session in 8 bytes.
    Column("ordinal", Counted, primary_key=True, autoincrement=True),
    # Grows with every put of any session: whoever follows the table asks for what is larger.
    Column("revision", BigInteger, nullable=False),
    Column("id", String, nullable=False),
    Column("app_id", String, nullable=False),
    Column("meeting_id", String, nullable=False),
    Column("title", Text, nullable=False),
    Column("type", String, nullable=False),
    Column("status", String, nullable=False),
    Column("live_participants", Integer, nullable=False),
    Column("max_concurrent_participants", Integer, nullable=False),
    Column("total_participants", Integer, nullable=False),
    Column("closed_ms", BigInteger, nullable=False),
    Column("live_since_sum", BigInteger, nullable=False),
    Column("sort_ms", BigInteger, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("end_reason", String),
    Column("empty_since", BigInteger),
    Column("parent_session_id", String),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("sealed_at", BigInteger),
    Column("trimmed_at", BigInteger),
    # What the list filters by, from the digest (digests.py); NULL until the session was sealed.
    *(Column(name, Integer) for name in ("mos_hundredths", "severity")),
    *(Column(name, Text) for name in ("finding_ids", "browsers", "countries")),
    Column("decided", Text),  # which source decided its start and its end; JSON
    UniqueConstraint("id"),
    Index(None, "revision"),
    Index(None, "meeting_id", "started_at", "ended_at"),
    Index(None, "status", "meeting_id"),
    Index(None, "sealed_at", "status", "ended_at"),
    Index(None, "parent_session_id"),
)

peers = Table(
    "peers",
    metadata,
    Column("subject", LargeBinary(SUBJECT_BYTES), primary_key=True),
    Column("app_id", String, nullable=False),
    Column("session_id", String, nullable=False),
    Column("peer_id", String, nullable=False),
    Column("user_id", String, nullable=False),
    Column("custom_participant_id", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("preset_name", Text, nullable=False),
    Column("picture", Text),
    Column("joined_at", BigInteger, nullable=False),
    Column("left_at", BigInteger),
    Column("left_reason", String),
    Column("last_sign_at", BigInteger, nullable=False),
    Column("vouched_at", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("searchable", Text, nullable=False),
    Column("presence", LargeBinary, nullable=False),
    # Which source opened it; the peer that it turned out to be; which source decided each time.
    Column("origin", String, nullable=False, server_default="client"),
    Column("merged_into", String),
    Column("decided", Text),
    Index(None, "app_id", "peer_id"),
    # Of a session who came first, and how many rows it has, without reading 5,000 of them.
    Index("ix_stays", "session_id", "merged_into", "joined_at", "peer_id", "left_at", "user_id"),
    Index(None, "left_at", "last_sign_at"),
)

reports = Table(
    "reports",
    metadata,
    Column("subject", LargeBinary(SUBJECT_BYTES), primary_key=True),
    Column("app_id", String, nullable=False),
    Column("peer_id", String, nullable=False),
    Column("session_id", String, nullable=False),
    Column("model", String, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("unpacked_since", BigInteger, index=True),  # its sealed_at; NULL once it is packed
    Index(None, "app_id", "peer_id"),
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("id", String, primary_key=True),
    Column("app_id", String, nullable=False),
    Column("source", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("context", Text, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "app_id", "received_at", "id"),
    Index(None, "received_at", "id"),
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", String, primary_key=True),
    Column("app_id", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Index(None, "app_id", "created_at", "id"),
)

deliveries = Table(
    "deliveries",
    metadata,
    # The order in which things happened, also within one millisecond.
    Column("ordinal", Counted, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False),
    Column("webhook_id", String, nullable=False),
    Column("app_id", String, nullable=False),
    Column("event", String, nullable=False),
    Column("session_id", String, nullable=False),
    Column("cause", String, nullable=False),
    Column("status", String, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("response_status", Integer),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("delivered_at", BigInteger),
    Column("queued_at", BigInteger, nullable=False),
    Column("next_try_at", BigInteger, nullable=False),
    Column("error", Text),
    Column("response_body", Text),
    Column("body", LargeBinary, nullable=False),
    UniqueConstraint("id"),
    UniqueConstraint("webhook_id", "cause"),
    # What is due next of a webhook, at the cost of one row.
    Index("ix_deliveries_due", "webhook_id", "status", "next_try_at", "ordinal"),
    Index(None, "webhook_id", "ordinal"),
    Index(None, "session_id"),
    Index(None, "created_at"),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", String, primary_key=True),
    Column("private_pem", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)

# --- what was said. The same columns for both: whole words are msgpack (model/words.py), beside
# them what they are looked for by.


def _words(name: str) -> Table:
    return Table(
        name,
        metadata,
        Column("session_id", String, primary_key=True),
        Column("id", String, primary_key=True),
        Column("app_id", String, nullable=False),
        # When it was sent, or when it starts. Only what shows is listed by it.
        Column("at", BigInteger, nullable=False),
        Column("shown", Boolean, nullable=False),
        Column("kept", LargeBinary, nullable=False),
        Index(None, "session_id", "shown", "at", "id"),
        Index(None, "shown", "at", "id"),
    )


messages = _words("messages")
segments = _words("segments")

spoken = Table(
    "spoken",
    metadata,
    Column("session_id", String, primary_key=True),
    Column("app_id", String, nullable=False),
    Column("chat_revision", BigInteger, nullable=False),
    Column("transcript_revision", BigInteger, nullable=False),
    Column("chat_made", BigInteger, nullable=False),
    Column("transcript_made", BigInteger, nullable=False),
    Column("due", Boolean, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("chat_dropped_at", BigInteger),
    Column("transcript_dropped_at", BigInteger),
    Index(None, "due", "changed_at"),
)

pending_words = Table(
    "pending_words",
    metadata,
    Column("subject", LargeBinary(SUBJECT_BYTES), primary_key=True),
    Column("noted_at", BigInteger, nullable=False),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("session_id", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("format", String, primary_key=True),
    Column("app_id", String, nullable=False),
    Column("blob_key", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("made_at", BigInteger, nullable=False),
)

summary_jobs = Table(
    "summary_jobs",
    metadata,
    Column("session_id", String, primary_key=True),
    Column("id", String, nullable=False),
    Column("app_id", String, nullable=False),
    Column("status", String, nullable=False),
    Column("reason", Text),
    Column("model", String, nullable=False),
    Column("requested_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    UniqueConstraint("id"),
    Index(None, "status", "requested_at"),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", String, primary_key=True),
    Column("position", BigInteger, nullable=False),
)

# --- the journal. Facts come last: SQLite reads a row from the front and skips what is behind.

journal = Table(
    "journal",
    metadata,
    Column("position", Counted, primary_key=True, autoincrement=True),
    Column("subject", LargeBinary(SUBJECT_BYTES), nullable=False),
    Column("key", Text, nullable=False),
    Column("received_at", BigInteger),
    Column("t_min", BigInteger, nullable=False),
    Column("t_max", BigInteger, nullable=False),
    Column("presence", LargeBinary, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    UniqueConstraint("subject", "key"),
    # A position is never given twice, although packing takes the newest rows away.
    sqlite_autoincrement=True,
)

journal_subjects = Table(
    "journal_subjects",
    metadata,
    Column("subject", LargeBinary(SUBJECT_BYTES), primary_key=True),
    Column("app_id", String, nullable=False),
    Column("meeting_id", String, nullable=False),
    Column("participant_id", String, nullable=False),
    Column("peer_id", String, nullable=False),
    # The keys of batches that were packed (batch_keys.py); NULL while none were.
    Column("packed_keys", LargeBinary),
)

journal_chunks = Table(
    "journal_chunks",
    metadata,
    Column("id", Counted, primary_key=True, autoincrement=True),
    Column("subject", LargeBinary(SUBJECT_BYTES), nullable=False),
    # Of the last batch that went in. NULL where a chunk goes on with the batches of the one before.
    Column("position", BigInteger, index=True),
    Column("t_min", BigInteger, nullable=False),
    Column("t_max", BigInteger, nullable=False),
    Column("presence", LargeBinary, nullable=False),
    Column("facts", LargeBinary, nullable=False),
    Index(None, "subject"),
)
