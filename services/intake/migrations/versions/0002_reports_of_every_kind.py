"""Reports of every kind."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_CHECKS = {
    "only_abuse_by_nobody": "report_type = 'abuse' or reporter_subject is not null",
    "conduct_has_a_place": "report_type not in ('abuse', 'misuse') or platform is not null",
    "occurrence_says_who_is_told": (
        "report_type in ('enquiry', 'policy_exception') or num_nonnulls(found_by, manager_alert) = 2"
    ),
}
_NEEDED_BY_SOME = ("platform", "found_by", "manager_alert")


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("report", sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True))
    for column in _NEEDED_BY_SOME:
        op.alter_column("report", column, existing_type=sa.Text(), nullable=True)
    for name, condition in _CHECKS.items():
        op.create_check_constraint(op.f(f"ck_report_{name}"), "report", condition)
    _create_what_one_kind_asks()
    _create_additions()
    op.add_column("tracked_case", sa.Column("outcome", sa.Text(), nullable=True))
    op.add_column("tracked_alert", sa.Column("purpose", sa.Text(), nullable=True))
    op.create_table(
        "ledger_figures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("figures", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_figures")),
    )
    op.execute("insert into ledger_figures (id, figures) values (1, '{}')")
    op.create_index(
        "ix_ledger_incomplete",
        "ledger",
        ["accepted_at"],
        unique=False,
        postgresql_where=sa.text("published_at is null or case_at is null or alert_decided_at is null"),
    )


def downgrade() -> None:
    """Go back to the revision before; reports of other kinds than abuse go."""
    op.drop_index("ix_ledger_incomplete", table_name="ledger")
    op.drop_table("ledger_figures")
    op.drop_column("tracked_alert", "purpose")
    op.drop_column("tracked_case", "outcome")
    for table in ("report_addition", "policy_exception", "enquiry", "security_incident", "misuse_report"):
        op.drop_table(table)
    op.execute("delete from report where report_type <> 'abuse'")
    for name in _CHECKS:
        op.drop_constraint(op.f(f"ck_report_{name}"), "report", type_="check")
    for column in _NEEDED_BY_SOME:
        op.alter_column("report", column, existing_type=sa.Text(), nullable=False)
    op.drop_column("report", "withdrawn_at")


def _of_report(table: str) -> tuple[sa.Column[object], sa.ForeignKeyConstraint, sa.PrimaryKeyConstraint]:
    return (
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f(f"fk_{table}_report_id_report"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("report_id", name=op.f(f"pk_{table}")),
    )


def _create_what_one_kind_asks() -> None:
    op.create_table(
        "misuse_report",
        *_of_report("misuse_report"),
        sa.Column("subject", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("behaviours", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("abuse_behaviours", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("union_activity", sa.Text(), nullable=False),
        sa.Column("account_kind", sa.Text(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("own_time", sa.Text(), nullable=False),
        sa.Column("dwp_information", sa.Text(), nullable=False),
        sa.Column("related_reference", sa.Text(), nullable=True),
    )
    op.create_table(
        "security_incident",
        *_of_report("security_incident"),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("effects", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("circumstances", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("asset_owner", sa.Text(), nullable=False),
        sa.Column("asset_note", sa.Text(), nullable=True),
        sa.Column("discovered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("still_happening", sa.Text(), nullable=False),
        sa.Column("personal_data", sa.Text(), nullable=False),
        sa.Column("people_affected", sa.Integer(), nullable=True),
        sa.Column("own_mistake", sa.Boolean(), nullable=False),
        sa.Column("account", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.CheckConstraint("people_affected >= 0", name=op.f("ck_security_incident_people_are_counted")),
    )
    op.create_table("enquiry", *_of_report("enquiry"), sa.Column("about", sa.Text(), nullable=False))
    op.create_table(
        "policy_exception",
        *_of_report("policy_exception"),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("business_case", sa.Text(), nullable=True),
        sa.Column("wanted_until", sa.Date(), nullable=True),
    )


def _create_additions() -> None:
    op.create_table(
        "report_addition",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["report_id"], ["report.id"], name=op.f("fk_report_addition_report_id_report"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_addition")),
    )
    op.create_index(op.f("ix_report_addition_report_id"), "report_addition", ["report_id"], unique=False)
