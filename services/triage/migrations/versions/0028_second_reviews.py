"""Outcomes that a second person decides too."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
_WAITS = sa.text("decided_at is null")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "second_review",
        sa.Column("review_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("resolution", sa.Integer(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("second_outcome", sa.String(), nullable=True),
        sa.CheckConstraint(
            "num_nulls(decided_at, decided_by, second_outcome) in (0, 3)",
            name=op.f("ck_second_review_decided_as_a_whole"),
        ),
        sa.CheckConstraint("lower(decided_by) <> lower(resolved_by)", name=op.f("ck_second_review_decided_by_another")),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name=op.f("fk_second_review_case_id_case")),
        sa.PrimaryKeyConstraint("review_id", name=op.f("pk_second_review")),
    )
    op.create_index(op.f("ix_second_review_case_id"), "second_review", ["case_id"])
    op.create_index("uq_second_review_waiting", "second_review", ["case_id"], unique=True, postgresql_where=_WAITS)
    op.create_index(
        "ix_second_review_waiting", "second_review", ["team", "chosen_at", "review_id"], postgresql_where=_WAITS
    )
    op.create_index(
        "ix_second_review_decided",
        "second_review",
        ["team", "decided_at"],
        postgresql_where=sa.text("decided_at is not null"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("second_review")
