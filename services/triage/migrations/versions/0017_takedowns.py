"""What platforms were asked to remove, and what came of it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
_Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("case", sa.Column("takedown", sa.String(), server_default="", nullable=False))
    op.create_table(
        "takedown",
        sa.Column("takedown_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("link", sa.String(), nullable=False),
        sa.Column("link_number", sa.Integer(), nullable=True),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=True),
        sa.Column("reported_at", _Moment, nullable=False),
        sa.Column("reported_by", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("chase_at", _Moment, nullable=True),
        sa.Column("due_at", _Moment, nullable=False),
        sa.Column("chases", sa.Integer(), nullable=False),
        sa.Column("chase_due", sa.Boolean(), nullable=False),
        sa.Column("overdue", sa.Boolean(), nullable=False),
        sa.Column("look_at", _Moment, nullable=True),
        sa.Column("settled_at", _Moment, nullable=True),
        sa.Column("settled_by", sa.String(), nullable=True),
        sa.CheckConstraint("link_number >= 1", name=op.f("ck_takedown_link_number_from_one")),
        sa.CheckConstraint(
            "(state in ('removed', 'refused')) = (settled_at is not null)",
            name=op.f("ck_takedown_settled_with_an_answer"),
        ),
        sa.CheckConstraint("(settled_at is null) = (settled_by is null)", name=op.f("ck_takedown_settled_by_someone")),
        sa.CheckConstraint("settled_at is null or look_at is null", name=op.f("ck_takedown_clocks_end_with_an_answer")),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name=op.f("fk_takedown_case_id_case")),
        sa.PrimaryKeyConstraint("takedown_id", name=op.f("pk_takedown")),
        sa.UniqueConstraint(
            "case_id", "platform", "link_number", name=op.f("uq_takedown_case_id_platform_link_number")
        ),
    )
    op.create_index("ix_takedown_look", "takedown", ["look_at"], postgresql_where=sa.text("look_at is not null"))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("takedown")
    op.drop_column("case", "takedown")
