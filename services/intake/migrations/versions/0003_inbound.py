"""What other systems send."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "inbound_event",
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("source_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=True),
        sa.Column("reference", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_inbound_event")),
    )
    op.create_index(op.f("ix_inbound_event_expires_at"), "inbound_event", ["expires_at"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index(op.f("ix_inbound_event_expires_at"), table_name="inbound_event")
    op.drop_table("inbound_event")
