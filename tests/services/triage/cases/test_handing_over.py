"""A case that changes teams shows whether its new team is at work: an urgent one must not wait until morning."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from services.triage.cases import handlers
from services.triage.cases.handlers import Work, warn_of_deadlines
from shared.db.database import Database
from shared.events.triage import CaseTransferred
from shared.events.vocabulary import Team
from tests.services.triage.builders import NOW, WRITER, CaseFilter, listed, open_cases, report, viewer

SERVICE = "triage"
EVENING = NOW + timedelta(hours=12)
LEAD = viewer(Team.SMART, lead=True)


async def handed_over(database: Database) -> CaseTransferred:
    async with database.transaction() as session:
        query = text("select value from outbox where type = :type order by id desc limit 1")
        return CaseTransferred.model_validate_json(await session.scalar(query, {"type": CaseTransferred.TYPE}))


@pytest.mark.parametrize(
    ("now", "to", "staffed"),
    [(NOW, Team.TRIAGE_DESK, True), (EVENING, Team.TRIAGE_DESK, False), (EVENING, Team.SIRT, True)],
)
async def test_a_transfer_says_how_urgent_it_is_and_whether_anybody_is_there(
    database: Database, now: object, to: Team, staffed: bool
) -> None:
    await open_cases(database, report(behaviours=("threat",)))
    async with database.transaction() as session:
        [case] = await listed(session, LEAD, CaseFilter(), 1)
        work = Work(session, LEAD, now, WRITER)  # type: ignore[arg-type]  # a parameter
        await handlers.transfer(work, case.case_id, case.version, to, "Theirs")
    event = await handed_over(database)
    assert (event.to_team, event.priority, event.staffed) == (to, case.priority, staffed)


async def test_what_nobody_took_says_it_too_when_it_goes_to_the_desk(database: Database) -> None:
    kept = report(behaviours=("threat",), suspected=({"relation": "colleague", "name": "Aisha Khan"},))
    await open_cases(database, kept, now=EVENING)
    late = NOW + timedelta(days=2)
    async with database.transaction() as session:
        await warn_of_deadlines(session, late, writer=WRITER)
    event = await handed_over(database)
    assert (event.to_team, event.staffed) == ("triage_desk", True)
    assert event.priority is not None
