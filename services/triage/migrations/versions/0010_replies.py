"""What reporters wrote and no one of the team has read yet; what kind of message a note is."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("case", sa.Column("replied_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_case_replied", "case", ["priority", "case_id"], postgresql_where=sa.text("replied_at is not null")
    )
    op.add_column("note", sa.Column("kind", sa.String(), server_default="", nullable=False))
    op.add_column("note", sa.Column("message_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("note", "message_id")
    op.drop_column("note", "kind")
    op.drop_index("ix_case_replied", table_name="case")
    op.drop_column("case", "replied_at")
