"""Cases of every kind."""

from collections.abc import Sequence

revision: str = "0002"
down_revision: str | None = "954dd0565432"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""


def downgrade() -> None:
    """Go back to the revision before."""
