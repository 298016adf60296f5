"""First tables."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("handle", sa.String(), nullable=False),
        sa.Column("account_class", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("official_use", sa.Boolean(), nullable=False),
        sa.Column("title", sa.String(), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("approved_person", sa.String(), nullable=True),
        sa.Column("next_review_on", sa.Date(), nullable=True),
        sa.Column("checks_due_on", sa.Date(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "account_class <> 'linkedin' or platform = 'linkedin'", name=op.f("ck_account_linkedin_is_on_linkedin")
        ),
        sa.CheckConstraint(
            "account_class <> 'professional_individual' or approved_person is not null",
            name=op.f("ck_account_approved_person"),
        ),
        sa.CheckConstraint(
            "account_class <> 'union' or (status in ('live', 'closed') and num_nonnulls(title, owner, approved_person, "
            "next_review_on, checks_due_on) = 0)",
            name=op.f("ck_account_union_keeps_handle_only"),
        ),
        sa.CheckConstraint(
            "account_class in ('official', 'professional_individual', 'linkedin', 'union')",
            name=op.f("ck_account_class"),
        ),
        sa.CheckConstraint(
            "case account_class when 'linkedin' then true when 'union' then not official_use else official_use end",
            name=op.f("ck_account_use_fits_class"),
        ),
        sa.CheckConstraint("platform <> '' and handle <> ''", name=op.f("ck_account_named")),
        sa.CheckConstraint(
            "status <> 'legacy' or checks_due_on is not null", name=op.f("ck_account_legacy_has_a_date")
        ),
        sa.CheckConstraint("status in ('live', 'legacy', 'frozen', 'closed')", name=op.f("ck_account_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
    )
    op.create_index("ix_account_register", "account", ["platform", "handle", "id"], unique=False)
    op.create_index(
        "uq_account_live_handle",
        "account",
        ["platform", "handle"],
        unique=True,
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("appended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error_class", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("action", sa.Text(), nullable=True),
        sa.Column("action_by", sa.Text(), nullable=True),
        sa.Column("action_reason", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("action in ('replayed', 'discarded')", name=op.f("ck_dead_letter_action")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letter")),
        sa.UniqueConstraint("group_name", "source", "event_id", name=op.f("uq_dead_letter_group_name_source_event_id")),
        sa.UniqueConstraint(
            "group_name", "topic", "partition", "offset", name=op.f("uq_dead_letter_group_name_topic_partition_offset")
        ),
    )
    op.create_index(
        "ix_dead_letter_open",
        "dead_letter",
        ["group_name", "recorded_at"],
        unique=False,
        postgresql_where=sa.text("settled_at IS NULL"),
    )
    op.create_table(
        "inbox",
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("group_name", "source", "event_id", name=op.f("pk_inbox")),
    )
    op.create_index(
        "ix_inbox_aggregate",
        "inbox",
        ["subject", "sequence", "group_name", "source", "topic"],
        unique=False,
        postgresql_where=sa.text("sequence IS NOT NULL"),
    )
    op.create_index("ix_inbox_handled_at", "inbox", ["handled_at"], unique=False, postgresql_using="brin")
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("subject", sa.Uuid(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("subject", "topic", "sequence", name=op.f("uq_outbox_subject_topic_sequence")),
    )
    op.create_index("ix_outbox_published_at", "outbox", ["published_at"], unique=False, postgresql_using="brin")
    op.create_index(
        "ix_outbox_unpublished", "outbox", ["id"], unique=False, postgresql_where=sa.text("published_at IS NULL")
    )
    op.create_table(
        "parked_event",
        sa.Column("group_name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("partition", sa.Integer(), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=True),
        sa.Column("value", sa.LargeBinary(), nullable=True),
        sa.Column("headers", sa.Text(), nullable=False),
        sa.Column("appended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("group_name", "source", "event_id", name=op.f("pk_parked_event")),
    )
    op.create_index(
        "ix_parked_event_aggregate",
        "parked_event",
        ["group_name", "source", "topic", "subject", "sequence"],
        unique=False,
    )
    op.create_table(
        "activity",
        sa.Column("chain_id", sa.Uuid(), nullable=False, comment="the case or account"),
        sa.Column("position", sa.Integer(), nullable=False, comment="from 1, without holes"),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="a staff id, or system:<service>"),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "digests",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="name of a personal field -> its salted digest",
        ),
        sa.Column(
            "content",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            nullable=True,
            comment="name of a personal field -> salt and text; null once erased, and the chain still verifies",
        ),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain_id", "position", name=op.f("pk_activity")),
    )
    op.create_table(
        "anchor",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("chains", sa.Integer(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_anchor")),
    )
    op.create_table(
        "anchored_chain",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("chain_id", sa.Uuid(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", "chain_id", name=op.f("pk_anchored_chain")),
    )
    op.create_table(
        "chain_head",
        sa.Column("chain_id", sa.Uuid(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("anchored_length", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("chain_id", name=op.f("pk_chain_head")),
    )
    op.create_index(
        "ix_chain_head_unanchored",
        "chain_head",
        ["chain_id"],
        unique=False,
        postgresql_where=sa.text("length > anchored_length"),
    )


def downgrade() -> None:
    """Go back to the one before."""
    op.drop_index(
        "ix_chain_head_unanchored", table_name="chain_head", postgresql_where=sa.text("length > anchored_length")
    )
    op.drop_table("chain_head")
    op.drop_table("anchored_chain")
    op.drop_table("anchor")
    op.drop_table("activity")
    op.drop_index("ix_parked_event_aggregate", table_name="parked_event")
    op.drop_table("parked_event")
    op.drop_index("ix_outbox_unpublished", table_name="outbox", postgresql_where=sa.text("published_at IS NULL"))
    op.drop_index("ix_outbox_published_at", table_name="outbox", postgresql_using="brin")
    op.drop_table("outbox")
    op.drop_index("ix_inbox_handled_at", table_name="inbox", postgresql_using="brin")
    op.drop_index("ix_inbox_aggregate", table_name="inbox", postgresql_where=sa.text("sequence IS NOT NULL"))
    op.drop_table("inbox")
    op.drop_index("ix_dead_letter_open", table_name="dead_letter", postgresql_where=sa.text("settled_at IS NULL"))
    op.drop_table("dead_letter")
    op.drop_index("uq_account_live_handle", table_name="account", postgresql_where=sa.text("status <> 'closed'"))
    op.drop_index("ix_account_register", table_name="account")
    op.drop_table("account")
