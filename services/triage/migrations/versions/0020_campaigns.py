"""What cases share, and the campaigns that are made of it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "case_key",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.CheckConstraint(
            "kind in ('link', 'file', 'text', 'account', 'person', 'ours')", name=op.f("ck_case_key_kind")
        ),
        sa.PrimaryKeyConstraint("case_id", "kind", "key", name=op.f("pk_case_key")),
    )
    op.create_index(op.f("ix_case_key_kind_key_at"), "case_key", ["kind", "key", "at"])
    op.create_index(op.f("ix_case_key_expires_at"), "case_key", ["expires_at"])
    op.create_table(
        "campaign",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("decided_at", _MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(), nullable=True),
        sa.Column("dismissed_until", _MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False),
        sa.Column("teams", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.CheckConstraint("state in ('suggested', 'confirmed', 'dismissed')", name=op.f("ck_campaign_state")),
        sa.CheckConstraint(
            "(state = 'dismissed') = (dismissed_until is not null)", name=op.f("ck_campaign_dismissed_for_a_time")
        ),
        sa.CheckConstraint(
            "(state = 'suggested') = (decided_at is null)", name=op.f("ck_campaign_suggested_is_undecided")
        ),
        sa.CheckConstraint("num_nulls(decided_at, decided_by) in (0, 2)", name=op.f("ck_campaign_decided_by_a_person")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign")),
    )
    op.create_table(
        "campaign_member",
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("added_at", _MOMENT, nullable=False),
        sa.CheckConstraint("state in ('suggested', 'confirmed', 'taken_out')", name=op.f("ck_campaign_member_state")),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.campaign_id"],
            name=op.f("fk_campaign_member_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name=op.f("fk_campaign_member_case_id_case")),
        sa.PrimaryKeyConstraint("campaign_id", "case_id", name=op.f("pk_campaign_member")),
    )
    op.create_index(op.f("ix_campaign_member_case_id"), "campaign_member", ["case_id"])
    op.create_table(
        "dismissed_key",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.Uuid(), nullable=False),
        sa.Column("until", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"],
            ["campaign.campaign_id"],
            name=op.f("fk_dismissed_key_campaign_id_campaign"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("kind", "key", name=op.f("pk_dismissed_key")),
    )
    op.create_index(op.f("ix_dismissed_key_campaign_id"), "dismissed_key", ["campaign_id"])
    op.create_index(op.f("ix_dismissed_key_until"), "dismissed_key", ["until"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("dismissed_key")
    op.drop_table("campaign_member")
    op.drop_table("campaign")
    op.drop_table("case_key")
