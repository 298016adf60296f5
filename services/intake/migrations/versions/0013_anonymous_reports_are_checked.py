"""The check of who may report anonymously holds for every row: each passed a stricter one when it was written."""

from collections.abc import Sequence

from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision. It reads all reports, and neither readers nor writers wait for it."""
    op.execute("alter table report validate constraint ck_report_named_by_sign_in")


def downgrade() -> None:
    """Go back to the revision before: a check that was found to hold stays so."""
