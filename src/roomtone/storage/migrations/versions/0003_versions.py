"""Reports as they were before another model made them anew, and how long each peer talked.

Sessions that were sealed before have talk times once ``roomtone rebuild`` has read their journal.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "previous_reports",
        sa.Column("subject", sa.LargeBinary(16), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("peer_id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_previous_reports"),
    )
    op.create_index("ix_previous_reports_app_id_peer_id", "previous_reports", ["app_id", "peer_id"])
    op.create_table(
        "talk_times",
        sa.Column("subject", sa.LargeBinary(16), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("talk_ms", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("subject", name="pk_talk_times"),
    )
    op.create_index("ix_talk_times_session_id", "talk_times", ["session_id"])
