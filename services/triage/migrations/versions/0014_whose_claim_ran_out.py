"""Whose claim ran out: they hear of a reply."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("case", sa.Column("last_had_by", sa.String(), nullable=True))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("case", "last_had_by")
