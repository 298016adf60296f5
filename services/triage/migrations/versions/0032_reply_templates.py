"""Texts to begin a message to a reporter with, each version of each."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0032"
down_revision: str | None = "0031"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
_CURRENT = sa.text("current")


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "reply_template",
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("written_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_reply_template_version_from_one")),
        sa.PrimaryKeyConstraint("template_id", "version", name=op.f("pk_reply_template")),
    )
    op.create_index(
        "uq_reply_template_current", "reply_template", ["template_id"], unique=True, postgresql_where=_CURRENT
    )
    op.create_index("ix_reply_template_team", "reply_template", ["team"], postgresql_where=_CURRENT)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("reply_template")
