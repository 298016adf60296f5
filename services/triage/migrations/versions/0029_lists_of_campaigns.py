"""Indexes for the lists of campaigns, by state and for teams that have few, and for counting the new ones."""

from collections.abc import Sequence

from alembic import op

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_index(op.f("ix_campaign_state_campaign_id"), "campaign", ["state", "campaign_id"])
    op.create_index(op.f("ix_campaign_teams"), "campaign", ["teams"], postgresql_using="gin")
    op.create_index(op.f("ix_campaign_made_at"), "campaign", ["made_at"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index(op.f("ix_campaign_made_at"), "campaign")
    op.drop_index(op.f("ix_campaign_teams"), "campaign")
    op.drop_index(op.f("ix_campaign_state_campaign_id"), "campaign")
