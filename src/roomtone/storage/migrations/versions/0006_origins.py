"""The origins of web pages that may send telemetry for an app."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Make the column; until it is filled, every page may, as before."""
    op.add_column("apps", sa.Column("origins", sa.Text()))
