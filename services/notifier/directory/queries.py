"""Reads the directory."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Row, Text, any_, func, literal_column, select
from sqlalchemy.dialects.postgresql import Range, array
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.notifier.directory.domain import Directory, ReportingLine, StaffMember
from services.notifier.directory.tables import ReportingLineRow, StaffRow
from shared.ids import StaffId, folded_id

_A_DAY = timedelta(days=1)
_FOLDED_NAME: ColumnElement[str] = literal_column(
    r"translate(regexp_replace(normalize(lower(staff.name), NFKD), '[\u0300-\u036f''\u2019]', '', 'g'), "
    "'øłđðı', 'olddi')",
    Text,
)
"""Similar to how `name_words` folds names; the words of a name have only letters and digits."""


async def whole_directory(session: AsyncSession) -> Directory:
    """Return every person and every line."""
    return await _read(session, None)


async def around(
    session: AsyncSession, staff_ids: Collection[str], emails: Collection[str], names: Collection[str] = ()
) -> Directory:
    """Return the people found by any of these, everyone above them, and their lines.

    Args:
        session: the caller's transaction.
        staff_ids: as typed.
        emails: in lower case.
        names: words of names from `shared.events.people.name_words`; people with any of them are returned.
    """
    who = _is_one_of(staff_ids) | StaffRow.email.in_(emails)
    if names:
        who |= _FOLDED_NAME.like(any_(array([f"%{word}%" for word in sorted(names)])))
    above = select(StaffRow.number.label("number")).where(who).cte("above", recursive=True)
    # `union` drops repeats, so a circle of lines ends
    above = above.union(
        select(ReportingLineRow.manager_number).join(above, ReportingLineRow.staff_number == above.c.number)
    )
    return await _read(session, StaffRow.number.in_(select(above.c.number)))


async def spelling_of(session: AsyncSession, staff_id: StaffId) -> StaffId:
    """Return a staff id as the directory spells it; an unknown one stays as it is."""
    listed = await session.scalar(select(StaffRow.staff_id).where(_is_one_of([staff_id])))
    return StaffId(listed) if listed else staff_id


async def names_of(session: AsyncSession, staff_ids: Collection[StaffId]) -> dict[StaffId, str]:
    """Return the names of these people, by staff id as asked for."""
    if not staff_ids:
        return {}
    rows = await session.execute(select(StaffRow.staff_id, StaffRow.name).where(_is_one_of(staff_ids)))
    return _as_asked(staff_ids, rows.all())


async def managed_by(session: AsyncSession, manager: StaffId, day: date) -> list[StaffMember]:
    """Return the people whom `manager` manages directly on `day`."""
    above = aliased(StaffRow)
    rows = await session.execute(
        select(StaffRow.staff_id, StaffRow.name, StaffRow.email, StaffRow.organisation)
        .join(ReportingLineRow, ReportingLineRow.staff_number == StaffRow.number)
        .join(above, above.number == ReportingLineRow.manager_number)
        .where(func.lower(above.staff_id) == folded_id(manager), ReportingLineRow.period.contains(day))
    )
    return [StaffMember(StaffId(staff_id), name, email, organisation) for staff_id, name, email, organisation in rows]


async def addresses_of(session: AsyncSession, staff_ids: Collection[StaffId]) -> dict[StaffId, str]:
    """Return the addresses of these people that the directory knows, by staff id as asked for."""
    if not staff_ids:
        return {}
    rows = await session.execute(select(StaffRow.staff_id, StaffRow.email).where(_is_one_of(staff_ids)))
    return _as_asked(staff_ids, rows.all())


def _is_one_of(staff_ids: Collection[str]) -> ColumnElement[bool]:
    return func.lower(StaffRow.staff_id).in_({folded_id(staff_id) for staff_id in staff_ids})


def _as_asked(staff_ids: Collection[StaffId], found: Sequence[Row[str, str]]) -> dict[StaffId, str]:
    by_person = {folded_id(staff_id): value for staff_id, value in found}
    return {staff_id: by_person[folded_id(staff_id)] for staff_id in staff_ids if folded_id(staff_id) in by_person}


async def _read(session: AsyncSession, which: ColumnElement[bool] | None) -> Directory:
    people = select(StaffRow.staff_id, StaffRow.name, StaffRow.email, StaffRow.organisation)
    manager = aliased(StaffRow)
    lines = (
        select(StaffRow.staff_id, manager.staff_id, ReportingLineRow.period)
        .join(ReportingLineRow, ReportingLineRow.staff_number == StaffRow.number)
        .join(manager, manager.number == ReportingLineRow.manager_number)
        .order_by(ReportingLineRow.id)
    )
    if which is not None:
        people, lines = people.where(which), lines.where(which)
    staff = [
        StaffMember(StaffId(staff_id), name, email, organisation)
        for staff_id, name, email, organisation in (await session.execute(people)).all()
    ]
    return Directory.of(staff, [_line(*row) for row in (await session.execute(lines)).all()])


def _line(staff_id: str, manager: str, period: Range[date]) -> ReportingLine:
    """Return the line of a row: PostgreSQL stores date ranges as `[first, day after the last)`."""
    last = period.upper - _A_DAY if period.upper else None
    return ReportingLine(StaffId(staff_id), StaffId(manager), period.lower, last)
