"""Since when a report lies as it is sent; NULL once it is packed."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Make the column and its index; the reports there are are packed by and by."""
    op.add_column("reports", sa.Column("unpacked_since", sa.BigInteger()))
    op.execute("UPDATE reports SET unpacked_since = sealed_at")
    op.create_index("ix_reports_unpacked_since", "reports", ["unpacked_since"])
