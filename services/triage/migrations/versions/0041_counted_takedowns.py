"""Take-downs are counted as they change, and no more at each look."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0041"
down_revision: str | None = "0040"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_READ = """
insert into counted_takedown (takedown_id, case_id, platform, asked_at, came_of, removed_at)
select takedown_id, asked.case_id, asked.platform, reported_at,
  case when state in ('removed', 'refused') then state when overdue then 'overdue' else 'open' end,
  case when state = 'removed' then settled_at end
from takedown asked join counted_case using (case_id)
"""
_COUNTED_AGAIN = ["takedown", "removed_within"]
_COUNT_AGAIN = """
with asked as (
  select team || '|' || platform as label, came_of, removed_at - asked_at as took,
    date_trunc('day', asked_at at time zone 'Europe/London') at time zone 'Europe/London' as at
  from counted_takedown join counted_case using (case_id)
), cell (figure, at, label) as (
  select 'takedown', at, label || '|' || came_of from asked
  union all
  select 'removed_within', at, label || '|' || case when took < interval '1 minute' then 0
    else 1 + floor(ln(extract(epoch from took)::double precision / 60) / ln(1.25::double precision))::int end
  from asked where took is not null
)
insert into figure (figure, at, label, n) select figure, at, label, count(*) from cell group by 1, 2, 3
"""


def upgrade() -> None:
    """Go to this revision: count the take-downs of the cases that are counted. Nothing that is in use is locked."""
    op.create_table(
        "counted_takedown",
        sa.Column("takedown_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("came_of", sa.String(), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("takedown_id", name=op.f("pk_counted_takedown")),
    )
    op.execute(_READ)
    op.create_index(op.f("ix_counted_takedown_case_id"), "counted_takedown", ["case_id"])
    op.execute(_COUNT_AGAIN)
    op.drop_index(op.f("ix_takedown_reported_at"), "takedown")


def downgrade() -> None:
    """Go back to the revision before."""
    op.create_index(op.f("ix_takedown_reported_at"), "takedown", ["reported_at"])
    op.execute("delete from figure where figure in ('takedown', 'removed_within')")
    op.drop_table("counted_takedown")
