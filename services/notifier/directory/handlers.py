"""Imports the staff directory from a CSV file, and publishes the names for services that show people."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.directory import csv_file, queries
from services.notifier.directory.domain import StaffMember
from services.notifier.directory.tables import DirectoryImportRow, ReportingLineRow, StaffRow
from shared.csv import RowError
from shared.events.envelope import NewEvent
from shared.events.notifier import ListedPerson, StaffListed
from shared.ids import Ids, StaffId
from shared.messaging.outbox import Outbox

_LOCK = 0x5167_6469
_BATCH = 1000
_LISTED_AT_ONCE = 200
"""People in one event: about 20 kB."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The result of an import. `errors` name their rows; without `changed`, nothing was stored."""

    rows_read: int
    people: int
    lines: int
    errors: tuple[RowError, ...]
    changed: bool


async def import_csv(
    session: AsyncSession, text: str, *, accept_valid: bool, now: datetime, ids: Ids, outbox: Outbox, actor: str
) -> ImportResult:
    """Import what a CSV file says about people. It replaces what was known about them, and does not change anyone else.

    If any row has an error nothing is changed, unless `accept_valid`: then people without an error are imported.
    `csv_file` documents the columns.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    file = csv_file.read(text)
    if not file.readable:
        return ImportResult(0, 0, 0, file.errors, changed=False)
    current = await queries.whole_directory(session)
    checked = csv_file.check(csv_file.spelled_alike(file, current), current)
    people = list({row.person.staff_id: row.person for row in checked.rows}.values())
    lines = sum(row.line is not None for row in checked.rows)
    if not people or (checked.errors and not accept_valid):
        return ImportResult(file.rows_read, 0, 0, checked.errors, changed=False)
    await _store(session, people, checked.rows, now)
    import_id = ids.uuid()
    listed = [StaffListed(at=now, people=_listed(batch)) for batch in _batches(people, _LISTED_AT_ONCE)]
    await outbox.begin(session, [NewEvent.of(import_id, event) for event in listed], now)
    session.add(
        DirectoryImportRow(
            id=import_id,
            at=now,
            actor=actor,
            rows_read=file.rows_read,
            rows_refused=len(checked.errors),
            people=len(people),
        )
    )
    await session.flush()
    return ImportResult(file.rows_read, len(people), lines, checked.errors, changed=True)


async def _store(
    session: AsyncSession, people: Sequence[StaffMember], rows: Sequence[csv_file.DirectoryRow], now: datetime
) -> None:
    for batch in _batches(people):
        await _upsert_people(session, batch, now)
    number_of = {
        StaffId(staff_id): number
        for staff_id, number in (await session.execute(select(StaffRow.staff_id, StaffRow.number))).all()
    }
    for batch in _batches(people):
        numbers = [number_of[person.staff_id] for person in batch]
        await session.execute(delete(ReportingLineRow).where(ReportingLineRow.staff_number.in_(numbers)))
    lines = [
        {
            "staff_number": number_of[row.line.staff_id],
            "manager_number": number_of[row.line.manager],
            "period": Range(row.line.first_day, row.line.last_day, bounds="[]"),
        }
        for row in rows
        if row.line
    ]
    if lines:
        await session.execute(insert(ReportingLineRow), lines)


async def _upsert_people(session: AsyncSession, people: Sequence[StaffMember], now: datetime) -> None:
    statement = upsert(StaffRow).values(
        [
            {
                "staff_id": person.staff_id,
                "name": person.name,
                "email": person.email,
                "organisation": person.organisation,
                "imported_at": now,
            }
            for person in people
        ]
    )
    new = statement.excluded
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=[StaffRow.staff_id],
            set_={
                "name": new.name,
                "email": new.email,
                "organisation": new.organisation,
                "imported_at": new.imported_at,
            },
        )
    )


def _listed(people: Sequence[StaffMember]) -> tuple[ListedPerson, ...]:
    return tuple(ListedPerson(staff_id=person.staff_id, name=person.name) for person in people)


def _batches(people: Sequence[StaffMember], size: int = _BATCH) -> Iterable[Sequence[StaffMember]]:
    return (people[start : start + size] for start in range(0, len(people), size))
