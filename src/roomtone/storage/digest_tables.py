"""The tables of digests and of what they add up to; the rest stands in :mod:`tables`.

A day is its number since 1970-01-01, UTC. What a digest added to its day is kept with it, so that
exactly this is taken away again when the session is sealed anew or erased, whatever version of
Roomtone added it.
"""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table, Text

from roomtone.storage.tables import metadata

__all__ = ["day_figures", "day_names", "metadata", "session_digests"]

session_digests = Table(
    "session_digests",
    metadata,
    Column("session_id", String, primary_key=True),
    Column("app_id", String, nullable=False),
    Column("day", Integer, nullable=False),
    # Ascends from the worst session of a day to the best.
    Column("rank", Integer, nullable=False),
    Column("closed_ms", BigInteger, nullable=False),
    Column("peers", Integer, nullable=False),
    Column("mos_hundredths", Integer),
    # NULL: nothing looked for findings.
    *(Column(name, Integer) for name in ("errors", "warnings", "infos")),
    Column("outcome", String),
    # A Share and a Digest (model/digests.py). NULL: made by the migration from the session's row,
    # and counted with a share of one session, ``closed_ms`` and ``peers``.
    Column("share", LargeBinary),
    Column("body", LargeBinary),
    Index("ix_session_digests_worst", "app_id", "day", "rank", "session_id"),
)

day_figures = Table(
    "day_figures",
    metadata,
    Column("app_id", String, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("sessions", Integer, nullable=False),
    Column("closed_ms", BigInteger, nullable=False),
    Column("peers", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("warnings", Integer, nullable=False),
    # Over the peers whose MOS is known, in hundredths.
    Column("mos_sum", BigInteger, nullable=False),
    Column("mos_count", Integer, nullable=False),
)

day_names = Table(
    "day_names",
    metadata,
    Column("app_id", String, primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),
    # browser, network, country, finding (its name is severity:id), mos (its name is the bin).
    Column("dimension", String, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("sessions", Integer, nullable=False),
    Column("peers", Integer, nullable=False),
    Column("mos_sum", BigInteger, nullable=False),
    Column("mos_count", Integer, nullable=False),
)
