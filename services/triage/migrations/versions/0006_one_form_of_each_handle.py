"""Handles that an earlier version read into two forms have one, as in the registry, so that repeats are counted."""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FORMS = (
    ("whatsapp", r"\+440([1-9][0-9]{8,9})", r"+44\1"),
    ("whatsapp", r"\+(7[0-9]{9})", r"+44\1"),
    ("reddit", r"r/u_([a-z0-9_-]{2,21})", r"u/\1"),
    ("indeed", r"(?:https?://)?(?:[a-z]+\.)?indeed\.(?:com|co\.uk)/cmp/([^/?#]+).*", r"cmp/\1"),
)
_NAMES = (("named_account", "account", ""), ("named_subject", "key", "account:"))
"""Tables with one row for each name of a report, their column, and what comes before the platform in it."""


def upgrade() -> None:
    """Go to this revision."""
    connection = op.get_bind()
    account = text(
        "update known_account set handle = regexp_replace(handle, :pattern, :form) "
        "where platform = :platform and handle ~ :pattern"
    )
    for platform, pattern, form in _FORMS:
        connection.execute(account, {"platform": platform, "pattern": f"^{pattern}$", "form": form})
        for table, column, before in _NAMES:
            start = f"{before}{platform}:"
            # A report that names both forms has a row of the right one already.
            right = f"regexp_replace(wrong.{column}, :pattern, :form)"
            also = f"select from {table} as also where also.report_id = wrong.report_id and also.{column} = {right}"
            for change in (
                f"delete from {table} as wrong where exists ({also}) and",  # noqa: S608 - as above
                f"update {table} as wrong set {column} = {right} where",  # noqa: S608 - as above
            ):
                statement = text(f"{change} wrong.{column} ~ :pattern")
                connection.execute(statement, {"pattern": f"^{start}{pattern}$", "form": f"{start}{form}"})


def downgrade() -> None:
    """Go back to the revision before: the forms are right there too."""
