"""Training records as CSV, with the same guarantees as for accounts."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from services.registry.eligibility import handlers
from services.registry.eligibility.domain import Completion, training_fault
from services.registry.eligibility.handlers import ImportResult, import_training
from services.registry.eligibility.tables import TrainingRow
from shared.db.database import Database
from shared.ids import StaffId
from tests.services.registry.conftest import NOW, work_in

SERVICE = "registry"
HEADER = "staff_id,course,completed_on\n"
GOOD = "S7004,Official accounts,2026-05-03\n"
BAD_ROWS = [
    (",Official accounts,2026-05-03", "staff_id"),
    ("S1,,2026-05-03", "course"),
    ("S1,secretcanary,", "completed_on"),
    ("S1,secretcanary,3 May", "completed_on"),
    ("S1,secretcanary,2026-02-30", "completed_on"),
    ("S1,secretcanary,2026-11-24", "completed_on"),
    ("S1,secretcanary,0001-01-01", "completed_on"),
    ("s7001,secretcanary,2026-05-03", "staff_id"),
    ("S1,secret\0canary,2026-05-03", "course"),
    ("S1,secretcanary,2026-05-03,more", ""),
    (f"S1,{'secretcanary' * 20},2026-05-03", "course"),
]


async def imported(database: Database, text: str, *, accept_valid: bool = False) -> ImportResult:
    async with database.transaction() as session:
        return await import_training(work_in(session), text, accept_valid=accept_valid)


async def stored(database: Database) -> int:
    async with database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(TrainingRow)) or 0


@pytest.mark.policy("S5")
async def test_records_are_imported_once(database: Database) -> None:
    assert await imported(database, HEADER + GOOD) == ImportResult(1, 0, (), applied=True)
    assert await imported(database, HEADER + GOOD) == ImportResult(0, 1, (), applied=True)
    assert await stored(database) == 1


async def test_every_bad_row_is_named_and_nothing_changes_without_being_asked(database: Database) -> None:
    text = HEADER + GOOD + "".join(f"{row}\n" for row, _ in BAD_ROWS)
    result = await imported(database, text)
    assert not result.applied
    assert [(error.row, error.column) for error in result.errors] == [
        (number, column) for number, (_, column) in enumerate(BAD_ROWS, start=3)
    ]
    assert "canary" not in repr(result)
    assert await stored(database) == 0
    assert (await imported(database, text, accept_valid=True)).recorded == 1
    assert await stored(database) == 1


async def test_the_same_record_twice_in_a_file_is_one_or_in_two_spellings_an_error(database: Database) -> None:
    result = await imported(database, HEADER + GOOD + GOOD.upper(), accept_valid=True)
    assert [error.row for error in result.errors] == [2, 3]
    assert await stored(database) == 0
    assert (await imported(database, HEADER + GOOD + GOOD)).errors == ()
    assert await stored(database) == 1


@pytest.mark.parametrize("text", ["", "staff_id,course\nS1,x\n", 'staff_id,course,completed_on\nS1,"x,2026-05-03\n'])
async def test_a_file_that_cannot_be_read_is_refused_as_a_whole(database: Database, text: str) -> None:
    result = await imported(database, text, accept_valid=True)
    assert (result.recorded, len(result.errors), result.applied) == (0, 1, False)


@given(st.text(max_size=200) | st.text(max_size=150).map(lambda rest: HEADER + rest))
def test_any_text_is_read_without_failing(text: str) -> None:
    file = handlers._read_csv(text, NOW.date(), "S7001")
    assert all(error.reason for error in file.errors)


def test_training_lies_in_the_past_and_is_another_persons() -> None:
    today = Completion(StaffId("S7004"), "Official accounts", NOW.date())
    assert training_fault(today, NOW.date(), "S7001") is None
    assert training_fault(today, NOW.date(), None) is None
    assert training_fault(today, date(2026, 11, 22), "S7001")
    assert training_fault(today, NOW.date(), "S7004")
