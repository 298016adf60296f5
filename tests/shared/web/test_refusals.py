"""One row says how an error is answered: to a client as a problem, on a form beside its field, in the same words."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.db.database import Database
from shared.web.forms import FormErrors
from shared.web.problems import FieldProblem
from shared.web.refusals import Refusal, Refusals, WrongError, attempt, problem_of, reading, record_refusal, refusal_of
from tests.support.postgres import PostgresForTests


class Taken(Exception):
    """The value is taken."""


class TakenToday(Taken):
    """The value is taken, but only for today."""


class Faulty(Exception):
    """Two answers are wrong."""


class Gone(Exception):
    """The object of the form does not exist."""


def faults(_error: Faulty) -> list[FieldProblem]:
    return [FieldProblem(name="day", message="Enter a day"), FieldProblem(name="reason", message="Enter a reason")]


REFUSALS: Refusals = {
    Taken: Refusal(409, "taken", "This name is taken", "Choose another.", field="name"),
    Faulty: Refusal(422, "invalid", "Some answers are wrong", fields=reading(Faulty, faults)),
    Gone: Refusal(404, "gone", "It is not there"),
}


@pytest.fixture
async def database(postgres: PostgresForTests) -> AsyncIterator[Database]:
    async with postgres.fresh() as url:
        opened = Database(url, application_name="tests")
        async with opened.transaction() as session:
            await session.execute(text("create table thing (name text)"))
        yield opened
        await opened.close()


async def store(session: AsyncSession, error: Exception | None = None) -> str:
    await session.execute(text("insert into thing (name) values ('one')"))
    if error:
        raise error
    return "stored"


async def how_many(session: AsyncSession) -> int:
    return int((await session.execute(text("select count(*) from thing"))).scalar_one())


async def test_what_is_not_refused_is_done(database: Database) -> None:
    errors = FormErrors()
    async with database.transaction() as session:
        assert await attempt(session, store(session), errors, REFUSALS, "name") == "stored"
        assert await how_many(session) == 1
    assert not errors


async def test_what_is_refused_is_undone_and_said_beside_its_field_with_the_status(database: Database) -> None:
    errors = FormErrors()
    async with database.transaction() as session:
        assert await attempt(session, store(session, TakenToday()), errors, REFUSALS, "first") == 409
        assert await how_many(session) == 0
    assert dict(errors) == {"name": "This name is taken. Choose another."}


async def test_each_wrong_field_has_its_own_message(database: Database) -> None:
    errors = FormErrors()
    async with database.transaction() as session:
        assert await attempt(session, store(session, Faulty()), errors, REFUSALS, "first") == 422
    assert dict(errors) == {"day": "Enter a day", "reason": "Enter a reason"}


async def test_what_is_not_there_is_no_fault_of_a_form(database: Database) -> None:
    async with database.transaction() as session:
        with pytest.raises(Gone):
            await attempt(session, store(session, Gone()), FormErrors(), REFUSALS, "first")


def test_an_error_about_no_field_stands_beside_the_first_one() -> None:
    errors = FormErrors()
    assert record_refusal(Refusal(403, "no", "You cannot do this"), Taken(), errors, "first") == 403
    assert dict(errors) == {"first": "You cannot do this"}


def test_a_client_reads_the_words_of_the_page() -> None:
    refusal = refusal_of(TakenToday(), REFUSALS)
    problem = problem_of(refusal, TakenToday())
    assert f"{problem.title}. {problem.detail}" == refusal.words(TakenToday())
    assert [one["name"] for one in problem_of(REFUSALS[Faulty], Faulty()).fields] == ["day", "reason"]


async def test_a_row_may_have_other_words_for_a_page_also_of_what_is_not_there(database: Database) -> None:
    refusals: Refusals = {Gone: Refusal(404, "gone", "Nothing is there", page=lambda _error: "It is gone already")}
    errors = FormErrors()
    async with database.transaction() as session:
        assert await attempt(session, store(session, Gone()), errors, refusals, "first") == 404
    assert dict(errors) == {"first": "It is gone already"}


def test_a_row_reads_only_the_error_that_it_is_of() -> None:
    with pytest.raises(WrongError, match="Faulty"):
        problem_of(REFUSALS[Faulty], Taken())
