"""Tasks by kind as rows, in whose lists each task is, and which cases have one that is overdue.

Nothing is read or written of cases but those that are open. A column with a fixed default takes no time.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0042"
down_revision: str | None = "0041"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_OUTLIVE = "('', 'chase', 'platform_silent', 'send_by_hand', 'follow_up')"
_OPEN = "state not in ('resolved', 'closed', 'merged')"
_WAITING = "done_at is null and listed_for is not null"
_LIST = f"""
update task set listed_for = case when "case".outcome = 'exempt' then null
  when "case".restricted then team || '/restricted' else team end
from "case" where "case".case_id = task.case_id and ({_OPEN} or code in {_OUTLIVE})
"""  # noqa: S608 - own words
_MARK = """
update "case" set task_overdue = true
where case_id in (select case_id from task where overdue and listed_for is not null)
"""
_IN_LINE = f"""
insert into case_changed (reader, seq, case_id) overriding system value
select 'tasks', row_number() over (order by opened_at, case_id) - 1 - count(*) over (), case_id
from "case" where {_OPEN}
"""  # noqa: S608 - own words


def upgrade() -> None:
    """Go to this revision; the tasks of open cases are made by a sweep afterwards."""
    op.add_column("case", sa.Column("task_overdue", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("task", sa.Column("listed_for", sa.String(), nullable=True))
    op.execute(_LIST)
    op.execute(_MARK)
    _readers("reader in ('search', 'campaigns', 'tasks')")
    op.execute(_IN_LINE)
    op.drop_index("ix_task_waiting", "task")
    _indexes(_WAITING)
    op.create_index("ix_task_listed", "task", ["listed_for", "due_at", "task_id"], postgresql_where=sa.text(_WAITING))
    overdue = sa.text("overdue and listed_for is not null")
    op.create_index("ix_task_overdue", "task", ["listed_for", "case_id"], postgresql_where=overdue)
    of_kind = sa.text(f"code not in {_OUTLIVE}")
    op.create_index("uq_task_of_kind", "task", ["case_id", "code"], unique=True, postgresql_where=of_kind)


def downgrade() -> None:
    """Go back to the revision before; tasks that were made stay."""
    for index in ("uq_task_of_kind", "ix_task_overdue", "ix_task_listed"):
        op.drop_index(index, "task")
    _indexes("done_at is null")
    op.create_index("ix_task_waiting", "task", ["due_at", "task_id"], postgresql_where=sa.text("done_at is null"))
    op.execute("delete from case_changed where reader = 'tasks'")
    _readers("reader in ('search', 'campaigns')")
    op.drop_column("task", "listed_for")
    op.drop_column("case", "task_overdue")


def _indexes(waiting: str) -> None:
    op.drop_index("ix_task_due", "task")
    op.drop_index("ix_task_of_person", "task")
    op.create_index("ix_task_due", "task", ["due_at"], postgresql_where=sa.text(f"{waiting} and not overdue"))
    op.create_index("ix_task_of_person", "task", [sa.text("lower(assignee)")], postgresql_where=sa.text(waiting))


def _readers(condition: str) -> None:
    op.drop_constraint(op.f("ck_case_changed_known_reader"), "case_changed")
    op.create_check_constraint(op.f("ck_case_changed_known_reader"), "case_changed", condition)
