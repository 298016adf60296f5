"""Indexes by which lists look at open cases without reading them, one by priority and due time, one of chased ones."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0043"
down_revision: str | None = "0042"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


_OPEN = "state not in ('resolved', 'closed', 'merged')"
_ACTIVE = f"{_OPEN} or replied_at is not null or review_asked_at is not null"
_ORDERS = {"due": ("due_at", "due_at is not null"), "priority": ("priority", _OPEN), "open": ("opened_at", _OPEN)}
_LOOKED_AT = (
    "team",
    "restricted",
    "outcome",
    "facets",
    "task_overdue",
    "opened_at",
    "due_at",
    "at_risk_at",
    "priority",
)


def upgrade() -> None:
    """Go to this revision. The indexes hold open cases alone: they are made in seconds among ten million cases."""
    for name, (key, where) in _ORDERS.items():
        _make(name, key, where, [column for column in _LOOKED_AT if column != key])
    _active(f"{_ACTIVE} or takedown = 'due'")
    in_time = ["priority", "due_at", "case_id"]
    op.create_index("ix_case_priority_due", "case", in_time, postgresql_where=sa.text(_OPEN))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_case_priority_due", "case")
    _active(_ACTIVE)
    for name, (key, where) in _ORDERS.items():
        _make(name, key, where, None)


def _make(name: str, key: str, where: str, include: list[str] | None) -> None:
    op.drop_index(f"ix_case_{name}", "case")
    keys = [key, "case_id"]
    op.create_index(f"ix_case_{name}", "case", keys, postgresql_where=sa.text(where), postgresql_include=include)


def _active(where: str) -> None:
    op.drop_index("ix_case_active_facets", "case")
    found = sa.text(where)
    op.create_index("ix_case_active_facets", "case", ["facets"], postgresql_using="gin", postgresql_where=found)
