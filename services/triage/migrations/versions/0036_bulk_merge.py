"""The case that a bulk action merges others into, and cases that follow chosen ones."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0036"
down_revision: str | None = "0035"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("bulk", sa.Column("into", sa.String(), nullable=True))
    op.add_column("bulk_item", sa.Column("follows", sa.Uuid(), nullable=True))
    op.add_column("bulk_item", sa.Column("chosen", sa.Boolean(), server_default="true", nullable=False))
    op.create_check_constraint(op.f("ck_bulk_item_follows_if_done"), "bulk_item", "follows is null or made is not null")
    op.create_check_constraint(op.f("ck_bulk_item_chosen_or_following"), "bulk_item", "chosen or follows is not null")


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_constraint(op.f("ck_bulk_item_chosen_or_following"), "bulk_item")
    op.drop_constraint(op.f("ck_bulk_item_follows_if_done"), "bulk_item")
    op.drop_column("bulk_item", "chosen")
    op.drop_column("bulk_item", "follows")
    op.drop_column("bulk", "into")
