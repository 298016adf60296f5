"""Facets of what kind a case is for which team, and of overdue tasks, so that lists find the few cases of both."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0044"
down_revision: str | None = "0043"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OPEN = "state not in ('resolved', 'closed', 'merged')"
_ORDERS = {"due": ("due_at", "due_at is not null"), "priority": ("priority", _OPEN), "open": ("opened_at", _OPEN)}
_LOOKED_AT = ("team", "restricted", "outcome", "facets", "opened_at", "due_at", "at_risk_at", "priority")
_WAITS = "replied_at is not null or review_asked_at is not null or takedown = 'due'"
_SEEN_AS = "case when outcome = 'exempt' then null when restricted then team || '/restricted' else team end"
_NEW = f"({_SEEN_AS}) || '/kind:' || report_type, case when task_overdue then 'tasks:overdue' end,"
_YEAR, _MONTH, _DAY = (
    f"cast(extract({part} from opened_at at time zone 'Europe/London') as text)" for part in ("year", "month", "day")
)


def upgrade() -> None:
    """Go to this revision. The table of cases is written once more, with its indexes."""
    op.drop_index("ix_task_overdue", "task")
    _facets(_NEW, _LOOKED_AT, f"{_OPEN} or due_at is not null or {_WAITS}")


def downgrade() -> None:
    """Go back to the revision before."""
    _facets("", (*_LOOKED_AT, "task_overdue"), f"{_OPEN} or {_WAITS}")
    overdue = sa.text("overdue and listed_for is not null")
    op.create_index("ix_task_overdue", "task", ["listed_for", "case_id"], postgresql_where=overdue)


def _facets(new: str, looked_at: Sequence[str], active: str) -> None:
    for name in (*_ORDERS, "active_facets"):
        op.drop_index(f"ix_case_{name}", "case")
    op.execute(f"""
        alter table "case" alter column facets set expression as (behaviours || array_remove(array[
          'kind:' || report_type,
          'platform:' || platform,
          'priority:' || priority,
          'state:' || state,
          'takedown:' || takedown,
          'who:' || lower(coalesce(assignee, '')),
          {_SEEN_AS},
          {new}
          case when state in ('resolved', 'closed') then 'finished' when state = 'merged' then 'merged' else 'open' end,
          case when due_at is null then 'no clock' else 'clock' end,
          case when restricted then 'restricted' end,
          case when replied_at is not null then 'replied' end,
          case when review_asked_at is not null then 'review' end,
          'on:' || {_YEAR},
          'on:' || {_YEAR} || '-' || {_MONTH},
          'on:' || {_YEAR} || '-' || {_MONTH} || '-' || {_DAY}
        ], null))
    """)
    for name, (key, where) in _ORDERS.items():
        include = [column for column in looked_at if column != key]
        in_order = [key, "case_id"]
        op.create_index(
            f"ix_case_{name}", "case", in_order, postgresql_where=sa.text(where), postgresql_include=include
        )
    found = sa.text(active)
    op.create_index("ix_case_active_facets", "case", ["facets"], postgresql_using="gin", postgresql_where=found)
