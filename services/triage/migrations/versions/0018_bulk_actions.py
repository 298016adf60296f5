"""Actions on many cases at once, and what became of each case in them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_Moment = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "bulk",
        sa.Column("bulk_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(), nullable=False),
        sa.Column("asked_at", _Moment, nullable=False),
        sa.Column("finished_at", _Moment, nullable=True),
        sa.Column("undone_at", _Moment, nullable=True),
        sa.Column("team", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("viewer", JSONB(), nullable=True),
        sa.Column("words", sa.String(), nullable=True),
        sa.Column("more", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("state in ('draft', 'running', 'done', 'undone')", name=op.f("ck_bulk_known_state")),
        sa.CheckConstraint("total between 1 and 1000", name=op.f("ck_bulk_some_cases")),
        sa.CheckConstraint(
            "(finished_at is null) = (state in ('draft', 'running'))", name=op.f("ck_bulk_finished_once")
        ),
        sa.CheckConstraint("(undone_at is null) = (state <> 'undone')", name=op.f("ck_bulk_undone_once")),
        sa.CheckConstraint(
            "finished_at is null or num_nonnulls(viewer, words) = 0", name=op.f("ck_bulk_nothing_kept_of_the_words")
        ),
        sa.PrimaryKeyConstraint("bulk_id", name=op.f("pk_bulk")),
    )
    op.create_index("ix_bulk_running", "bulk", ["asked_at"], postgresql_where=sa.text("state = 'running'"))
    op.create_index("ix_bulk_asked_at", "bulk", ["asked_at"])
    op.create_table(
        "bulk_item",
        sa.Column("bulk_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=True),
        sa.Column("problem", sa.String(), nullable=True),
        sa.Column("before", JSONB(), nullable=True),
        sa.Column("clocks", JSONB(), nullable=True),
        sa.Column("undo", sa.String(), nullable=True),
        sa.CheckConstraint("num_nonnulls(made, problem) <= 1", name=op.f("ck_bulk_item_done_or_refused")),
        sa.CheckConstraint(
            "num_nonnulls(made, before, clocks) in (0, 3)", name=op.f("ck_bulk_item_done_with_what_was")
        ),
        sa.CheckConstraint("undo is null or made is not null", name=op.f("ck_bulk_item_undone_if_done")),
        sa.ForeignKeyConstraint(
            ["bulk_id"], ["bulk.bulk_id"], name=op.f("fk_bulk_item_bulk_id_bulk"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("bulk_id", "case_id", name=op.f("pk_bulk_item")),
    )
    op.create_index(
        "ix_bulk_item_to_do",
        "bulk_item",
        ["bulk_id", "case_id"],
        postgresql_where=sa.text("made is null and problem is null"),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("bulk_item")
    op.drop_table("bulk")
