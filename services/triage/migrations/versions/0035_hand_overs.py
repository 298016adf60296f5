"""Cases that were handed over, no questions asked."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0035"
down_revision: str | None = "0034"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "hand_over",
        sa.Column("hand_over_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by", sa.String(), nullable=True),
        sa.CheckConstraint("num_nulls(seen_at, seen_by) in (0, 2)", name=op.f("ck_hand_over_seen_as_a_whole")),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name=op.f("fk_hand_over_case_id_case")),
        sa.PrimaryKeyConstraint("hand_over_id", name=op.f("pk_hand_over")),
    )
    op.create_index("ix_hand_over_unseen", "hand_over", ["team", "at"], postgresql_where=sa.text("seen_at is null"))
    op.create_index("ix_hand_over_at", "hand_over", ["at"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("hand_over")
