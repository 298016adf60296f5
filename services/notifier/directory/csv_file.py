"""Reads the directory's CSV file, and checks which of its rows agree with each other and with the directory. Pure.

One row per person and reporting line; every problem names its row. Columns: `staff_id, name, email, organisation,
manager_staff_id, from, to`. A person with several lines has several rows; `from` and `to` are days (`2026-01-31`), both
included, empty for open-ended; no manager is an empty cell, or the person's own staff number if others report to them.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

import shared.csv
from services.notifier.directory.domain import Directory, ReportingLine, StaffMember
from shared.addresses import email_problem, mended_email
from shared.csv import BadCell, Day, Line, Row, RowError, days_between
from shared.ids import StaffId, folded_id
from shared.web.bodies import InvalidValue

MOST_ROWS = 500_000
FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2100, 12, 31)
"""Days outside these are typing errors, or another system's way to write open-ended."""
OWN_NUMBER = "This is the person's own staff number"
_STAFF_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def _staff_id(cell: str) -> StaffId:
    if not _STAFF_ID.fullmatch(cell):
        raise InvalidValue("This has characters that a staff number does not have")
    return StaffId(cell)


def _email(cell: str) -> str:
    email = mended_email(cell).lower()
    if email_problem(email):
        raise InvalidValue("This is not an email address")
    return email


_DayOfLine = Annotated[
    Day,
    days_between(
        FIRST_DAY, LAST_DAY, f"Enter a day from {FIRST_DAY} to {LAST_DAY}, or leave it empty where it is open-ended"
    ),
]


class _Cells(Row):
    every_column: ClassVar[bool] = True

    staff_id: Annotated[Line, AfterValidator(_staff_id)]
    name: str
    email: Annotated[str, AfterValidator(_email)]
    organisation: str = ""
    manager_staff_id: Line | None = None
    first_day: _DayOfLine | None = Field(None, alias="from")
    last_day: _DayOfLine | None = Field(None, alias="to")


@dataclass(frozen=True, slots=True)
class DirectoryRow:
    """One readable row."""

    row: int
    person: StaffMember
    line: ReportingLine | None


@dataclass(frozen=True, slots=True)
class ReadFile:
    """The content of a file, row by row."""

    rows: tuple[DirectoryRow, ...]
    errors: tuple[RowError, ...]
    people_with_errors: frozenset[str]
    """Staff ids of refused rows: other rows about these people are refused too."""
    readable: bool
    """Whether any of it can be read."""

    @property
    def rows_read(self) -> int:
        return len(self.rows) + len(self.errors)


@dataclass(frozen=True, slots=True)
class Checked:
    """The accepted rows, and why the others were refused."""

    rows: tuple[DirectoryRow, ...]
    errors: tuple[RowError, ...]


def read(text: str) -> ReadFile:
    """Read `text`; every problem becomes a `RowError`."""
    file = shared.csv.read(text, _Cells, _person_and_line, most_rows=MOST_ROWS)
    rows = tuple(DirectoryRow(number, person, line) for number, (person, line) in file.rows)
    in_error = frozenset(cells.get("staff_id", "") for cells in file.refused) - {""}
    return ReadFile(rows, file.errors, in_error, file.readable)


def spelled_alike(file: ReadFile, current: Directory) -> ReadFile:
    """Spell each staff id as in `current`, or for a new person as in their first row."""
    spelling = {folded_id(row.person.staff_id): row.person.staff_id for row in reversed(file.rows)}
    spelling |= {folded_id(staff_id): staff_id for staff_id in current.staff}

    def spelled(staff_id: str) -> StaffId:
        return spelling.get(folded_id(staff_id), StaffId(staff_id))

    def row_of(row: DirectoryRow) -> DirectoryRow:
        person = replace(row.person, staff_id=spelled(row.person.staff_id))
        line = row.line and replace(row.line, staff_id=person.staff_id, manager=spelled(row.line.manager))
        return DirectoryRow(row.row, person, line)

    in_error = frozenset(spelled(staff_id) for staff_id in file.people_with_errors)
    return replace(file, rows=tuple(map(row_of, file.rows)), people_with_errors=in_error)


@dataclass(frozen=True, slots=True)
class _Merged:
    """The directory after the import."""

    first_row: dict[StaffId, DirectoryRow]
    owner_of_email: dict[str, StaffId]
    known: frozenset[StaffId]
    directory: Directory


Problem = tuple[str, str]
"""A column, or None, and what is wrong."""
Check = Callable[[DirectoryRow, "_Merged"], Problem | None]


def check(file: ReadFile, current: Directory) -> Checked:
    """Drop rows until the rest agree. A person is accepted completely or not at all; equal rows are one row.

    Every round refuses at least one person, so there are at most as many rounds as people.
    """
    errors = list(file.errors)
    once: dict[object, DirectoryRow] = {}
    for row in file.rows:
        once.setdefault((row.person, row.line), row)
    rows = _without(_with_tops(tuple(once.values()), current), file.people_with_errors, errors)
    while True:
        merged = _merge(rows, current)
        found = {row.row: problem for row in rows if (problem := _first_problem(row, merged))}
        if not found:
            return Checked(rows, tuple(sorted(errors, key=lambda error: error.row)))
        errors.extend(RowError(number, *problem) for number, problem in found.items())
        refused = frozenset(row.person.staff_id for row in rows if row.row in found)
        rows = _without(tuple(row for row in rows if row.row not in found), refused, errors)


def _person_and_line(cells: _Cells) -> tuple[StaffMember, ReportingLine | None]:
    staff_id = StaffId(cells.staff_id)
    return StaffMember(staff_id, cells.name, cells.email, cells.organisation), _line(staff_id, cells)


def _line(staff_id: StaffId, cells: _Cells) -> ReportingLine | None:
    first, last, manager = cells.first_day, cells.last_day, cells.manager_staff_id
    if not manager:
        if first or last:
            raise BadCell("manager_staff_id", "This cell is needed where there is a day")
        return None
    if folded_id(manager) == folded_id(staff_id) and (first or last):
        raise BadCell("manager_staff_id", OWN_NUMBER)
    if first and last and last < first:
        raise BadCell("to", "This is before the day in the column from")
    return ReportingLine(staff_id, StaffId(manager), first, last)


def _with_tops(rows: tuple[DirectoryRow, ...], current: Directory) -> tuple[DirectoryRow, ...]:
    """Take the line from people who are their own managers, and have others below them: some exports write it so."""
    lines = [*(row.line for row in rows if row.line), *(line for kept in current.lines.values() for line in kept)]
    managers = {line.manager for line in lines if line.manager != line.staff_id}
    return tuple(
        replace(row, line=None) if row.line and row.line.manager == row.line.staff_id in managers else row
        for row in rows
    )


def _without(
    rows: Iterable[DirectoryRow], refused: frozenset[str] | frozenset[StaffId], errors: list[RowError]
) -> tuple[DirectoryRow, ...]:
    kept = []
    for row in rows:
        if row.person.staff_id in refused:
            errors.append(RowError(row.row, "", "is left out because another row of the same person is refused"))
        else:
            kept.append(row)
    return tuple(kept)


def _merge(rows: Sequence[DirectoryRow], current: Directory) -> _Merged:
    first_row: dict[StaffId, DirectoryRow] = {}
    owners: dict[str, StaffId] = {}
    for row in rows:
        first_row.setdefault(row.person.staff_id, row)
        owners.setdefault(row.person.email, row.person.staff_id)
    kept = [member for member in current.staff.values() if member.staff_id not in first_row]
    for member in kept:
        owners[member.email] = member.staff_id
    staff = [*kept, *(row.person for row in first_row.values())]
    lines = [line for member in kept for line in current.lines.get(member.staff_id, ())]
    lines.extend(row.line for row in rows if row.line)
    return _Merged(first_row, owners, frozenset(member.staff_id for member in staff), Directory.of(staff, lines))


def _first_problem(row: DirectoryRow, merged: _Merged) -> Problem | None:
    return next((problem for test in _CHECKS if (problem := test(row, merged))), None)


def _same_person(row: DirectoryRow, merged: _Merged) -> Problem | None:
    if merged.first_row[row.person.staff_id].person == row.person:
        return None
    return "", "gives another name, email or organisation than an earlier row of the same person"


def _email_is_free(row: DirectoryRow, merged: _Merged) -> Problem | None:
    if merged.owner_of_email[row.person.email] == row.person.staff_id:
        return None
    return "email", "This belongs to another person in the file or the directory"


def _manager_is_another(row: DirectoryRow, _merged: _Merged) -> Problem | None:
    own = row.line is not None and row.line.manager == row.line.staff_id
    return ("manager_staff_id", OWN_NUMBER) if own else None


def _manager_is_known(row: DirectoryRow, merged: _Merged) -> Problem | None:
    if row.line is None or row.line.manager in merged.known:
        return None
    return "manager_staff_id", "This is not among the accepted rows, nor in the directory"


def _no_overlap(row: DirectoryRow, merged: _Merged) -> Problem | None:
    others = merged.directory.lines.get(row.person.staff_id, ())
    overlaps = row.line and sum(row.line.overlaps(other) for other in others) > 1
    return ("", "overlaps with another reporting line of the same person") if overlaps else None


def _no_circle(row: DirectoryRow, merged: _Merged) -> Problem | None:
    circular = row.line and merged.directory.in_a_circle(row.line)
    return ("", "makes a circle: the person would be their own manager's manager") if circular else None


_CHECKS: tuple[Check, ...] = (
    _same_person,
    _email_is_free,
    _manager_is_another,
    _manager_is_known,
    _no_overlap,
    _no_circle,
)
