"""Records training (S5) and vetting (Sc-c). The person's gates are evaluated again in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from sqlalchemy.dialects.postgresql import insert

import shared.csv
from services.registry.context.domain import FIRST_DAY, LAST_DAY, Refused, same_person
from services.registry.context.work import Work
from services.registry.eligibility.domain import Clearance, Completion, training_fault
from services.registry.eligibility.tables import TrainingRow, VettingRow
from shared.csv import BadCell, CsvFile, Day, Line, Row, RowError, days_between, first_of_each
from shared.ids import StaffId, folded_id


class TrainingCells(Row):
    """One row of a file of training records."""

    staff_id: Line
    course: str
    completed_on: Annotated[Day, days_between(FIRST_DAY, LAST_DAY)]


class TrainingRefused(Refused):
    """The training is in the future, or is the recorder's own."""


class OwnVetting(Exception):
    """A person cannot record their own vetting."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, or why it did nothing."""

    recorded: int
    unchanged: int
    """Rows whose training is already recorded."""
    errors: tuple[RowError, ...]
    applied: bool


async def record_training(work: Work, completions: Sequence[Completion]) -> int:
    """Record completed training; repeated records change nothing. Return how many were new.

    Raises:
        TrainingRefused: one is in the future, or is the recorder's own.
    """
    for completion in completions:
        if fault := training_fault(completion, work.today, _recorder(work)):
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


async def import_training(work: Work, text: str, *, accept_valid: bool) -> ImportResult:
    """Record the training in a CSV file. With any error nothing is changed, unless `accept_valid` and a row is valid.

    A row is recorded completely or not at all. Importing a file again changes nothing.
    """
    file = _read_csv(text, work.today, _recorder(work))
    if file.errors and not (accept_valid and file.rows):
        return ImportResult(0, 0, file.errors, applied=False)
    recorded = await record_training(work, [completion for _, completion in file.rows])
    return ImportResult(recorded, len(file.rows) - recorded, file.errors, applied=True)


async def record_vetting(work: Work, clearance: Clearance) -> None:
    """Record the vetting that a person now holds; no level means none.

    Raises:
        OwnVetting: it is the recorder's own.
    """
    if same_person(clearance.staff_id, work.person):
        raise OwnVetting
    work.session.add(
        VettingRow(
            id=work.ids.uuid(),
            staff_id=clearance.staff_id,
            level=clearance.level,
            expires_on=clearance.expires_on if clearance.level else None,
            recorded_by=work.actor,
            recorded_at=work.now,
        )
    )
    await work.session.flush()
    await work.observers.people_changed(work, [clearance.staff_id])


def _recorder(work: Work) -> str | None:
    """Return the staff id of the person who records; None for a command."""
    return work.principal.staff_id if work.principal else None


def _read_csv(text: str, today: date, recorder: str | None) -> CsvFile[Completion]:
    """Read a whole file; a day in the future, and the recorder's own training, are refused as in the form."""
    file = shared.csv.read(text, TrainingCells, lambda cells: _completion(cells, today, recorder))
    once = first_of_each(file.rows, _what, "staff_id", "The same record is in row")
    errors = sorted([*file.errors, *once.errors], key=lambda error: error.row)
    return CsvFile(once.rows, tuple(errors))


def _what(completion: Completion) -> object:
    return (folded_id(completion.staff_id), completion.course.casefold(), completion.completed_on)


def _completion(cells: TrainingCells, today: date, recorder: str | None) -> Completion:
    completion = Completion(StaffId(cells.staff_id), cells.course, cells.completed_on)
    if fault := training_fault(completion, today, recorder):
        raise BadCell(fault.field, fault.message)
    return completion
