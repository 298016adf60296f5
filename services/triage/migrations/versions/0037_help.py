"""Lists of tasks, who is targeted again, and the language of reply templates."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0037"
down_revision: str | None = "0036"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_WAITING = sa.text("done_at is null")


def upgrade() -> None:
    """Go to this revision."""
    op.create_index("ix_task_waiting", "task", ["due_at", "task_id"], postgresql_where=_WAITING)
    op.create_index("ix_task_of_person", "task", [sa.text("lower(assignee)")], postgresql_where=_WAITING)
    op.create_index("ix_case_key_person", "case_key", ["at", "case_id"], postgresql_where=sa.text("kind = 'person'"))
    op.add_column("reply_template", sa.Column("language", sa.String(), server_default="en", nullable=False))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("reply_template", "language")
    op.drop_index("ix_case_key_person", "case_key")
    op.drop_index("ix_task_of_person", "task")
    op.drop_index("ix_task_waiting", "task")
