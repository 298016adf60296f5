"""What became of the wish that an outcome is looked at again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
_FINISHED = 4
_COLUMNS = ("resolved_at", "review_asked_at", "reviewed_at")


def upgrade() -> None:
    """Go to this revision; of cases that are finished already, the time of the last news stands for the outcome's."""
    for name in _COLUMNS:
        op.add_column("tracked_case", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("tracked_case", sa.Column("review_result", sa.Text(), nullable=True))
    op.execute(
        sa.text("update tracked_case set resolved_at = changed_at where stage = :finished").bindparams(
            finished=_FINISHED
        )
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("tracked_case", "review_result")
    for name in reversed(_COLUMNS):
        op.drop_column("tracked_case", name)
