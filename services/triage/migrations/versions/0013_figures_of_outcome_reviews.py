"""What outcomes that are looked at again add to the figures."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision. The default is kept in the catalogue, so no row is rewritten."""
    op.add_column(
        "counted_case", sa.Column("reviews", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False)
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("counted_case", "reviews")
