"""What the operations page counts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Go to this revision."""
    _facts()
    _figures()
    _others()
    op.create_index(
        "ix_case_kept_from",
        "case",
        ["kept_from"],
        postgresql_using="gin",
        postgresql_where=sa.text("kept_from <> '{}'"),
    )
    op.create_index("ix_case_exempt", "case", ["case_id"], postgresql_where=sa.text("outcome = 'exempt'"))


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_case_exempt", table_name="case")
    op.drop_index("ix_case_kept_from", table_name="case")
    for table in ("known_dead_letter", "ledger_figures", "figure_version", "figure", "counted_case", "counted_report"):
        op.drop_table(table)


def _facts() -> None:
    op.create_table(
        "counted_report",
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("submitted_at", _MOMENT, nullable=True),
        sa.Column("platform", sa.String(), nullable=True),
        sa.Column("behaviours", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("misdirected", sa.Boolean(), nullable=False),
        sa.Column("resolved", sa.Boolean(), nullable=False),
        sa.Column("decided", sa.Boolean(), nullable=False),
        sa.Column("anybody", sa.Boolean(), nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("acknowledged", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("report_id", name=op.f("pk_counted_report")),
    )
    op.create_table(
        "counted_case",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("report_id", sa.Uuid(), nullable=False),
        sa.Column("team", sa.String(), nullable=False),
        sa.Column("submitted_at", _MOMENT, nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("finished", sa.Boolean(), nullable=False),
        sa.Column("first_action_at", _MOMENT, nullable=True),
        sa.Column("resolved_at", _MOMENT, nullable=True),
        sa.Column("missed", sa.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_counted_case")),
    )


def _figures() -> None:
    op.create_table(
        "figure",
        sa.Column("figure", sa.String(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("figure", "at", "label", name=op.f("pk_figure")),
    )
    op.create_index("ix_figure_nothing", "figure", ["at"], postgresql_where=sa.text("n = 0"))
    op.create_table(
        "figure_version",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_figure_version")),
    )


def _others() -> None:
    counts = ("accepted", "published", "cases", "alert_decisions", "dead_lettered", "in_flight", "unaccounted")
    op.create_table(
        "ledger_figures",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in counts),
        sa.Column("oldest_unaccounted_s", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_ledger_figures")),
    )
    op.create_table(
        "known_dead_letter",
        sa.Column("dead_letter_id", sa.Uuid(), nullable=False),
        sa.Column("group_name", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("error_class", sa.String(), nullable=False),
        sa.Column("recorded_at", _MOMENT, nullable=True),
        sa.Column("settled_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("dead_letter_id", name=op.f("pk_known_dead_letter")),
    )
    op.create_index(
        "ix_known_dead_letter_open",
        "known_dead_letter",
        ["group_name", "recorded_at"],
        postgresql_where=sa.text("settled_at is null"),
    )
