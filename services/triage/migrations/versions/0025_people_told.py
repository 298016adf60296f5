"""Who was told about a report."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "told_alert",
        sa.Column("alert_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("someone_told", sa.Boolean(), nullable=True),
        sa.Column("decided_at", _MOMENT, nullable=True),
        sa.Column("sent_at", _MOMENT, nullable=True),
        sa.Column("delivered_at", _MOMENT, nullable=True),
        sa.Column("failed_at", _MOMENT, nullable=True),
        sa.Column("answered_at", _MOMENT, nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("escalated_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_told_alert")),
    )
    op.create_index(op.f("ix_told_alert_report_id"), "told_alert", ["report_id"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("told_alert")
