"""Changes of cases, for what is derived from them; each existing case is to be read once, when nothing changes."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "case_changed",
        sa.Column("reader", sa.String(), nullable=False),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("reader in ('search', 'campaigns')", name=op.f("ck_case_changed_known_reader")),
        sa.PrimaryKeyConstraint("reader", "seq", name=op.f("pk_case_changed")),
    )
    op.execute(
        "insert into case_changed (reader, seq, case_id) overriding system value "
        "select reader, -number, case_id from unnest(array['search', 'campaigns']) as reader cross join "
        '(select case_id, row_number() over (order by opened_at desc, case_id desc) as number from "case") as newest'
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("case_changed")
