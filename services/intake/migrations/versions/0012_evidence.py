"""Uploads that wait, evidence, and grants that were used."""

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
        "upload",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("ticket", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=True),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("parts", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("part_sizes", sa.ARRAY(sa.Integer()), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("attached_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(report_id is null) <> (ticket is null)", name=op.f("ck_upload_for_one_thing")),
        sa.CheckConstraint("cardinality(parts) = cardinality(part_sizes)", name=op.f("ck_upload_each_part_has_a_size")),
        sa.CheckConstraint("received <= length", name=op.f("ck_upload_no_more_than_declared")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_upload")),
        sa.UniqueConstraint("evidence_id", name=op.f("uq_upload_evidence_id")),
    )
    op.create_index(op.f("ix_upload_expires_at"), "upload", ["expires_at"], unique=False)
    op.create_index(op.f("ix_upload_report_id"), "upload", ["report_id"], unique=False)
    op.create_index(op.f("ix_upload_ticket"), "upload", ["ticket"], unique=False)
    op.create_table(
        "used_grant",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", name=op.f("pk_used_grant")),
    )
    op.create_index(op.f("ix_used_grant_forget_at"), "used_grant", ["forget_at"], unique=False)
    op.create_table(
        "evidence",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("responder", sa.Text(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("link", sa.Integer(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("sha256_sent", sa.Text(), nullable=False),
        sa.Column("cleaned", sa.Boolean(), nullable=False),
        sa.Column("scan", sa.Text(), nullable=False),
        sa.Column("scanned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(added_by = 'team') = (responder is not null)", name=op.f("ck_evidence_team_has_someone")),
        sa.CheckConstraint("not cleaned or name is null", name=op.f("ck_evidence_a_copy_has_no_name")),
        sa.CheckConstraint("size > 0", name=op.f("ck_evidence_has_bytes")),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_evidence_report_id_report"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("evidence_id", name=op.f("pk_evidence")),
        sa.UniqueConstraint("object_name", name=op.f("uq_evidence_object_name")),
    )
    op.create_index(
        "ix_evidence_not_scanned",
        "evidence",
        ["scanned_at"],
        unique=False,
        postgresql_where=sa.text("scan = 'not_scanned' and removed_at is null"),
    )
    op.create_index(op.f("ix_evidence_report_id"), "evidence", ["report_id"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index(op.f("ix_evidence_report_id"), table_name="evidence")
    op.drop_index("ix_evidence_not_scanned", table_name="evidence")
    op.drop_table("evidence")
    op.drop_index(op.f("ix_used_grant_forget_at"), table_name="used_grant")
    op.drop_table("used_grant")
    op.drop_index(op.f("ix_upload_ticket"), table_name="upload")
    op.drop_index(op.f("ix_upload_report_id"), table_name="upload")
    op.drop_index(op.f("ix_upload_expires_at"), table_name="upload")
    op.drop_table("upload")
