"""Reports by the hour: those of today and yesterday are counted once, later ones as they come."""

from collections.abc import Sequence

from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.execute(
        "insert into figure (figure, at, label, n) "
        "select 'hourly', date_trunc('hour', submitted_at), '', count(*) from counted_report "
        "where submitted_at > now() - interval '2 days' group by 2 on conflict do nothing"
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.execute("delete from figure where figure = 'hourly'")
