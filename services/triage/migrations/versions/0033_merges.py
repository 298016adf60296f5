"""Cases that are merged into others, and the part of a report that a case is about."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0033"
down_revision: str | None = "0032"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
_CLAIMED, _CLAIMED_BEFORE = "ck_case_only_claimed_in_progress", "only_claimed_in_progress"


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("case", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.add_column("case", sa.Column("merged_from", sa.String(), nullable=True))
    op.add_column("case", sa.Column("kept_from_alone", sa.ARRAY(sa.Text()), nullable=True))
    op.add_column("case", sa.Column("links", sa.ARRAY(sa.Integer()), nullable=True))
    op.create_foreign_key(op.f("fk_case_merged_into_case"), "case", "case", ["merged_into"], ["case_id"])
    op.create_check_constraint(
        op.f("ck_case_merged_from_a_state"), "case", "(state = 'merged') = (merged_from is not null)"
    )
    op.create_check_constraint(
        op.f("ck_case_merged_into_a_case"), "case", "state <> 'merged' or merged_into is not null"
    )
    op.create_check_constraint(op.f("ck_case_merged_into_another"), "case", "merged_into <> case_id")
    op.create_index("ix_case_merged_into", "case", ["merged_into"], postgresql_where=sa.text("merged_into is not null"))
    _claimed(_CLAIMED_BEFORE, op.f(_CLAIMED), "coalesce(merged_from, state)")
    op.add_column("counted_case", sa.Column("merged", sa.Boolean(), server_default="false", nullable=False))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_column("counted_case", "merged")
    _claimed(op.f(_CLAIMED), _CLAIMED_BEFORE, "state")
    op.drop_index("ix_case_merged_into", table_name="case")
    for name in ("merged_into_another", "merged_into_a_case", "merged_from_a_state"):
        op.drop_constraint(op.f(f"ck_case_{name}"), "case", type_="check")
    op.drop_constraint(op.f("fk_case_merged_into_case"), "case", type_="foreignkey")
    for name in ("links", "kept_from_alone", "merged_from", "merged_into"):
        op.drop_column("case", name)


def _claimed(was: str, name: str, state: str) -> None:
    op.drop_constraint(was, "case", type_="check")
    op.create_check_constraint(name, "case", f"not only_claimed or ({state} = 'in_progress' and assignee is not null)")
