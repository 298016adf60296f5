"""People's names by staff id, for pages that would show only a number: a projection of notifier's staff directory.

A service that shows people reads `StaffListed` into its own table. A person whom the directory does not list is shown
by their number alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Column, DateTime, MetaData, Table, Text, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.metadata import NAMING, personal
from shared.events.envelope import Envelope
from shared.events.notifier import StaffListed
from shared.ids import folded_id

people_metadata = MetaData(naming_convention=NAMING)
known_person = Table(
    "known_person",
    people_metadata,
    Column("staff_id", Text, primary_key=True, info=personal("staff number", retention="directory")),
    Column("name", Text, nullable=False, info=personal("name", retention="directory")),
    Column("listed_at", DateTime(timezone=True), nullable=False),
)


class Names:
    """The known names of some people; a staff id is found however it is typed."""

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._names = dict(names or {})

    def of(self, staff_id: str | None) -> str | None:
        """Return a person's name, if the directory lists them."""
        return self._names.get(folded_id(staff_id)) if staff_id else None

    def __call__(self, staff_id: str | None) -> str:
        """Return the words for a person: `Kim Reed (S8003)`, or their number alone."""
        return named(self.of(staff_id), staff_id)


def named(name: str | None, staff_id: str | None) -> str:
    """Return a person's name with their staff number, as far as they are known."""
    return f"{name} ({staff_id})" if name and staff_id else name or staff_id or ""


async def project_people(session: AsyncSession, events: Sequence[Envelope[StaffListed]], _now: datetime) -> None:
    """Keep the newest name of each person, in whatever order events arrive."""
    newest: dict[str, dict[str, object]] = {}
    for event in sorted((event.data for event in events), key=lambda listed: listed.at):
        for one in event.people:
            staff_id = folded_id(one.staff_id)
            newest[staff_id] = {"staff_id": staff_id, "name": one.name, "listed_at": event.at}
    if not newest:
        return
    statement = insert(known_person)
    new = statement.excluded
    upsert = statement.on_conflict_do_update(
        index_elements=["staff_id"],
        set_={"name": new.name, "listed_at": new.listed_at},
        where=known_person.c.listed_at <= new.listed_at,
    )
    await session.execute(upsert, [newest[staff_id] for staff_id in sorted(newest)])


async def names_of(session: AsyncSession, staff_ids: Iterable[str | None]) -> Names:
    """Return the names of those of these actors who are people, in one statement; in none if no one is."""
    wanted = {folded_id(staff_id) for staff_id in staff_ids if staff_id and not staff_id.startswith("system:")}
    if not wanted:
        return Names()
    rows = await session.execute(
        select(known_person.c.staff_id, known_person.c.name).where(known_person.c.staff_id.in_(wanted))
    )
    return Names(dict(rows.all()))


async def anyone_known(session: AsyncSession) -> bool:
    """Return whether any name is known. None is before the first import of the directory (record 0050)."""
    return bool(await session.scalar(select(exists(select(known_person.c.staff_id)))))
