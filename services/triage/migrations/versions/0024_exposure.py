"""What people are shown in a day."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "exposure",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("items", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", "subject", "team", name=op.f("pk_exposure")),
    )
    op.create_table(
        "exposure_request",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("allowed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("allowed_by", sa.String(), nullable=True),
        sa.CheckConstraint(
            "num_nulls(allowed_at, allowed_by) in (0, 2)", name=op.f("ck_exposure_request_allowed_as_a_whole")
        ),
        sa.CheckConstraint("allowed_by <> subject", name=op.f("ck_exposure_request_allowed_by_another")),
        sa.PrimaryKeyConstraint("day", "subject", "team", name=op.f("pk_exposure_request")),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("exposure_request")
    op.drop_table("exposure")
