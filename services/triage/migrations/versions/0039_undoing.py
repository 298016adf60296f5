"""Bulk actions that a sweep undoes, and those of one person."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0039"
down_revision: str | None = "0038"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_STATES, _KEPT = "ck_bulk_known_state", "ck_bulk_nothing_kept_of_the_words"


def upgrade() -> None:
    """Go to this revision."""
    _check(_STATES, "state in ('draft', 'running', 'done', 'undoing', 'undone')")
    _check(_KEPT, "finished_at is null or num_nonnulls(words, assignee) = 0 and (viewer is null or state = 'undoing')")
    _index("state in ('running', 'undoing')")
    op.create_index("ix_bulk_of_person", "bulk", ["asked_by", "asked_at"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_bulk_of_person", "bulk")
    _index("state = 'running'")
    _check(_KEPT, "finished_at is null or num_nonnulls(viewer, words, assignee) = 0")
    _check(_STATES, "state in ('draft', 'running', 'done', 'undone')")


def _check(name: str, condition: str) -> None:
    op.drop_constraint(op.f(name), "bulk")
    op.create_check_constraint(op.f(name), "bulk", condition)


def _index(condition: str) -> None:
    op.drop_index("ix_bulk_running", "bulk")
    op.create_index("ix_bulk_running", "bulk", ["asked_at"], postgresql_where=sa.text(condition))
