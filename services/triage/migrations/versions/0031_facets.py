"""The words by which lists find cases, and indexes for the orders in which they show them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OPEN = "state not in ('resolved', 'closed', 'merged')"
_BEFORE = "state not in ('resolved', 'closed')"
_YEAR, _MONTH, _DAY = (
    f"cast(extract({part} from opened_at at time zone 'Europe/London') as text)" for part in ("year", "month", "day")
)
_FACETS = f"""behaviours || array_remove(array[
  'kind:' || report_type,
  'platform:' || platform,
  'priority:' || priority,
  'state:' || state,
  'takedown:' || takedown,
  'who:' || lower(coalesce(assignee, '')),
  case when outcome = 'exempt' then null when restricted then team || '/restricted' else team end,
  case when state in ('resolved', 'closed') then 'finished' when state = 'merged' then 'merged' else 'open' end,
  case when due_at is null then 'no clock' else 'clock' end,
  case when restricted then 'restricted' end,
  case when replied_at is not null then 'replied' end,
  case when review_asked_at is not null then 'review' end,
  'on:' || {_YEAR},
  'on:' || {_YEAR} || '-' || {_MONTH},
  'on:' || {_YEAR} || '-' || {_MONTH} || '-' || {_DAY}
], null)"""


def upgrade() -> None:
    """Go to this revision."""
    for index in ("queue", "mine", "team", "replied", "review"):
        op.drop_index(f"ix_case_{index}", "case")
    facets: sa.Column[list[str]] = sa.Column(
        "facets", ARRAY(sa.Text()), sa.Computed(_FACETS, persisted=True), nullable=False
    )
    op.add_column("case", facets)
    op.create_index("ix_case_due", "case", ["due_at", "case_id"], postgresql_where=sa.text("due_at is not null"))
    op.create_index("ix_case_priority", "case", ["priority", "case_id"], postgresql_where=sa.text(_OPEN))
    op.create_index("ix_case_open", "case", ["opened_at", "case_id"], postgresql_where=sa.text(_OPEN))
    op.create_index("ix_case_opened", "case", ["opened_at", "case_id"])
    limit = {"gin_pending_list_limit": 256}
    op.create_index("ix_case_facets", "case", ["facets"], postgresql_using="gin", postgresql_with=limit)
    where = sa.text(f"{_OPEN} or replied_at is not null or review_asked_at is not null")
    op.create_index("ix_case_active_facets", "case", ["facets"], postgresql_using="gin", postgresql_where=where)
    op.create_index("ix_case_access_subject", "case_access", ["subject"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_case_access_subject", "case_access")
    for index in ("active_facets", "facets", "opened", "open", "priority", "due"):
        op.drop_index(f"ix_case_{index}", "case")
    op.drop_column("case", "facets")
    waits = sa.text("replied_at is not null"), sa.text("review_asked_at is not null")
    op.create_index("ix_case_queue", "case", ["team", "priority", "case_id"], postgresql_where=sa.text(_BEFORE))
    op.create_index("ix_case_mine", "case", ["assignee", "priority", "case_id"], postgresql_where=sa.text(_BEFORE))
    op.create_index("ix_case_team", "case", ["team", "case_id"])
    op.create_index("ix_case_replied", "case", ["priority", "case_id"], postgresql_where=waits[0])
    op.create_index("ix_case_review", "case", ["priority", "case_id"], postgresql_where=waits[1])
