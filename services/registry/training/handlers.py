"""Records training. Whoever it is about passes or fails the gates of their accounts in the same moment (S5)."""

from collections.abc import Sequence

from sqlalchemy.dialects.postgresql import insert

from services.registry.context.domain import Refused
from services.registry.context.work import Work
from services.registry.training.domain import Completion, fault_of
from services.registry.training.tables import TrainingRow


class TrainingRefused(Refused):
    """The training lies in the future, or is one's own."""


async def record(work: Work, completions: Sequence[Completion]) -> int:
    """Record completed training; what is recorded already changes nothing. Returns how many were new.

    Raises:
        TrainingRefused: one lies in the future, or is one's own.
    """
    for completion in completions:
        if fault := fault_of(completion, work.today, recorder(work)):
            raise TrainingRefused(fault)
    if not completions:
        return 0
    rows = [
        {
            "id": work.ids.uuid(),
            "staff_id": completion.staff_id,
            "course": completion.course,
            "completed_on": completion.completed_on,
            "recorded_by": work.actor,
            "recorded_at": work.now,
        }
        for completion in completions
    ]
    statement = insert(TrainingRow).on_conflict_do_nothing().returning(TrainingRow.staff_id)
    staff_ids = (await work.session.scalars(statement, rows)).all()
    await work.observers.people_changed(work, sorted(set(staff_ids)))
    return len(staff_ids)


def recorder(work: Work) -> str | None:
    """Return the staff id of who records; None for a command."""
    return work.principal.staff_id if work.principal else None
