"""Sessions that are over before they expire."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "ended_session",
        sa.Column("id", sa.Uuid(), nullable=False, comment="of the session, or made of the subject"),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("(subject is null) = (not_before is null)", name=op.f("ck_ended_session_whose")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ended_session")),
    )
    op.create_index("ix_ended_session_recorded_at", "ended_session", ["recorded_at"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_ended_session_recorded_at", table_name="ended_session")
    op.drop_table("ended_session")
