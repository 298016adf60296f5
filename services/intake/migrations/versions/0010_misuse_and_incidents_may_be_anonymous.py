"""Misuse and incidents may be reported anonymously, where a setting allows it."""

from collections.abc import Sequence

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
_ADD = "alter table report add constraint {} check ({}) not valid"
_DROP = "alter table report drop constraint {}"
_NEW, _OLD = "ck_report_named_by_sign_in", "ck_report_only_abuse_by_nobody"
_ALLOWED = "report_type = 'abuse' or (report_type in ('misuse', 'security_incident') and confidentiality = 'anonymous')"


def upgrade() -> None:
    """Go to this revision. Rows that the stricter constraint let in are not read again, so that no one waits."""
    op.execute(_ADD.format(_NEW, f"reporter_subject is not null or {_ALLOWED}"))
    op.execute(_DROP.format(_OLD))


def downgrade() -> None:
    """Go back to the revision before. Anonymous reports that it does not know stay, and no new ones are taken."""
    op.execute(_ADD.format(_OLD, "report_type = 'abuse' or reporter_subject is not null"))
    op.execute(_DROP.format(_NEW))
