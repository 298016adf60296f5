"""Who gets the cases of a bulk action that assigns them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_KEPT = "ck_bulk_nothing_kept_of_the_words"


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("bulk", sa.Column("assignee", sa.String(), nullable=True))
    op.drop_constraint(op.f(_KEPT), "bulk")
    op.create_check_constraint(op.f(_KEPT), "bulk", "finished_at is null or num_nonnulls(viewer, words, assignee) = 0")


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_constraint(op.f(_KEPT), "bulk")
    op.create_check_constraint(op.f(_KEPT), "bulk", "finished_at is null or num_nonnulls(viewer, words) = 0")
    op.drop_column("bulk", "assignee")
