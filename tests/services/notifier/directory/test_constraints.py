"""What the database refuses by itself."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shared.db.database import Database

SERVICE = "notifier"
PEOPLE = (
    "insert into staff (staff_id, name, email, organisation, imported_at) values "
    "('S1', 'Ann', 'a@example.org', '', now()), ('S2', 'Bob', 'b@example.org', '', now())"
)
PERSON = "insert into staff (staff_id, name, email, organisation, imported_at) values ('S3', 'Cat', '{}', '', now())"
LINE = (
    "insert into reporting_line (staff_number, manager_number, period) "
    "select a.number, b.number, daterange('{}', '{}', '[]') from staff a, staff b "
    "where a.staff_id = '{}' and b.staff_id = '{}'"
)


async def _run(database: Database, *statements: str) -> None:
    async with database.transaction() as session:
        for statement in statements:
            await session.execute(text(statement))


async def test_lines_that_follow_each_other_are_taken(database: Database) -> None:
    await _run(
        database,
        PEOPLE,
        LINE.format("2026-01-01", "2026-01-31", "S1", "S2"),
        LINE.format("2026-02-01", "2026-02-28", "S1", "S2"),
    )


@pytest.mark.parametrize(
    "refused",
    [
        LINE.format("2026-01-31", "2026-03-01", "S1", "S2"),
        LINE.format("2026-02-01", "2026-03-01", "S1", "S1"),
        LINE.format("2026-02-01", "2026-01-31", "S1", "S2").replace("'[]'", "'[)'").replace("2026-01-31", "2026-02-01"),
        PERSON.format("A@x"),
        PERSON.format("a@example.org"),
    ],
    ids=["overlap", "own manager", "no days", "upper case address", "same address"],
)
async def test_what_must_not_be_is_refused(database: Database, refused: str) -> None:
    await _run(database, PEOPLE, LINE.format("2026-01-01", "2026-01-31", "S1", "S2"))
    with pytest.raises(IntegrityError):
        await _run(database, refused)
