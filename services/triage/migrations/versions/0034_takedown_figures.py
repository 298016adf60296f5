"""An index for the figures of take-downs."""

from collections.abc import Sequence

from alembic import op

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_index(op.f("ix_takedown_reported_at"), "takedown", ["reported_at"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index(op.f("ix_takedown_reported_at"), "takedown")
