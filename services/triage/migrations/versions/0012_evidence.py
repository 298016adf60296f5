"""What is known of each piece of evidence."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "evidence_item",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("sha256_sent", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("scan", sa.String(), nullable=False),
        sa.Column("cleaned", sa.Boolean(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("link", sa.Integer(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("responder", sa.String(), nullable=True),
        sa.Column("note", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name=op.f("fk_evidence_item_case_id_case")),
        sa.ForeignKeyConstraint(["report_id"], ["report.report_id"], name=op.f("fk_evidence_item_report_id_report")),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_evidence_item")),
    )
    op.create_index(op.f("ix_evidence_item_case_id"), "evidence_item", ["case_id"])
    op.create_index(op.f("ix_evidence_item_report_id"), "evidence_item", ["report_id"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("evidence_item")
