"""Handles that an earlier version read into two forms have one.

A telephone number with the zero of its country, or a UK number without its code (`+447…` was `+4407…` or `+7…`), a
profile on Reddit as a community of its own, and employers on Indeed by address. Where both forms are on the register,
the wrong one stays until someone closes it: one of two entries may have to explain the other.
"""

from collections.abc import Sequence

from alembic import op
from sqlalchemy import text

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_FORMS = (
    ("whatsapp", r"^\+440([1-9][0-9]{8,9})$", r"+44\1"),
    ("whatsapp", r"^\+(7[0-9]{9})$", r"+44\1"),
    ("reddit", r"^r/u_([a-z0-9_-]{2,21})$", r"u/\1"),
    ("indeed", r"^(?:https?://)?(?:[a-z]+\.)?indeed\.(?:com|co\.uk)/cmp/([^/?#]+).*$", r"cmp/\1"),
)


def upgrade() -> None:
    """Go to this revision."""
    for table, is_open in (
        ("account", "status <> 'closed'"),
        ("account_request", "state in ('with_advice_centre', 'requested', 'returned')"),
    ):
        for platform, pattern, form in _FORMS:
            statement = text(
                f"update {table} as wrong set handle = regexp_replace(handle, :pattern, :form) "  # noqa: S608 - names of tables above
                "where platform = :platform and handle ~ :pattern and not exists ("
                f"select from {table} as right_one where {is_open} and right_one.platform = wrong.platform "
                "and right_one.handle = regexp_replace(wrong.handle, :pattern, :form))"
            )
            op.get_bind().execute(statement, {"platform": platform, "pattern": pattern, "form": form})


def downgrade() -> None:
    """Go back to the revision before: the forms are right there too."""
