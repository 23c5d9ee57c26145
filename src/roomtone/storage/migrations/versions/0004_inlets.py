"""Doors for other collectors and servers, and which source decided what of a peer."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables, and the columns of what was decided."""
    op.create_table(
        "inlets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_inlets"),
    )
    op.create_index("ix_inlets_app_id_created_at_id", "inlets", ["app_id", "created_at", "id"])
    op.create_table(
        "room_names",
        sa.Column("app_id", sa.String(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("meeting_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("app_id", "name", name="pk_room_names"),
    )
    op.add_column(
        "peers", sa.Column("origin", sa.String(), nullable=False, server_default="client")
    )
    op.add_column("peers", sa.Column("merged_into", sa.String()))
    op.add_column("peers", sa.Column("decided", sa.Text()))
    op.add_column("sessions", sa.Column("decided", sa.Text()))
    # Counting a session passes over what was merged, still without reading the rows.
    op.drop_index("ix_peers_stays", table_name="peers")
    op.create_index(
        "ix_stays",
        "peers",
        ["session_id", "merged_into", "joined_at", "peer_id", "left_at", "user_id"],
    )
