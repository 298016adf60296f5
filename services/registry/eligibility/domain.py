"""How long training is valid (S5), and which vetting is enough (Sc-c). Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.registry.accounts.domain import Vetting
from services.registry.context.domain import Fault, months_later, same_person
from shared.ids import StaffId


@dataclass(frozen=True, slots=True)
class Completion:
    """One person completed a course on this day."""

    staff_id: StaffId
    course: str
    completed_on: date

    def valid_until(self, months: int) -> date:
        """Return the last day on which it is valid: the same day of the month it ends in, or that month's last."""
        return months_later(self.completed_on, months)


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """A recorded completion."""

    id: UUID
    completion: Completion
    recorded_by: str
    recorded_at: datetime


def training_fault(completion: Completion, today: date, recorder: str | None) -> Fault | None:
    """Return why a completion cannot be recorded: its day is in the future, or it is the recorder's own.

    Args:
        completion: the completion to record.
        today: the day in the United Kingdom.
        recorder: the staff id of the person who records it; None for a command.
    """
    if completion.completed_on > today:
        return Fault("completed_on", "Enter a day that is not in the future")
    if same_person(completion.staff_id, recorder):
        return Fault("staff_id", "Another person records your own training")
    return None


@dataclass(frozen=True, slots=True)
class Clearance:
    """A person's vetting: their newest record counts."""

    staff_id: StaffId
    level: Vetting | None
    """None if they hold none, or it was withdrawn."""
    expires_on: date | None = None
    """The last day on which it is valid; None if it does not expire."""

    def covers(self, required: Vetting | None, today: date) -> bool:
        """Return whether it is enough on this day for an account that requires this level, or none."""
        if required is None:
            return True
        holds = self.expires_on is None or today <= self.expires_on
        return self.level is not None and self.level.covers(required) and holds


@dataclass(frozen=True, slots=True)
class VettingRecord:
    """A recorded clearance."""

    id: UUID
    clearance: Clearance
    recorded_by: str
    recorded_at: datetime
