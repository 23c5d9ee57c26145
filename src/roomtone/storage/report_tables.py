"""The tables beside that of the reports: their previous versions, and what outlives them."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, String, Table

from roomtone.storage.tables import SUBJECT_BYTES, metadata

__all__ = ["metadata", "previous_reports", "talk_times"]

# What a report was before another model made it anew; at most one a peer.
previous_reports = Table(
    "previous_reports",
    metadata,
    Column("subject", LargeBinary(SUBJECT_BYTES), primary_key=True),
    Column("app_id", String, nullable=False),
    Column("peer_id", String, nullable=False),
    Column("session_id", String, nullable=False),
    Column("model", String, nullable=False),
    Column("sealed_at", BigInteger, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index(None, "app_id", "peer_id"),
)

talk_times = Table(
    "talk_times",
    metadata,
    Column("subject", LargeBinary(SUBJECT_BYTES), primary_key=True),
    Column("session_id", String, nullable=False),
    Column("talk_ms", BigInteger, nullable=False),
    Column("source", String, nullable=False),
    Index(None, "session_id"),
)
