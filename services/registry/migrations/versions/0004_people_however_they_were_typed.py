"""People are found by their staff id however it was typed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

_PERSON = sa.text("lower(staff_id)")


def upgrade() -> None:
    """Go to this revision."""
    op.drop_index("ix_operator_staff_id", table_name="operator")
    op.create_index("ix_operator_staff_id", "operator", [_PERSON], unique=False)
    op.drop_index("ix_vetting_record_person", table_name="vetting_record")
    op.create_index("ix_vetting_record_person", "vetting_record", [_PERSON, "recorded_at", "id"], unique=False)
    op.create_index("ix_training_record_person", "training_record", [_PERSON, "completed_on"], unique=False)


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index("ix_training_record_person", table_name="training_record")
    op.drop_index("ix_vetting_record_person", table_name="vetting_record")
    op.create_index("ix_vetting_record_person", "vetting_record", ["staff_id", "recorded_at", "id"], unique=False)
    op.drop_index("ix_operator_staff_id", table_name="operator")
    op.create_index("ix_operator_staff_id", "operator", ["staff_id"], unique=False)
