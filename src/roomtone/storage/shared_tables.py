"""The tables of what several processes share: who works, and what proves that a thing is ours."""

from sqlalchemy import BigInteger, Column, LargeBinary, String, Table, UniqueConstraint

from roomtone.storage.tables import Counted, metadata

__all__ = ["metadata", "secrets", "used_nonces", "webhook_claims", "workers"]

workers = Table(
    "workers",
    metadata,
    # In the order of their coming: the first who lives leads.
    Column("number", Counted, primary_key=True, autoincrement=True),
    Column("id", String, nullable=False),
    # Counts up as long as the process lives; -1 once it has gone in peace.
    Column("beats", BigInteger, nullable=False),
    UniqueConstraint("id"),
)

webhook_claims = Table(
    "webhook_claims",
    metadata,
    Column("webhook_id", String, primary_key=True),
    Column("worker_id", String, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

used_nonces = Table(
    "used_nonces",
    metadata,
    Column("nonce", String, primary_key=True),
    # After which nobody would take it anyway; epoch ms.
    Column("until", BigInteger, nullable=False),
)
