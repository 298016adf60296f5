"""Reads training records as CSV: `staff_id, course, completed_on`. Every problem names its row and column."""

from collections.abc import Mapping
from datetime import date

from services.registry.context.csv_rows import BadCell, Columns, ReadRows, day, first_of_each, read_rows
from services.registry.training.domain import Completion, fault_of
from shared.ids import StaffId

COLUMNS = ("staff_id", "course", "completed_on")


def read(text: str, today: date, recorder: str | None) -> ReadRows[Completion]:
    """Read a whole file; a day in the future, and what is one's own, is refused as the form refuses it."""
    file = read_rows(text, Columns(COLUMNS, COLUMNS), lambda cells: _completion(cells, today, recorder))
    once = first_of_each(file.rows, _what, "staff_id", "The same record is in row")
    errors = sorted([*file.errors, *once.errors], key=lambda error: error.row)
    return ReadRows(once.rows, tuple(errors))


def _what(completion: Completion) -> object:
    return (completion.staff_id.casefold(), completion.course.casefold(), completion.completed_on)


def _completion(cells: Mapping[str, str], today: date, recorder: str | None) -> Completion:
    for column in COLUMNS:
        if not cells[column]:
            raise BadCell(column, "This cell is needed")
    completed_on = day("completed_on", cells)
    completion = Completion(StaffId(cells["staff_id"]), cells["course"], completed_on or date.max)
    if fault := fault_of(completion, today, recorder):
        raise BadCell(fault.field, fault.message)
    return completion
