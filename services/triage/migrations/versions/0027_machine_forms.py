"""Forms that machines read about take-downs, and what became of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
_Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "machine_form",
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("takedown_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("protocol", sa.String(), nullable=False),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("made_at", _Moment, nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", _Moment, nullable=True),
        sa.Column("sent_at", _Moment, nullable=True),
        sa.Column("answer", sa.String(), nullable=True),
        sa.CheckConstraint(
            "(state = 'queued') = (next_at is not null)", name=op.f("ck_machine_form_queued_for_a_time")
        ),
        sa.CheckConstraint("(state = 'sent') = (sent_at is not null)", name=op.f("ck_machine_form_sent_at_a_time")),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name=op.f("fk_machine_form_case_id_case")),
        sa.ForeignKeyConstraint(
            ["takedown_id"], ["takedown.takedown_id"], name=op.f("fk_machine_form_takedown_id_takedown")
        ),
        sa.PrimaryKeyConstraint("form_id", name=op.f("pk_machine_form")),
    )
    op.create_index(op.f("ix_machine_form_case_id"), "machine_form", ["case_id"])
    op.create_index(
        "ix_machine_form_next", "machine_form", ["next_at"], postgresql_where=sa.text("next_at is not null")
    )
    op.create_index(
        "uq_machine_form_once",
        "machine_form",
        ["takedown_id", "protocol"],
        unique=True,
        postgresql_where=sa.text("state in ('queued', 'sent')"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("machine_form")
