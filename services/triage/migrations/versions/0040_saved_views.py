"""Views of the queue that people keep, for themselves or for their team."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0040"
down_revision: str | None = "0039"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "saved_view",
        sa.Column("view_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_saved_view_version_from_one")),
        sa.CheckConstraint("length(query) <= 8000", name=op.f("ck_saved_view_an_address")),
        sa.PrimaryKeyConstraint("view_id", name=op.f("pk_saved_view")),
    )
    op.create_index("ix_saved_view_owner", "saved_view", ["owner"], postgresql_where=sa.text("team is null"))
    op.create_index("ix_saved_view_team", "saved_view", ["team"], postgresql_where=sa.text("team is not null"))
    op.create_index("ix_saved_view_saved_at", "saved_view", ["saved_at"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("saved_view")
