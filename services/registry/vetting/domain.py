"""What vetting somebody holds (Sc-c). Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.registry.accounts.domain import Vetting
from shared.ids import StaffId


@dataclass(frozen=True, slots=True)
class Clearance:
    """What was found out about somebody's vetting: the newest one counts."""

    staff_id: StaffId
    level: Vetting | None
    """None where they hold none, or it was taken away."""
    expires_on: date | None = None
    """The last day on which it holds; None where it does not expire."""

    def covers(self, required: Vetting | None, today: date) -> bool:
        """Say whether it is enough on this day for an account that requires a level, or none."""
        if required is None:
            return True
        holds = self.expires_on is None or today <= self.expires_on
        return self.level is not None and self.level.covers(required) and holds


@dataclass(frozen=True, slots=True)
class VettingRecord:
    """A clearance as it was recorded."""

    id: UUID
    clearance: Clearance
    recorded_by: str
    recorded_at: datetime
