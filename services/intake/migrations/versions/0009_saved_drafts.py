"""The code with which the owner of a draft comes back later."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision. Drafts are few and live a day, so the checks of the rows that are there take no time."""
    op.add_column("draft", sa.Column("code_hash", sa.LargeBinary(), nullable=True))
    op.add_column("draft", sa.Column("cookie_sealed", sa.LargeBinary(), nullable=True))
    op.create_unique_constraint(op.f("uq_draft_code_hash"), "draft", ["code_hash"])
    op.create_check_constraint(op.f("ck_draft_saved"), "draft", "(code_hash is null) = (cookie_sealed is null)")


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_constraint(op.f("ck_draft_saved"), "draft")
    op.drop_constraint(op.f("uq_draft_code_hash"), "draft")
    op.drop_column("draft", "cookie_sealed")
    op.drop_column("draft", "code_hash")
