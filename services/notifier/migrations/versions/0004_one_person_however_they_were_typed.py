"""A staff id in two spellings is one person: the one imported last stays, with everyone they manage."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_SPELLED_AGAIN = """
create view spelled_again as
with ranked as (
    select number, first_value(number) over (
        partition by lower(staff_id) order by imported_at desc, number desc
    ) as kept from staff
) select number, kept from ranked where number <> kept
"""


def upgrade() -> None:
    """Go to this revision."""
    op.execute(_SPELLED_AGAIN)
    op.execute(
        "delete from reporting_line line using spelled_again again where line.staff_number = again.number "
        "or (line.staff_number = again.kept and line.manager_number = again.number)"
    )
    op.execute(
        "update reporting_line line set manager_number = again.kept from spelled_again again "
        "where line.manager_number = again.number"
    )
    op.execute("delete from staff using spelled_again again where staff.number = again.number")
    op.execute("drop view spelled_again")
    op.create_index("uq_staff_person", "staff", [sa.text("lower(staff_id)")], unique=True)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("uq_staff_person", table_name="staff")
