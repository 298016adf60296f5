"""What can be found of each case, and who searched."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision: cases that are there get their numbers now, and their words later, after newer ones."""
    op.create_table(
        "case_document",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("words", TSVECTOR(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name=op.f("fk_case_document_case_id_case")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_document")),
        sa.UniqueConstraint("number", name=op.f("uq_case_document_number")),
    )
    op.execute(
        "insert into case_document (case_id, number, words) "
        "select case_id, row_number() over (order by opened_at, case_id), '' from \"case\" "
        "where outcome is distinct from 'exempt'"
    )
    op.create_index("ix_case_document_words", "case_document", ["words"], postgresql_using="gin")
    op.create_table(
        "case_search",
        sa.Column("search_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("search_id", name=op.f("pk_case_search")),
    )
    op.create_index("ix_case_search_subject", "case_search", ["subject", "at"])
    op.create_index("ix_case_search_at", "case_search", ["at"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("case_search")
    op.drop_table("case_document")
