"""Cases with links to profiles are compared once more: such a link is no key of its own any more.

An address of a profile has at most two parts after its host, such as `/in/name`. A few others have no more; they are
compared too, and keep their keys.
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0045"
down_revision: str | None = "0044"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_AGAIN = """
insert into case_changed (reader, seq, case_id) overriding system value
select 'campaigns',
  coalesce((select min(seq) from case_changed where reader = 'campaigns' and seq < 0), 0)
    - row_number() over (order by at desc, case_id desc),
  case_id
from (select case_id, max(at) as at from case_key
  where kind = 'link' and key not like '%/%/%/%' group by case_id) as linked
"""


def upgrade() -> None:
    """Go to this revision; a sweep compares the cases afterwards, the newest first."""
    op.execute(_AGAIN)


def downgrade() -> None:
    """Go back to the revision before; the sweep makes keys by the code that runs."""
