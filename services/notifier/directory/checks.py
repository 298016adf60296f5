"""Checks that a file's rows fit each other and the directory, and leaves whole people only. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from services.notifier.directory.csv_file import DirectoryRow, ReadFile, RowError
from services.notifier.directory.domain import Directory
from shared.ids import StaffId

Check = Callable[[DirectoryRow, "_Merged"], str | None]


@dataclass(frozen=True, slots=True)
class Checked:
    """What may be taken, and why the rest may not."""

    rows: tuple[DirectoryRow, ...]
    errors: tuple[RowError, ...]


@dataclass(frozen=True, slots=True)
class _Merged:
    """The directory as it would be."""

    first_row: dict[StaffId, DirectoryRow]
    owner_of_email: dict[str, StaffId]
    known: frozenset[StaffId]
    directory: Directory


def check(file: ReadFile, current: Directory) -> Checked:
    """Drop rows until those that are left fit. A person is taken whole or not at all.

    Every round refuses at least one person, so there are at most as many rounds as people.
    """
    errors = list(file.errors)
    rows = _without(file.rows, file.people_with_errors, errors)
    while True:
        merged = _merge(rows, current)
        found = {row.row: reason for row in rows if (reason := _first_problem(row, merged))}
        if not found:
            return Checked(rows, tuple(sorted(errors, key=lambda error: error.row)))
        errors.extend(RowError(number, reason) for number, reason in found.items())
        refused = frozenset(row.person.staff_id for row in rows if row.row in found)
        rows = _without(tuple(row for row in rows if row.row not in found), refused, errors)


def _without(
    rows: Iterable[DirectoryRow], refused: frozenset[str] | frozenset[StaffId], errors: list[RowError]
) -> tuple[DirectoryRow, ...]:
    kept = []
    for row in rows:
        if row.person.staff_id in refused:
            errors.append(RowError(row.row, "is not taken because another row of the same person is refused"))
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


def _first_problem(row: DirectoryRow, merged: _Merged) -> str | None:
    return next((reason for test in _CHECKS if (reason := test(row, merged))), None)


def _same_person(row: DirectoryRow, merged: _Merged) -> str | None:
    same = merged.first_row[row.person.staff_id].person == row.person
    return None if same else "gives another name, email or organisation than an earlier row of the same person"


def _email_is_free(row: DirectoryRow, merged: _Merged) -> str | None:
    taken = merged.owner_of_email[row.person.email] != row.person.staff_id
    return "email belongs to somebody else in the file or the directory" if taken else None


def _manager_is_known(row: DirectoryRow, merged: _Merged) -> str | None:
    unknown = row.line and row.line.manager not in merged.known
    return "manager_staff_id is not among the accepted rows nor in the directory" if unknown else None


def _no_overlap(row: DirectoryRow, merged: _Merged) -> str | None:
    others = merged.directory.lines.get(row.person.staff_id, ())
    overlaps = row.line and sum(row.line.overlaps(other) for other in others) > 1
    return "overlaps with another reporting line of the same person" if overlaps else None


def _no_circle(row: DirectoryRow, merged: _Merged) -> str | None:
    circular = row.line and merged.directory.in_a_circle(row.line)
    return "makes a circle: the person would be their own manager's manager" if circular else None


_CHECKS: tuple[Check, ...] = (_same_person, _email_is_free, _manager_is_known, _no_overlap, _no_circle)
