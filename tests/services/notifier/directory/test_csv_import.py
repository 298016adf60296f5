"""The staff directory is imported from a CSV file, whole people or none; the database enforces the same checks."""

from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from services.notifier.directory.domain import Directory
from services.notifier.directory.handlers import ImportResult, import_csv
from services.notifier.directory.queries import addresses_of, around, managed_by, names_of, whole_directory
from shared.db.database import Database
from shared.events.notifier import StaffListed
from shared.ids import RandomIds, StaffId
from shared.messaging.outbox import Outbox
from shared.messaging.tables import outbox
from tests.services.notifier.builders import NOW

SERVICE = "notifier"
HEADER = "staff_id,name,email,organisation,manager_staff_id,from,to"
GOOD = [
    "S1,Ann Lee,Ann.Lee@example.org,Here,S2,2026-01-01,",
    "S2,Bob Ray,bob.ray@example.org,Here,S3,,",
    "S3,Cat Fox,cat.fox@example.org,Here,,,",
]


async def _import(database: Database, *rows: str, header: str = HEADER, accept_valid: bool = False) -> ImportResult:
    async with database.transaction() as session:
        return await import_csv(
            session,
            "\n".join([header, *rows]),
            accept_valid=accept_valid,
            now=NOW,
            ids=RandomIds(),
            outbox=Outbox("notifier", RandomIds()),
            actor="S8002",
        )


async def _published(database: Database) -> dict[str, str]:
    """Return the names by staff id that the outbox announces, a later one over an earlier one."""
    query = select(outbox.c.value).where(outbox.c.type == StaffListed.TYPE).order_by(outbox.c.id)
    async with database.transaction() as session:
        events = [StaffListed.model_validate_json(value) for value in await session.scalars(query)]
    assert all(len(event.people) <= 200 for event in events)
    return {person.staff_id: person.name for event in events for person in event.people}


async def _directory(database: Database) -> Directory:
    async with database.transaction() as session:
        return await whole_directory(session)


@pytest.mark.policy("Sc-a")
async def test_people_and_lines_are_stored_whatever_the_order_of_rows(database: Database) -> None:
    result = await _import(database, *GOOD)
    assert (result.rows_read, result.people, result.lines, result.errors, result.changed) == (3, 3, 2, (), True)
    directory = await _directory(database)
    assert [member.name for member in directory.chain_above(StaffId("S1"), date(2026, 1, 1))] == ["Bob Ray", "Cat Fox"]
    assert directory.with_email("ANN.LEE@example.org")


async def test_an_import_publishes_the_name_of_each_person_whom_it_stored(database: Database) -> None:
    await _import(database, *GOOD, "S4,,dan@example.org,Here,,,")
    assert await _published(database) == {}, "a refused file publishes nothing"
    many = [f"M{number},Person {number},m{number}@example.org,Here,,," for number in range(450)]
    await _import(database, *GOOD, *many, "S4,,dan@example.org,Here,,,", accept_valid=True)
    await _import(database, "S1,Ann Fox,ann.lee@example.org,Here,S2,,")
    published = await _published(database)
    assert len(published) == 453
    assert (published["S1"], published["S2"], published["M449"]) == ("Ann Fox", "Bob Ray", "Person 449")


async def test_a_line_holds_from_its_first_day_to_its_last(database: Database) -> None:
    await _import(
        database,
        "S1,Ann Lee,ann@example.org,,S2,2026-01-01,2026-01-31",
        "S1,Ann Lee,ann@example.org,,S3,2026-02-01,",
        *GOOD[1:],
    )
    directory = await _directory(database)
    managers = {
        day: (manager.staff_id if (manager := directory.manager_of(StaffId("S1"), day)) else None)
        for day in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 1), date(2040, 1, 1))
    }
    assert list(managers.values()) == [None, "S2", "S2", "S3", "S3"]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ("S4,Di Poe,di@example.org,,S2,2026-13-01,", "from: Write the day as 2026-01-31"),
        ("S4,Di Poe,di@example.org,,S2,,soon", "to: Write the day as 2026-01-31"),
        ("S4,Di Poe,di@example.org,,S2,2026-02-01,2026-01-01", "to: This is before the day in the column from"),
        (
            "S4,Di Poe,di@example.org,,S2,0001-01-01,0001-01-01",
            "from: Enter a day from 1900-01-01 to 2100-12-31, or leave it empty where it is open-ended",
        ),
        (
            "S4,Di Poe,di@example.org,,S2,2026-02-01,9999-12-31",
            "to: Enter a day from 1900-01-01 to 2100-12-31, or leave it empty where it is open-ended",
        ),
        ("S4,Di Poe,di@example.org,,,2026-02-01,", "manager_staff_id: This cell is needed where there is a day"),
        ("S4,Di Poe,di@example.org,,S4,,", "manager_staff_id: This is the person's own staff number"),
        (
            "S4,Di Poe,di@example.org,,S99,,",
            "manager_staff_id: This is not among the accepted rows, nor in the directory",
        ),
        ("S4,Di Poe,not an address,,,,", "email: This is not an email address"),
        ("S4,Di Poe,BOB.ray@example.org,,,,", "email: This belongs to another person in the file or the directory"),
        ("S4,,di@example.org,,,,", "name: This cell is needed"),
        (",Di Poe,di@example.org,,,,", "staff_id: This cell is needed"),
        ("S4\x07,Di Poe,di@example.org,,,,", "staff_id: Remove the character U+0007 BELL"),
        ("S 4,Di Poe,di@example.org,,,,", "staff_id: This has characters that a staff number does not have"),
        ("S4,Di\x00 Poe,di@example.org,,,,", "name: Remove the character U+0000 NULL"),
        ("S4,Di Poe,di@example.org,,,", ": has 6 cells where the header has 7"),
        (f"S4,{'x' * 201},di@example.org,,,,", "name: Use at most 200 characters"),
    ],
)
async def test_a_bad_row_is_named_with_its_reason_and_nothing_changes(
    database: Database, bad: str, reason: str
) -> None:
    result = await _import(database, *GOOD, bad)
    assert [(error.row, f"{error.column}: {error.reason}") for error in result.errors] == [(5, reason)]
    assert not result.changed
    assert (await _directory(database)).staff == {}


async def test_valid_people_are_taken_when_asked_for(database: Database) -> None:
    result = await _import(database, *GOOD, "S4,,di@example.org,,,,", accept_valid=True)
    assert (result.people, len(result.errors), result.changed) == (3, 1, True)
    assert sorted((await _directory(database)).staff) == ["S1", "S2", "S3"]


async def test_a_person_is_taken_whole_or_not_at_all(database: Database) -> None:
    """One of the two lines is wrong: the other alone would be half of what the file says."""
    result = await _import(
        database,
        "S1,Ann Lee,ann@example.org,,S2,,2026-01-31",
        "S1,Ann Lee,ann@example.org,,S3,2026-01-31,",
        *GOOD[1:],
        accept_valid=True,
    )
    assert [error.row for error in result.errors] == [2, 3]
    assert sorted((await _directory(database)).staff) == ["S2", "S3"]


async def test_a_person_is_taken_whole_or_not_at_all_in_any_spelling_of_their_id(database: Database) -> None:
    result = await _import(
        database, "S1\u200b,Ann Lee,nowhere,,,,", "S1,Ann Lee,ann@example.org,,,,", *GOOD[1:], accept_valid=True
    )
    assert [error.row for error in result.errors] == [2, 3]
    assert sorted((await _directory(database)).staff) == ["S2", "S3"]


async def test_a_person_who_depends_on_a_refused_row_is_refused_too(database: Database) -> None:
    result = await _import(database, *GOOD[:2], "S3,,cat@example.org,,,,", accept_valid=True)
    assert [error.row for error in result.errors] == [2, 3, 4]
    assert not result.changed


async def test_spaces_and_marks_that_nobody_sees_refuse_no_one(database: Database) -> None:
    """Excel writes no-break spaces, phones the rest; names in Persian and Hindi need their joiners."""
    result = await _import(
        database,
        "\ufeffZ1\u200b,Top\u00a0Person ,\u200etop.person@example.org\u200f,Org,,,",
        'Z2,می\u200cخواهم,mailto:Two@example.org,"Or\u00adg\nHere",\u2060Z1\u00a0,,',
        "Z\u200d3,क्\u200dष,three@example.org.,Org,Z2,,\u3000",
    )
    assert (result.errors, result.people, result.lines) == ((), 3, 2)
    directory = await _directory(database)
    assert [(one.staff_id, one.name, one.email, one.organisation) for one in directory.staff.values()] == [
        ("Z1", "Top Person", "top.person@example.org", "Org"),
        ("Z2", "می\u200cخواهم", "two@example.org", "Org Here"),
        ("Z3", "क्\u200dष", "three@example.org", "Org"),
    ]
    assert [one.staff_id for one in directory.chain_above(StaffId("Z3"), date(2026, 1, 1))] == ["Z2", "Z1"]


async def test_the_same_row_again_is_the_same_row(database: Database) -> None:
    result = await _import(database, *GOOD, GOOD[0].replace("Ann Lee", "Ann\u00a0Lee"), GOOD[2], GOOD[0])
    assert (result.rows_read, result.people, result.lines, result.errors) == (6, 3, 2, ())


@pytest.mark.parametrize(
    "top", ["S3,Cat Fox,cat.fox@example.org,Here,S3,,", "S3,Cat Fox,cat.fox@example.org,Here,s3\u200b,,"]
)
async def test_a_top_person_who_is_their_own_manager_has_none(database: Database, top: str) -> None:
    result = await _import(database, *GOOD[:2], top)
    assert (result.people, result.lines, result.errors) == (3, 2, ())
    again = await _import(database, top)
    assert (again.people, again.lines, again.errors) == (1, 0, ())
    assert [one.name for one in (await _directory(database)).chain_above(StaffId("S1"), date(2026, 1, 1))] == [
        "Bob Ray",
        "Cat Fox",
    ]


async def test_a_circle_of_managers_is_refused(database: Database) -> None:
    circle = ["S1,Ann,a@example.org,,S2,,", "S2,Bob,b@example.org,,S3,,", "S3,Cat,c@example.org,,S1,2026-05-01,"]
    result = await _import(database, *circle, "S4,Di,d@example.org,,,,", accept_valid=True)
    assert [error.row for error in result.errors] == [2, 3, 4]
    assert sorted((await _directory(database)).staff) == ["S4"]


async def test_a_circle_with_what_is_stored_is_refused(database: Database) -> None:
    await _import(database, *GOOD)
    result = await _import(database, "S3,Cat Fox,cat.fox@example.org,Here,S1,2026-06-01,")
    assert "circle" in result.errors[0].reason
    assert (await _directory(database)).lines.get(StaffId("S3")) is None


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("staff_id,name,email", "lacks the columns organisation, manager_staff_id, from, to"),
        (f"{HEADER},notes", f"has 1 unknown column; known are {HEADER.replace(',', ', ')}"),
        (f"{HEADER},name", "names a column twice"),
        ("", "lacks the columns staff_id, name, email, organisation, manager_staff_id, from, to"),
    ],
)
async def test_a_header_that_cannot_be_read_refuses_the_file(database: Database, header: str, reason: str) -> None:
    result = await _import(database, *(GOOD if header else ()), header=header, accept_valid=True)
    assert [(error.row, error.reason) for error in result.errors] == [(1, reason)]


async def test_a_file_that_is_no_csv_is_one_clear_error(database: Database) -> None:
    result = await _import(database, 'S1,"Ann, unfinished', accept_valid=True)
    assert [error.reason for error in result.errors] == ["is not valid CSV; check its quotation marks"]


async def test_importing_again_replaces_people_in_the_file_and_leaves_the_others(database: Database) -> None:
    await _import(database, *GOOD)
    await _import(database, "S1,Ann Day,bob.ray@example.org,,S3,,", "S2,Bob Ray,ann.lee@example.org,Here,S3,,")
    directory = await _directory(database)
    assert directory.staff[StaffId("S1")].name == "Ann Day"
    assert directory.staff[StaffId("S1")].email == "bob.ray@example.org"
    assert [line.manager for line in directory.lines[StaffId("S1")]] == ["S3"]
    assert StaffId("S3") in directory.staff


async def test_only_the_people_asked_for_and_those_above_them_are_read(database: Database) -> None:
    await _import(database, *GOOD, "S5,Eve Oak,eve@example.org,,S3,,")
    async with database.transaction() as session:
        found = await around(session, ["S2"], [])
    assert sorted(found.staff) == ["S2", "S3"]


async def test_a_person_who_is_spelled_in_two_ways_is_one_person(database: Database) -> None:
    """Otherwise two people would have to be alerted, and each of them would see half."""
    result = await _import(
        database, *GOOD[1:], "s4,Dan Elm,dan@example.org,,s2,,2026-01-31", "S4,Dan Elm,dan@example.org,,S3,2026-02-01,"
    )
    assert (result.people, result.lines, result.errors) == (3, 3, ())
    await _import(database, "s3,Cat Day,cat.fox@example.org,Here,,,")
    directory = await _directory(database)
    assert sorted(directory.staff) == ["S2", "S3", "s4"]
    assert directory.staff[StaffId("S3")].name == "Cat Day"
    assert [line.manager for line in directory.lines[StaffId("s4")]] == ["S2", "S3"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("s1,Ann Day,ann.day@example.org,Here,,,", "another name, email or organisation"),
        ("s1,Ann Lee,ann.lee@example.org,Here,s3,2026-05-01,", "overlaps"),
        ("s1,Ann Lee,ann.lee@example.org,Here,S1,2020-01-01,2020-12-31", "own staff number"),
    ],
)
async def test_two_spellings_of_one_person_have_to_agree(database: Database, row: str, reason: str) -> None:
    result = await _import(database, *GOOD, row)
    assert reason in " ".join(error.reason for error in result.errors if error.row == 5)
    assert not result.changed
    taken = await _import(database, *GOOD, row, accept_valid=True)
    assert taken.people == 2


async def test_people_are_found_however_their_staff_id_is_typed(database: Database) -> None:
    await _import(database, *GOOD, "sX9,Eve Oak,eve@example.org,,,,")
    async with database.transaction() as session:
        found = await around(session, ["sx9 ", "s2"], [])
        names = await names_of(session, [StaffId("SX9"), StaffId("s1"), StaffId("S7")])
        addresses = await addresses_of(session, [StaffId("SX9")])
        managed = await managed_by(session, StaffId("s2"), date(2026, 6, 1))
    assert sorted(found.staff) == ["S2", "S3", "sX9"]
    assert found.member(" SX9") == found.staff[StaffId("sX9")]
    assert names == {"SX9": "Eve Oak", "s1": "Ann Lee"}
    assert addresses == {"SX9": "eve@example.org"}
    assert [member.staff_id for member in managed] == ["S1"]


SAMPLE = Path(__file__).resolve().parents[4] / "deploy" / "sample" / "directory.csv"


async def test_the_sample_directory_imports_without_an_error(database: Database) -> None:
    async with database.transaction() as session:
        result = await import_csv(
            session,
            SAMPLE.read_text(encoding="utf-8"),
            accept_valid=False,
            now=NOW,
            ids=RandomIds(),
            outbox=Outbox("notifier", RandomIds()),
            actor="sample",
        )
        directory = await whole_directory(session)
    assert result.errors == ()
    assert [m.name for m in directory.chain_above(StaffId("S1001"), date(2026, 11, 23))][:2] == [
        "Grace Okafor",
        "Helen Marsh",
    ]


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
