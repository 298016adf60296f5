"""Figures say of which team they are."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TEAM_ALONE = ["waiting", "missed", "to_look_at"]
_COUNTED_AGAIN = [
    *("routed", "hourly", "alerted", "nobody_told", "acknowledged", "resolved", "misdirected"),
    *("platform", "behaviour", "first_action", "to_resolve"),
]
_COUNT_AGAIN = """
with report as (
  select *, date_trunc('day', submitted_at at time zone 'Europe/London') at time zone 'Europe/London' as day
  from counted_report where submitted_at is not null
), acted as (
  select 'first_action' as figure, team, submitted_at, first_action_at - submitted_at as took
  from counted_case where first_action_at is not null
  union all
  select 'to_resolve', team, submitted_at, resolved_at - submitted_at
  from counted_case where resolved_at is not null and finished
), cell (figure, at, label) as (
  select 'routed', day, team || '|' from report
  union all select 'alerted', day, team || '|' from report where sent
  union all select 'nobody_told', day, team || '|' from report where decided and not anybody and not sent
  union all select 'acknowledged', day, team || '|' from report where acknowledged
  union all select 'resolved', day, team || '|' from report where resolved
  union all select 'misdirected', day, team || '|' from report where misdirected
  union all select 'hourly', date_trunc('hour', submitted_at, 'UTC'), team || '|' from report
  union all select 'platform', day, team || '|' || platform from report where platform <> ''
  union all select 'behaviour', day, team || '|' || one
    from report, lateral (select distinct unnest(behaviours)) as said (one)
  union all select figure, date_trunc('day', submitted_at at time zone 'Europe/London') at time zone 'Europe/London',
    team || '|' || case when took < interval '1 minute' then 0
      else 1 + floor(ln(extract(epoch from took)::double precision / 60) / ln(1.25::double precision))::int end
    from acted
)
insert into figure (figure, at, label, n) select figure, at, label, count(*) from cell group by 1, 2, 3
"""


def upgrade() -> None:
    """Go to this revision: count again what has said no team so far, from the facts that are kept."""
    op.add_column("counted_report", sa.Column("team", sa.String(), server_default="", nullable=False))
    op.execute(
        'update counted_report set team = first.team from "case" first '
        "where first.report_id = counted_report.report_id and first.link_number = 1"
    )
    _of("update figure set label = label || '|' where figure = any(:figures)", _TEAM_ALONE)
    _of("delete from figure where figure = any(:figures)", _COUNTED_AGAIN)
    op.execute(_COUNT_AGAIN)


def downgrade() -> None:
    """Go back to the revision before: figures of teams are added up."""
    _of("update figure set label = rtrim(label, '|') where figure = any(:figures)", _TEAM_ALONE)
    _of(
        "with gone as (delete from figure where figure = any(:figures) returning *) "
        "insert into figure (figure, at, label, n) "
        "select figure, at, split_part(label, '|', 2), sum(n) from gone group by 1, 2, 3",
        _COUNTED_AGAIN,
    )
    op.drop_column("counted_report", "team")


def _of(statement: str, figures: list[str]) -> None:
    op.execute(sa.text(statement).bindparams(sa.bindparam("figures", figures, sa.ARRAY(sa.Text()))))
