"""Digests of sessions, what they add up to by day, and thresholds of findings.

What was sealed before counts at once, from the sessions' rows: sessions, minutes, peers. Quality,
browsers and findings of those come from the journal or the stored reports: ``roomtone rebuild``.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

DIGESTS = """
INSERT INTO session_digests
 (session_id, app_id, day, rank, closed_ms, peers)
SELECT s.id, s.app_id, s.started_at / 86400000, 2501, s.closed_ms,
 (SELECT count(*) FROM peers p WHERE p.session_id = s.id)
FROM sessions s WHERE s.sealed_at IS NOT NULL
"""
FIGURES = """
INSERT INTO day_figures
 (app_id, day, sessions, closed_ms, peers, errors, warnings, mos_sum, mos_count)
SELECT app_id, day, count(*), sum(closed_ms), sum(peers), 0, 0, 0, 0
FROM session_digests GROUP BY app_id, day
"""


def upgrade() -> None:
    """Make the tables and columns, and count what is there."""
    op.add_column("apps", sa.Column("thresholds", sa.Text()))
    for name in ("mos_hundredths", "severity"):
        op.add_column("sessions", sa.Column(name, sa.Integer()))
    for name in ("finding_ids", "browsers", "countries"):
        op.add_column("sessions", sa.Column(name, sa.Text()))
    _digests()
    _days()
    op.execute(DIGESTS)
    op.execute(FIGURES)


def _digests() -> None:
    op.create_table(
        "session_digests",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=False),
        sa.Column("peers", sa.Integer(), nullable=False),
        sa.Column("mos_hundredths", sa.Integer()),
        sa.Column("errors", sa.Integer()),
        sa.Column("warnings", sa.Integer()),
        sa.Column("infos", sa.Integer()),
        sa.Column("outcome", sa.String()),
        sa.Column("share", sa.LargeBinary()),
        sa.Column("body", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("session_id", name="pk_session_digests"),
    )
    op.create_index(
        "ix_session_digests_worst", "session_digests", ["app_id", "day", "rank", "session_id"]
    )


def _days() -> None:
    op.create_table(
        "day_figures",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=False),
        sa.Column("peers", sa.Integer(), nullable=False),
        sa.Column("errors", sa.Integer(), nullable=False),
        sa.Column("warnings", sa.Integer(), nullable=False),
        sa.Column("mos_sum", sa.BigInteger(), nullable=False),
        sa.Column("mos_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", "day", name="pk_day_figures"),
    )
    op.create_table(
        "day_names",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("dimension", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("peers", sa.Integer(), nullable=False),
        sa.Column("mos_sum", sa.BigInteger(), nullable=False),
        sa.Column("mos_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", "day", "dimension", "name", name="pk_day_names"),
    )
