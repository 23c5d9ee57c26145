"""The tables of the inlets, and of the names that other systems give to rooms."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from roomtone.storage.tables import metadata

__all__ = ["inlets", "metadata", "room_names"]

inlets = Table(
    "inlets",
    metadata,
    Column("id", String, primary_key=True),
    Column("app_id", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("name", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    Index(None, "app_id", "created_at", "id"),
)

room_names = Table(
    "room_names",
    metadata,
    Column("app_id", String, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("meeting_id", String, nullable=False),
)
