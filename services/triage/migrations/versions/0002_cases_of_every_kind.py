"""Cases of every kind: what each form asks, who works on misuse, and what is counted about a person or an account."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "954dd0565432"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_TEXTS = (
    "union_activity",
    "account_kind",
    "device",
    "own_time",
    "dwp_information",
    "related_reference",
    "channel",
    "asset_owner",
    "still_happening",
    "personal_data",
    "taken_over",
    "about",
    "exception_kind",
    "asset_note",
    "account_handle",
    "business_case",
)
_LISTS = ("misuse", "effects", "circumstances")
_MOMENTS = ("manager_agreed_at", "withdrawn_at", "discovered_at")


def _of_report() -> Iterator[sa.Column[Any]]:
    yield from (sa.Column(name, sa.String(), nullable=True) for name in _TEXTS)
    yield from (sa.Column(name, postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False) for name in _LISTS)
    yield from (sa.Column(name, sa.DateTime(timezone=True), nullable=True) for name in _MOMENTS)
    yield sa.Column("people_affected", sa.BigInteger(), nullable=True)
    yield sa.Column("own_mistake", sa.Boolean(), server_default="false", nullable=False)
    yield sa.Column("wanted_until", sa.Date(), nullable=True)
    yield sa.Column("subject", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True)


def _of_case() -> Iterator[sa.Column[Any]]:
    yield sa.Column("category", sa.String(), server_default="", nullable=False)
    yield sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True)
    yield sa.Column("breach_aware_at", sa.DateTime(timezone=True), nullable=True)
    yield sa.Column("manager", sa.String(), nullable=True)


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "named_subject",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["report_id"], ["report.report_id"], name=op.f("fk_named_subject_report_id_report")),
        sa.PrimaryKeyConstraint("report_id", "key", name=op.f("pk_named_subject")),
    )
    op.create_index(op.f("ix_named_subject_key_submitted_at"), "named_subject", ["key", "submitted_at"])
    for column in _of_case():
        op.add_column("case", column)
    for column in _of_report():
        op.add_column("report", column)
    op.alter_column("report", "manager_alert", existing_type=sa.String(), nullable=True)
    op.create_index(op.f("ix_report_related_reference"), "report", ["related_reference"])
    op.create_index(op.f("ix_decision_decided_at"), "decision", ["decided_at"])
    op.add_column("known_account", sa.Column("official_use", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("known_account", "official_use")
    op.drop_index(op.f("ix_decision_decided_at"), table_name="decision")
    op.drop_index(op.f("ix_report_related_reference"), table_name="report")
    op.execute("update report set manager_alert = 'no' where manager_alert is null")
    op.alter_column("report", "manager_alert", existing_type=sa.String(), nullable=False)
    for column in _of_report():
        op.drop_column("report", column.name)
    for column in _of_case():
        op.drop_column("case", column.name)
    op.drop_index(op.f("ix_named_subject_key_submitted_at"), table_name="named_subject")
    op.drop_table("named_subject")
