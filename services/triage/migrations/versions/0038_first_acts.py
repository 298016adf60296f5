"""The first act on a case is a message, a question, a transfer or an outcome, and no longer the claim."""

from collections.abc import Sequence

from alembic import op

revision: str = "0038"
down_revision: str | None = "0037"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_READ_AGAIN = """
with act as (
  select chain_id, min(at) as at from activity
  where action in ('note_shared', 'information_asked') or (action <> 'opened' and "after" ?| array['team', 'outcome'])
  group by chain_id
)
update counted_case set first_action_at = least(act.at, known.resolved_at)
from counted_case known left join act on act.chain_id = known.case_id
where known.case_id = counted_case.case_id
  and counted_case.first_action_at is distinct from least(act.at, known.resolved_at)
"""
_COUNT_AGAIN = """
with acted as (
  select team, submitted_at, first_action_at - submitted_at as took from counted_case where first_action_at is not null
), cell (at, label) as (
  select date_trunc('day', submitted_at at time zone 'Europe/London') at time zone 'Europe/London',
    team || '|' || case when took < interval '1 minute' then 0
      else 1 + floor(ln(extract(epoch from took)::double precision / 60) / ln(1.25::double precision))::int end
  from acted
)
insert into figure (figure, at, label, n) select 'first_action', at, label, count(*) from cell group by 1, 2, 3
"""


def upgrade() -> None:
    """Go to this revision: read the first act from what the record of each case says, and count again."""
    op.execute(_READ_AGAIN)
    op.execute("delete from figure where figure = 'first_action'")
    op.execute(_COUNT_AGAIN)


def downgrade() -> None:
    """Go back to the revision before; the figures of before count claims from then on only."""
