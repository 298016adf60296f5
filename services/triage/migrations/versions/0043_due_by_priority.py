"""An index of open cases by priority and due time, for the change of shifts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0043"
down_revision: str | None = "0042"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision. The index holds open cases alone: it is made in seconds among ten million cases."""
    where = sa.text("state not in ('resolved', 'closed', 'merged')")
    op.create_index("ix_case_priority_due", "case", ["priority", "due_at", "case_id"], postgresql_where=where)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_case_priority_due", "case")
