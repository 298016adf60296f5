"""What the auditors found, and an index for the deadlines whose warning is due."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "overdue_steps",
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("steps", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("service", name=op.f("pk_overdue_steps")),
    )
    op.create_index(
        "ix_deadline_unwarned",
        "deadline",
        ["at_risk_at"],
        postgresql_where=sa.text("met_at is null and paused_at is null and missed_at is null"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_deadline_unwarned", "deadline")
    op.drop_table("overdue_steps")
