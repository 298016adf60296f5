"""An index for the cases whose clocks are at risk, finished or not."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_index("ix_case_at_risk", "case", ["at_risk_at"], postgresql_where=sa.text("at_risk_at is not null"))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_case_at_risk", "case")
