"""A staff id in two spellings names one person: a file's rows are read in the spelling that the directory has. Pure."""

from dataclasses import replace

from services.notifier.directory.csv_file import DirectoryRow, ReadFile
from services.notifier.directory.domain import Directory, folded
from shared.ids import StaffId


def spelled_alike(file: ReadFile, current: Directory) -> ReadFile:
    """Spell everybody as `current` does; whoever is new, as their first row does."""
    spelling = {folded(row.person.staff_id): row.person.staff_id for row in reversed(file.rows)}
    spelling |= {folded(staff_id): staff_id for staff_id in current.staff}

    def spelled(staff_id: str) -> StaffId:
        return spelling.get(folded(staff_id), StaffId(staff_id))

    def row_of(row: DirectoryRow) -> DirectoryRow:
        person = replace(row.person, staff_id=spelled(row.person.staff_id))
        line = row.line and replace(row.line, staff_id=person.staff_id, manager=spelled(row.line.manager))
        return DirectoryRow(row.row, person, line)

    in_error = frozenset(spelled(staff_id) for staff_id in file.people_with_errors)
    return replace(file, rows=tuple(map(row_of, file.rows)), people_with_errors=in_error)
