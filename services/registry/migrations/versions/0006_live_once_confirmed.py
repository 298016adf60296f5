"""An account is live once it is confirmed to exist and to be ours; those that are live stay so."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_STATUS = "ck_account_status"


def upgrade() -> None:
    """Go to this revision."""
    op.add_column("account", sa.Column("to_confirm", sa.Boolean(), server_default="false", nullable=False))
    op.drop_constraint(op.f(_STATUS), "account", type_="check")
    op.create_check_constraint(op.f(_STATUS), "account", "status in ('approved', 'live', 'legacy', 'frozen', 'closed')")
    op.create_check_constraint(
        op.f("ck_account_live_is_confirmed"),
        "account",
        "case status when 'live' then not to_confirm when 'approved' then to_confirm else true end",
    )
    # Only one person vouches for an account that is still only declared: it must be confirmed like a new one.
    op.execute(
        "update account set to_confirm = true "
        "where status in ('legacy', 'frozen') and declared_by is not null and checks_due_on is not null"
    )
    op.create_table(
        "confirmation",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("account_class", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("how_known", sa.String(), nullable=False),
        sa.Column("lookalikes", sa.String(), nullable=True),
        sa.Column("confirmed_by", sa.String(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("account_class <> 'union'", name=op.f("ck_confirmation_no_union")),
        sa.CheckConstraint("address <> '' and how_known <> ''", name=op.f("ck_confirmation_says_how")),
        sa.ForeignKeyConstraint(
            ["account_id", "account_class"],
            ["account.id", "account.account_class"],
            name=op.f("fk_confirmation_account_id_account_class_account"),
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_confirmation")),
    )


def downgrade() -> None:
    """Go back to the revision before; accounts that wait to be confirmed are legacy, with their checks due."""
    op.drop_table("confirmation")
    op.drop_constraint(op.f("ck_account_live_is_confirmed"), "account", type_="check")
    op.drop_constraint(op.f(_STATUS), "account", type_="check")
    op.execute(
        "update account set status = 'legacy', checks_due_on = coalesce(checks_due_on, current_date + 90), "
        "declared_by = coalesce(declared_by, owner, approved_person) where status = 'approved'"
    )
    op.create_check_constraint(op.f(_STATUS), "account", "status in ('live', 'legacy', 'frozen', 'closed')")
    op.drop_column("account", "to_confirm")
