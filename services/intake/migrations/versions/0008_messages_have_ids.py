"""Messages have ids, which events and evidence call them by."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision. Without a default no row is rewritten, and an older process goes on storing."""
    op.add_column("report_addition", sa.Column("message_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("report_addition", "message_id")
