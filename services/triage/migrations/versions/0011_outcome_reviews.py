"""Outcomes that their reporters ask to be looked at again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
_WAITING = sa.text("review_asked_at is not null")


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("case", sa.Column("review_asked_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_case_review_of_an_outcome"), "case", "(review_asked_at is null) or outcome is not null"
    )
    op.create_index("ix_case_review", "case", ["priority", "case_id"], postgresql_where=_WAITING)
    op.create_table(
        "outcome_review",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("resolution", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note_id", sa.Uuid(), nullable=False),
        sa.Column("resolved_by", sa.String(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("result", sa.String(), nullable=True),
        sa.CheckConstraint(
            "num_nulls(decided_at, decided_by, result) in (0, 3)", name=op.f("ck_outcome_review_decided_as_a_whole")
        ),
        sa.CheckConstraint(
            "lower(decided_by) <> lower(resolved_by)", name=op.f("ck_outcome_review_decided_by_another")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name=op.f("fk_outcome_review_case_id_case")),
        sa.PrimaryKeyConstraint("case_id", "resolution", name=op.f("pk_outcome_review")),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("outcome_review")
    op.drop_index("ix_case_review", table_name="case")
    op.drop_constraint(op.f("ck_case_review_of_an_outcome"), "case", type_="check")
    op.drop_column("case", "review_asked_at")
