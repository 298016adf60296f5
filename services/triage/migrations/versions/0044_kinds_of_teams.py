"""A facet of what kind a case is and which team has it: a team's cases of a kind that it seldom gets are found at once."""

from collections.abc import Sequence

from alembic import op

revision: str = "0044"
down_revision: str | None = "0043"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_SEEN_AS = "case when outcome = 'exempt' then null when restricted then team || '/restricted' else team end"
_OF_KIND = f"({_SEEN_AS}) || '/kind:' || report_type,"
_YEAR, _MONTH, _DAY = (
    f"cast(extract({part} from opened_at at time zone 'Europe/London') as text)" for part in ("year", "month", "day")
)


def upgrade() -> None:
    """Go to this revision. The table of cases is written once more, with its indexes."""
    _express(_OF_KIND)


def downgrade() -> None:
    """Go back to the revision before."""
    _express("")


def _express(of_kind: str) -> None:
    op.execute(f"""
        alter table "case" alter column facets set expression as (behaviours || array_remove(array[
          'kind:' || report_type,
          'platform:' || platform,
          'priority:' || priority,
          'state:' || state,
          'takedown:' || takedown,
          'who:' || lower(coalesce(assignee, '')),
          {_SEEN_AS},
          {of_kind}
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
