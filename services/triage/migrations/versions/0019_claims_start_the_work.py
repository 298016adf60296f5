"""Claims start the work: which cases were only claimed, and who takes cases of which team."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("case", sa.Column("only_claimed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_check_constraint(
        "only_claimed_in_progress", "case", "not only_claimed or (state = 'in_progress' and assignee is not null)"
    )
    op.create_table(
        "responder",
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("staff_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("team", "staff_id", name=op.f("pk_responder")),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("responder")
    op.drop_constraint("only_claimed_in_progress", "case")
    op.drop_column("case", "only_claimed")
