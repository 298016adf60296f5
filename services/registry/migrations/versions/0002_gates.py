"""Requests, gates, reviews and recoveries."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("account", sa.Column("vetting_required", sa.String(), nullable=True))
    op.add_column("account", sa.Column("declared_by", sa.String(), nullable=True))
    op.add_column("account", sa.Column("review_announced_on", sa.Date(), nullable=True))
    op.create_index(
        "ix_account_next_review_on",
        "account",
        ["next_review_on"],
        unique=False,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_unique_constraint(op.f("uq_account_id_account_class"), "account", ["id", "account_class"])
    op.create_check_constraint(op.f("ck_account_vetting"), "account", "vetting_required in ('bpss', 'ctc', 'sc', 'dv')")
    op.drop_constraint(op.f("ck_account_union_keeps_handle_only"), "account", type_="check")
    op.create_check_constraint(
        op.f("ck_account_union_keeps_handle_only"),
        "account",
        "account_class <> 'union' or (status in ('live', 'closed') and num_nonnulls(title, owner, approved_person, "
        "next_review_on, checks_due_on, vetting_required, declared_by, review_announced_on) = 0)",
    )
    op.create_table(
        "account_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("about", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("account_class", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("approved_person", sa.String(), nullable=True),
        sa.Column("vetting_required", sa.String(), nullable=True),
        sa.Column("requirement", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("requested_by", sa.String(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("new_platform", sa.Boolean(), nullable=False),
        sa.Column("cleared_by", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("relevance", sa.String(), nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("on_behalf_of", sa.String(), nullable=True),
        sa.CheckConstraint("about in ('new', 'legacy')", name=op.f("ck_account_request_about")),
        sa.CheckConstraint(
            "account_class in ('official', 'professional_individual', 'linkedin')",
            name=op.f("ck_account_request_class"),
        ),
        sa.CheckConstraint(
            "requirement <> '' and purpose <> '' and owner <> ''", name=op.f("ck_account_request_says_why")
        ),
        sa.CheckConstraint(
            "state <> 'approved' or (decided_by is not null and relevance is not null)",
            name=op.f("ck_account_request_approved_by_somebody"),
        ),
        sa.CheckConstraint(
            "state in ('with_advice_centre', 'requested', 'returned', 'approved', 'refused', 'withdrawn')",
            name=op.f("ck_account_request_state"),
        ),
        sa.CheckConstraint(
            "(decided_by is null or decided_by <> requested_by) and (on_behalf_of is null or on_behalf_of <> requested_by)",
            name=op.f("ck_account_request_two_people"),
        ),
        sa.CheckConstraint("new_platform or cleared_by is null", name=op.f("ck_account_request_cleared_where_new")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_request")),
    )
    op.create_index(op.f("ix_account_request_account_id"), "account_request", ["account_id"], unique=False)
    op.create_index("ix_account_request_changed_at", "account_request", ["changed_at", "id"], unique=False)
    op.create_index(
        "uq_account_request_open_handle",
        "account_request",
        ["platform", "handle"],
        unique=True,
        postgresql_where=sa.text("state in ('with_advice_centre', 'requested', 'returned')"),
    )
    op.create_table(
        "approver",
        sa.Column("number", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_approver")),
        sa.UniqueConstraint("staff_id", name=op.f("uq_approver_staff_id")),
    )
    op.create_table(
        "training_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("course", sa.String(), nullable=False),
        sa.Column("completed_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("staff_id <> '' and course <> ''", name=op.f("ck_training_record_named")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_record")),
        sa.UniqueConstraint(
            "staff_id", "course", "completed_on", name=op.f("uq_training_record_staff_id_course_completed_on")
        ),
    )
    op.create_index("ix_training_record_recorded_at", "training_record", ["recorded_at", "id"], unique=False)
    op.create_table(
        "vetting_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("level", sa.String(), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("level in ('bpss', 'ctc', 'sc', 'dv')", name=op.f("ck_vetting_record_level")),
        sa.CheckConstraint("staff_id <> ''", name=op.f("ck_vetting_record_named")),
        sa.CheckConstraint(
            "level is not null or expires_on is null", name=op.f("ck_vetting_record_none_does_not_expire")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vetting_record")),
    )
    op.create_index("ix_vetting_record_person", "vetting_record", ["staff_id", "recorded_at", "id"], unique=False)
    op.create_index("ix_vetting_record_recorded_at", "vetting_record", ["recorded_at", "id"], unique=False)
    op.create_table(
        "compromise",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("account_class", sa.String(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recovered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recovered_by", sa.String(), nullable=True),
        sa.CheckConstraint("account_class <> 'union'", name=op.f("ck_compromise_no_union")),
        sa.CheckConstraint(
            "(recovered_at is null) = (recovered_by is null)", name=op.f("ck_compromise_recovered_by_somebody")
        ),
        sa.ForeignKeyConstraint(
            ["account_id", "account_class"],
            ["account.id", "account.account_class"],
            name=op.f("fk_compromise_account_id_account_class_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_compromise")),
        sa.UniqueConstraint(
            "account_id", "case_id", "confirmed_at", name=op.f("uq_compromise_account_id_case_id_confirmed_at")
        ),
    )
    op.create_table(
        "delegation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("approver_number", sa.BigInteger(), nullable=False),
        sa.Column("proxy", sa.String(), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.text("int8range(approver_number, approver_number, '[]')"), "&&"),
            (sa.column("period"), "&&"),
            where=sa.text("ended_at is null"),
            using="gist",
            name="ex_delegation_one_proxy_a_day",
        ),
        sa.CheckConstraint("not isempty(period) and not upper_inf(period)", name=op.f("ck_delegation_dated")),
        sa.ForeignKeyConstraint(
            ["approver_number"], ["approver.number"], name=op.f("fk_delegation_approver_number_approver")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation")),
    )
    op.create_index(op.f("ix_delegation_approver_number"), "delegation", ["approver_number"], unique=False)
    op.create_index(op.f("ix_delegation_proxy"), "delegation", ["proxy"], unique=False)
    op.create_table(
        "operator",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("account_class", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("device", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("lapses_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("named_by", sa.String(), nullable=False),
        sa.Column("named_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(state = 'withdrawn') = (reason is not null)", name=op.f("ck_operator_withdrawn_for_a_reason")
        ),
        sa.CheckConstraint("account_class <> 'union'", name=op.f("ck_operator_no_union")),
        sa.CheckConstraint("device in ('dwp_approved', 'other')", name=op.f("ck_operator_device")),
        sa.CheckConstraint(
            "reason in ('training_lapsed', 'vetting_lapsed', 'exception_expired', 'account_frozen', 'account_closed', 'by_decision')",
            name=op.f("ck_operator_reason"),
        ),
        sa.CheckConstraint("state in ('pending', 'authorised', 'withdrawn')", name=op.f("ck_operator_state")),
        sa.ForeignKeyConstraint(
            ["account_id", "account_class"],
            ["account.id", "account.account_class"],
            name=op.f("fk_operator_account_id_account_class_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator")),
    )
    op.create_index(
        "ix_operator_lapses_at",
        "operator",
        ["lapses_at"],
        unique=False,
        postgresql_where=sa.text("state = 'authorised'"),
    )
    op.create_index("ix_operator_staff_id", "operator", ["staff_id"], unique=False)
    op.create_index("uq_operator_account_person", "operator", ["account_id", "staff_id"], unique=True)
    op.create_table(
        "review",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("account_class", sa.String(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.Column("next_on", sa.Date(), nullable=True),
        sa.Column("reviewed_by", sa.String(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(outcome = 'close') = (evidence is not null)", name=op.f("ck_review_closed_with_evidence")),
        sa.CheckConstraint("(outcome = 'close') = (next_on is null)", name=op.f("ck_review_next_unless_closed")),
        sa.CheckConstraint("account_class <> 'union'", name=op.f("ck_review_no_union")),
        sa.CheckConstraint("outcome in ('keep', 'change', 'close')", name=op.f("ck_review_outcome")),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_review_says_why")),
        sa.ForeignKeyConstraint(
            ["account_id", "account_class"],
            ["account.id", "account.account_class"],
            name=op.f("fk_review_account_id_account_class_account"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review")),
    )
    op.create_index("ix_review_account", "review", ["account_id", "reviewed_at"], unique=False)
    op.create_table(
        "removal_task",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("because", sa.String(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_how", sa.String(), nullable=True),
        sa.Column("done_by", sa.String(), nullable=True),
        sa.Column("evidence", sa.String(), nullable=True),
        sa.CheckConstraint(
            "because in ('training_lapsed', 'vetting_lapsed', 'exception_expired', 'account_frozen', 'account_closed', 'by_decision')",
            name=op.f("ck_removal_task_because"),
        ),
        sa.CheckConstraint("done_how in ('removed', 'authorised_again')", name=op.f("ck_removal_task_done_how")),
        sa.CheckConstraint(
            "done_how is distinct from 'removed' or evidence is not null",
            name=op.f("ck_removal_task_removed_with_evidence"),
        ),
        sa.CheckConstraint("(done_at is null) = (done_how is null)", name=op.f("ck_removal_task_done_somehow")),
        sa.ForeignKeyConstraint(["operator_id"], ["operator.id"], name=op.f("fk_removal_task_operator_id_operator")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_removal_task")),
    )
    op.create_index(op.f("ix_removal_task_operator_id"), "removal_task", ["operator_id"], unique=False)
    op.create_index(
        "uq_removal_task_open",
        "removal_task",
        ["operator_id"],
        unique=True,
        postgresql_where=sa.text("done_at is null"),
    )
    op.create_table(
        "security_exception",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("granted_by", sa.String(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_how", sa.String(), nullable=True),
        sa.CheckConstraint(
            "ended_how in ('expired', 'ended', 'replaced')", name=op.f("ck_security_exception_ended_how")
        ),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_security_exception_says_why")),
        sa.CheckConstraint(
            "(ended_at is null) = (ended_how is null)", name=op.f("ck_security_exception_ended_somehow")
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"], ["operator.id"], name=op.f("fk_security_exception_operator_id_operator")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_exception")),
    )
    op.create_index(
        "ix_security_exception_ends_at",
        "security_exception",
        ["ends_at"],
        unique=False,
        postgresql_where=sa.text("ended_at is null"),
    )
    op.create_index(op.f("ix_security_exception_operator_id"), "security_exception", ["operator_id"], unique=False)
    op.create_index(
        "uq_security_exception_open",
        "security_exception",
        ["operator_id"],
        unique=True,
        postgresql_where=sa.text("ended_at is null"),
    )


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_index(
        "uq_security_exception_open", table_name="security_exception", postgresql_where=sa.text("ended_at is null")
    )
    op.drop_index(op.f("ix_security_exception_operator_id"), table_name="security_exception")
    op.drop_index(
        "ix_security_exception_ends_at", table_name="security_exception", postgresql_where=sa.text("ended_at is null")
    )
    op.drop_table("security_exception")
    op.drop_index("uq_removal_task_open", table_name="removal_task", postgresql_where=sa.text("done_at is null"))
    op.drop_index(op.f("ix_removal_task_operator_id"), table_name="removal_task")
    op.drop_table("removal_task")
    op.drop_index("ix_review_account", table_name="review")
    op.drop_table("review")
    op.drop_index("uq_operator_account_person", table_name="operator")
    op.drop_index("ix_operator_staff_id", table_name="operator")
    op.drop_index("ix_operator_lapses_at", table_name="operator", postgresql_where=sa.text("state = 'authorised'"))
    op.drop_table("operator")
    op.drop_index(op.f("ix_delegation_proxy"), table_name="delegation")
    op.drop_index(op.f("ix_delegation_approver_number"), table_name="delegation")
    op.drop_table("delegation")
    op.drop_table("compromise")
    op.drop_index("ix_vetting_record_recorded_at", table_name="vetting_record")
    op.drop_index("ix_vetting_record_person", table_name="vetting_record")
    op.drop_table("vetting_record")
    op.drop_index("ix_training_record_recorded_at", table_name="training_record")
    op.drop_table("training_record")
    op.drop_table("approver")
    op.drop_index(
        "uq_account_request_open_handle",
        table_name="account_request",
        postgresql_where=sa.text("state in ('with_advice_centre', 'requested', 'returned')"),
    )
    op.drop_index("ix_account_request_changed_at", table_name="account_request")
    op.drop_index(op.f("ix_account_request_account_id"), table_name="account_request")
    op.drop_table("account_request")
    op.drop_constraint(op.f("ck_account_union_keeps_handle_only"), "account", type_="check")
    op.create_check_constraint(
        op.f("ck_account_union_keeps_handle_only"),
        "account",
        "account_class <> 'union' or (status in ('live', 'closed') and num_nonnulls(title, owner, approved_person, "
        "next_review_on, checks_due_on) = 0)",
    )
    op.drop_constraint(op.f("ck_account_vetting"), "account", type_="check")
    op.drop_constraint(op.f("uq_account_id_account_class"), "account", type_="unique")
    op.drop_index("ix_account_next_review_on", table_name="account", postgresql_where=sa.text("status <> 'closed'"))
    op.drop_column("account", "review_announced_on")
    op.drop_column("account", "declared_by")
    op.drop_column("account", "vetting_required")
