"""How long training counts (S5). Pure."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.registry.context.domain import Fault, months_later, same_person
from shared.ids import StaffId


@dataclass(frozen=True, slots=True)
class Completion:
    """Somebody completed a course on this day."""

    staff_id: StaffId
    course: str
    completed_on: date

    def valid_until(self, months: int) -> date:
        """Return the last day on which it counts: the same day of the month it ends in, or that month's last."""
        return months_later(self.completed_on, months)


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """A completion as it was recorded."""

    id: UUID
    completion: Completion
    recorded_by: str
    recorded_at: datetime


def fault_of(completion: Completion, today: date, recorder: str | None) -> Fault | None:
    """Return what keeps a completion from being recorded: its day lies ahead, or it is one's own.

    Args:
        completion: what is to be recorded.
        today: the day in the United Kingdom.
        recorder: the staff id of who records it; None where nobody does.
    """
    if completion.completed_on > today:
        return Fault("completed_on", "Enter a day that is not in the future")
    if same_person(completion.staff_id, recorder):
        return Fault("staff_id", "Somebody else records your own training")
    return None
