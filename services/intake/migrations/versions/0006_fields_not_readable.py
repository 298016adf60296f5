"""Which fields of an event of another system could not be read."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision. The default is constant, so that no row is rewritten and an older process goes on storing."""
    op.add_column("report", sa.Column("not_readable", sa.ARRAY(sa.Text()), server_default="{}", nullable=False))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("report", "not_readable")
