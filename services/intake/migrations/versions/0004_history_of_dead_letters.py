"""What happened to each dead letter, step by step."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "dead_letter_step",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dead_letter_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False, comment="a staff id, or signpost"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["dead_letter_id"], ["dead_letter.id"], name=op.f("fk_dead_letter_step_dead_letter_id_dead_letter")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter_step")),
    )
    op.create_index(op.f("ix_dead_letter_step_dead_letter_id"), "dead_letter_step", ["dead_letter_id"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index(op.f("ix_dead_letter_step_dead_letter_id"), table_name="dead_letter_step")
    op.drop_table("dead_letter_step")
