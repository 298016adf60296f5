"""Misuse that a person gives to a manager: beside abuse, again after it was finished, or after it came back."""

from uuid import UUID

import pytest

from services.notifier.directory.domain import StaffMember
from services.notifier.misuse.handlers import ActionTaken, record_action
from shared.events.notifier import ManagerAssigned
from shared.events.parts import Person, Subject
from shared.events.triage import CaseRouted
from shared.events.vocabulary import ManagerAction, Relation
from shared.ids import CaseId
from tests.services.notifier.building import DANIEL, GRACE, HELEN, LUCA, NOW, PRIYA, TOM, report, suspect
from tests.services.notifier.notifying import Notifier
from tests.services.notifier.saying import misuse, reopened, resolved, routed, transferred

ASSIGNMENT = "select manager, action, acted_on, ended_at from assignment"


@pytest.mark.policy("R-d", "S3")
@pytest.mark.parametrize("union_activity", ["no", "unsure"])
async def test_whoever_was_told_who_reported_abuse_does_not_work_the_misuse_beside_it(
    notifier: Notifier, union_activity: str
) -> None:
    said = misuse(reporter=TOM, abuse_behaviours=["harassment"], union_activity=union_activity)
    await notifier.receive(said)
    assert await notifier.rows("select purpose, recipient_staff_id from alert") == [("abuse_reported", GRACE.staff_id)]
    assert await _given(notifier, said.report_id) == HELEN.staff_id


@pytest.mark.policy("S1", "R-d")
@pytest.mark.parametrize(
    ("reporter", "suspected", "manager"),
    [
        (LUCA, [suspect(TOM)], GRACE),
        (LUCA, [suspect(name=TOM.name)], GRACE),
        (PRIYA, [suspect(TOM)], HELEN),
        (LUCA, [suspect(TOM), suspect(DANIEL)], None),
        (LUCA, [suspect(name="Somebody Unknown")], None),
        (LUCA, [], None),
    ],
)
async def test_misuse_seen_beside_abuse_finds_the_manager_of_the_one_who_is_suspected(
    notifier: Notifier, reporter: StaffMember, suspected: list[Person], manager: StaffMember | None
) -> None:
    said = report(reporter=reporter, suspected=suspected)
    await notifier.receive(said)
    assert await _given(notifier, said.report_id) == (manager and manager.staff_id)


@pytest.mark.policy("R-d")
async def test_whoever_is_affected_by_it_does_not_work_the_misuse_beside_abuse(notifier: Notifier) -> None:
    affected = [Person(relation=Relation.COLLEAGUE, staff_id=GRACE.staff_id)]
    said = report(reporter=LUCA, suspected=[suspect(TOM)], affected=affected)
    await notifier.receive(said)
    assert await _given(notifier, said.report_id) == HELEN.staff_id


@pytest.mark.policy("R-d")
async def test_a_manager_is_told_that_their_case_is_to_be_worked_again(notifier: Notifier) -> None:
    case = await _worked(notifier)
    await notifier.receive(resolved(case, "advice_given"))
    await notifier.receive(reopened(case))
    assert await notifier.rows(ASSIGNMENT) == [(GRACE.staff_id, None, None, None)]
    asked = "select recipient_staff_id, answer from alert where purpose = 'misuse_assigned'"
    assert await notifier.rows(asked) == [(GRACE.staff_id, None)] * 2
    assert [said.manager for said in await notifier.events(ManagerAssigned)] == [GRACE.staff_id] * 2


async def test_what_reopens_with_another_team_is_no_managers(notifier: Notifier) -> None:
    case = await _worked(notifier)
    await notifier.receive(resolved(case, "advice_given"))
    await notifier.receive(reopened(case).model_copy(update={"team": "triage_desk"}))
    assert await notifier.scalar("select ended_at is not null from assignment") is True
    assert len(await notifier.events(ManagerAssigned)) == 1


async def test_a_case_that_comes_back_after_an_action_asks_for_another_one(notifier: Notifier) -> None:
    case = await _worked(notifier)
    await notifier.receive(transferred(case, "line_manager", "triage_desk"))
    await notifier.receive(transferred(case, "triage_desk", "line_manager"))
    assert await notifier.rows(ASSIGNMENT) == [(GRACE.staff_id, None, None, None)]


async def _given(notifier: Notifier, report_id: UUID) -> str | None:
    """Let a lead open a misuse case beside abuse, and the triage desk give it to a manager: whose is it?"""
    linked = routed(report_id, team="triage_desk", linked=True, restricted=True)
    await notifier.receive(linked)
    await notifier.receive(transferred(linked, "triage_desk", "line_manager"))
    [assigned] = await notifier.events(ManagerAssigned)
    return assigned.manager


async def _worked(notifier: Notifier) -> CaseRouted:
    """Luca reports Priya; Grace has recorded what she did."""
    said = misuse(subject=Subject(staff_id=PRIYA.staff_id))
    case = routed(said.report_id)
    await notifier.receive(said)
    await notifier.receive(case)
    done = ActionTaken(ManagerAction.ADVICE_GIVEN, NOW.date())
    async with notifier.database.transaction() as session:
        await record_action(session, CaseId(case.case_id), GRACE.staff_id, done, NOW, outbox=notifier.outbox)
    return case
