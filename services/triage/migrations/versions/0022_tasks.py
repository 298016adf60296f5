"""What has to be done about a case, the support offered, and answers of the protocol for a threat to life."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
_Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("case", sa.Column("threat_open", sa.Boolean(), server_default="false", nullable=False))
    op.create_table(
        "task",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("assignee", sa.String(), nullable=True),
        sa.Column("due_at", _Moment, nullable=True),
        sa.Column("about", sa.Uuid(), nullable=True),
        sa.Column("made_at", _Moment, nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("done_at", _Moment, nullable=True),
        sa.Column("done_by", sa.String(), nullable=True),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.CheckConstraint("code <> '' or title <> ''", name=op.f("ck_task_says_what")),
        sa.CheckConstraint("(done_at is null) = (done_by is null)", name=op.f("ck_task_done_by_someone")),
        sa.CheckConstraint("done_at is null or not overdue", name=op.f("ck_task_done_is_not_overdue")),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name=op.f("fk_task_case_id_case")),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_task")),
    )
    op.create_index(op.f("ix_task_case_id"), "task", ["case_id"])
    op.create_index("ix_task_due", "task", ["due_at"], postgresql_where=sa.text("done_at is null and not overdue"))
    op.create_table(
        "support",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("offered_at", _Moment, nullable=False),
        sa.Column("offered_by", sa.String(), nullable=False),
        sa.Column("answered_at", _Moment, nullable=True),
        sa.Column("answered_by", sa.String(), nullable=True),
        sa.Column("follow_up_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(state = 'offered') = (answered_at is null)", name=op.f("ck_support_answered_once_accepted_or_declined")
        ),
        sa.CheckConstraint(
            "(answered_at is null) = (answered_by is null)", name=op.f("ck_support_answered_by_someone")
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name=op.f("fk_support_case_id_case")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_support")),
    )
    op.create_table(
        "threat_record",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", _Moment, nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("threat", sa.Boolean(), nullable=False),
        sa.Column("rung", sa.String(), nullable=True),
        sa.Column("rung_at", _Moment, nullable=True),
        sa.Column("police_reference", sa.String(), nullable=True),
        sa.CheckConstraint("threat = (rung is not null)", name=op.f("ck_threat_record_someone_was_rung")),
        sa.CheckConstraint("(rung is null) = (rung_at is null)", name=op.f("ck_threat_record_rung_at_a_time")),
        sa.CheckConstraint("rung_at <= at", name=op.f("ck_threat_record_rung_before_it_was_recorded")),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name=op.f("fk_threat_record_case_id_case")),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_threat_record")),
    )
    op.create_index(op.f("ix_threat_record_case_id"), "threat_record", ["case_id"])


def downgrade() -> None:
    """Go back to the revision before."""
    for table in ("threat_record", "support", "task"):
        op.drop_table(table)
    op.drop_column("case", "threat_open")
