"""From a routed misuse case to the manager who works it, in any order of events, exactly once."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.notifier.alerts.queries import alerts_about
from services.notifier.directory.domain import StaffMember
from services.notifier.misuse.handlers import ActionTaken, record_action
from services.notifier.reports.domain import known_report
from services.notifier.reports.handlers import remember
from shared.events.intake import Person, Subject
from shared.events.notifier import AlertDecided, ManagerAssigned
from shared.events.triage import CaseRouted
from shared.events.vocabulary import Acknowledgement, AlertPurpose, ManagerAction, Relation
from shared.events.vocabulary import RecipientReason as Why
from shared.ids import AlertId, CaseId, ReportId
from tests.services.notifier.builders import (
    BOXES,
    DANIEL,
    GRACE,
    HELEN,
    LUCA,
    MARGARET,
    NOW,
    PRIYA,
    TOM,
    added_to,
    envelope,
    misuse,
    reopened,
    report,
    resolved,
    routed,
    suspect,
    transferred,
    who,
)
from tests.services.notifier.environment import Notifier
from tests.support.stuck import get_stuck, said

DECIDED = "select purpose, reason, anybody from decision order by purpose, decided_at, reason"


@pytest.mark.policy("R-d", "R-c")
async def test_the_subjects_manager_gets_the_case_and_the_reporters_manager_is_told(notifier: Notifier) -> None:
    said = misuse(reporter=HELEN)
    await notifier.receive(said)
    assert await notifier.event_types() == []
    await notifier.receive(routed(said.report_id))
    [assigned] = await notifier.events(ManagerAssigned)
    assert (assigned.manager, assigned.reason) == (GRACE.staff_id, Why.SUBJECTS_MANAGER)
    assert await notifier.rows(DECIDED) == [
        ("misuse_assigned", "subjects_manager", True),
        ("misuse_reported", "reporters_manager", True),
    ]
    await notifier.deliver_until(notifier.all_settled)
    assert sorted(notifier.mail_server.recipients) == [GRACE.email, MARGARET.email]


@pytest.mark.policy("R-d", "R-c")
async def test_of_an_anonymous_report_only_who_works_it_is_told_whatever_the_report_asks(notifier: Notifier) -> None:
    """No one knows whose manager would have to be told, and the reporter reads everything on their page."""
    said = misuse(manager_alert="yes", manager_email=MARGARET.email)
    await notifier.receive(said.model_copy(update={"reporter": who(None, "anonymous")}))
    case = routed(said.report_id)
    await notifier.receive(case)
    assert await notifier.rows(DECIDED) == [
        ("misuse_assigned", "subjects_manager", True),
        ("misuse_reported", "nobody_anonymous", False),
    ]
    await notifier.receive(resolved(case, "no_breach"))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [GRACE.email]


@pytest.mark.parametrize("report_first", [True, False])
async def test_whichever_comes_second_acts_and_nothing_that_comes_again_does(
    notifier: Notifier, report_first: bool
) -> None:
    said = misuse()
    case = routed(said.report_id)
    both = [envelope(said), envelope(case)] if report_first else [envelope(case), envelope(said)]
    for one in (*both, *both):
        await notifier.receive(envelopes=[one])
    assert len(await notifier.events(ManagerAssigned)) == 1
    assert len(await notifier.events(AlertDecided)) == 2
    assert await notifier.scalar("select count(*) from follow_up") == 0


async def test_a_batch_gives_each_case_its_own_manager(notifier: Notifier) -> None:
    reports = [
        misuse(subject=subject)
        for subject in (Subject(staff_id="S1001"), Subject(staff_id="S2002"), Subject(staff_id="S9001"))
    ]
    await notifier.receive(*reports)
    await notifier.receive(*(routed(said.report_id) for said in reports))
    managers = {event.report_id: event.manager for event in await notifier.events(ManagerAssigned)}
    assert [managers[said.report_id] for said in reports] == [GRACE.staff_id, HELEN.staff_id, None]


async def test_two_that_crossed_are_found_by_the_sweep(notifier: Notifier) -> None:
    """Neither transaction saw the other's uncommitted rows."""
    said = misuse()
    await notifier.receive(routed(said.report_id))
    async with notifier.database.transaction() as session:
        report = known_report(said)
        await remember(session, [report], notifier.clock.now(), remember_for=timedelta(days=1))
    assert await notifier.sweep_follow_ups() == 1
    assert [event.manager for event in await notifier.events(ManagerAssigned)] == [GRACE.staff_id]
    assert await notifier.sweep_follow_ups() == 0


async def test_a_report_that_never_comes_leaves_the_case_to_the_desk(notifier: Notifier) -> None:
    await notifier.receive(routed(uuid4()))
    assert await notifier.sweep_follow_ups() == 0
    notifier.clock.turn(timedelta(hours=2))
    assert await notifier.sweep_follow_ups() == 1
    [assigned] = await notifier.events(ManagerAssigned)
    assert assigned.manager is None
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [BOXES.desk.email]


@pytest.mark.policy("C-j")
async def test_union_activity_reaches_no_manager_until_the_desk_gives_it_to_one(notifier: Notifier) -> None:
    said = misuse(reporter=TOM, union_activity="unsure")
    case = routed(said.report_id, team="triage_desk", restricted=True)
    await notifier.receive(said)
    await notifier.receive(case)
    assert await notifier.rows(DECIDED) == [("misuse_reported", "nobody_union_activity", False)]
    assert await notifier.scalar("select count(*) from alert") == 0
    await notifier.receive(transferred(case, "triage_desk", "line_manager"))
    [assigned] = await notifier.events(ManagerAssigned)
    assert assigned.manager == GRACE.staff_id
    assert await notifier.scalar("select count(*) from alert where purpose = 'misuse_reported'") == 0


@pytest.mark.policy("C-j")
@pytest.mark.parametrize("team", ["triage_desk", "line_manager"])
async def test_a_case_that_triage_calls_union_activity_reaches_no_manager_whatever_the_report_says(
    notifier: Notifier, team: str
) -> None:
    said = misuse(reporter=TOM)
    await notifier.receive(said)
    await notifier.receive(routed(said.report_id, team=team, category="union_activity"))
    assert await notifier.scalar("select count(*) from alert") == 0
    assert {reason for _, reason, _ in await notifier.rows(DECIDED)} == {"nobody_union_activity"}


async def test_a_route_that_is_published_again_assigns_nobody_again(notifier: Notifier) -> None:
    said = misuse()
    case = routed(said.report_id)
    await notifier.receive(said)
    for _ in range(2):
        await notifier.receive(case)
    assert len(await notifier.events(ManagerAssigned)) == 1


@pytest.mark.policy("C-j")
async def test_whom_exempt_conduct_was_about_is_forgotten(notifier: Notifier) -> None:
    told = misuse(union_activity="yes")
    case = routed(told.report_id, team="triage_desk")
    await notifier.receive(told)
    await notifier.receive(case)
    async with notifier.database.transaction() as session:
        await get_stuck(session, "notifier", told.report_id, "CANARY")
    await notifier.receive(resolved(case, "exempt"))
    assert await notifier.rows("select misuse is null from known_report") == [(True,)]
    async with notifier.database.transaction() as session:
        assert await said(session) == [f"case {told.report_id}"] * 2


@pytest.mark.policy("R-d")
@pytest.mark.parametrize("answer", [Acknowledgement.NOT_MINE, Acknowledgement.CANNOT_ACT])
async def test_a_manager_who_cannot_act_is_followed_by_the_next_one_up(
    notifier: Notifier, answer: Acknowledgement
) -> None:
    said = misuse()
    await notifier.receive(said)
    await notifier.receive(routed(said.report_id))
    for expected in (HELEN.staff_id, MARGARET.staff_id, None):
        alert_id = await _newest(notifier, ReportId(said.report_id))
        async with notifier.database.transaction() as session:
            assert await notifier.acknowledgements.answer(session, alert_id, answer, notifier.clock.now())
        assert (await notifier.events(ManagerAssigned))[-1].manager == expected
        notifier.clock.turn(timedelta(minutes=1))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients.count(BOXES.desk.email) == 1


async def test_a_manager_who_never_answers_is_followed_too_until_the_desk_has_it(notifier: Notifier) -> None:
    said = misuse()
    await notifier.receive(said)
    await notifier.receive(routed(said.report_id))
    for _ in range(4):
        await notifier.deliver_until(notifier.all_settled)
        notifier.clock.turn(timedelta(days=2))
        async with notifier.database.transaction() as session:
            await notifier.acknowledgements.remind_due(session, notifier.clock.now())
            await notifier.acknowledgements.escalate_due(session, notifier.clock.now())
    managers = [event.manager for event in await notifier.events(ManagerAssigned)]
    assert managers == [GRACE.staff_id, HELEN.staff_id, MARGARET.staff_id, None]


async def test_a_case_that_comes_back_is_not_given_to_who_passed_it_on(notifier: Notifier) -> None:
    said = misuse()
    case = routed(said.report_id)
    await notifier.receive(said)
    await notifier.receive(case)
    alert_id = await _newest(notifier, ReportId(said.report_id))
    async with notifier.database.transaction() as session:
        await notifier.acknowledgements.answer(session, alert_id, Acknowledgement.NOT_MINE, notifier.clock.now())
    await notifier.receive(transferred(case, "line_manager", "triage_desk"))
    assert await notifier.scalar("select ended_at is not null from assignment") is True
    await notifier.receive(transferred(case, "triage_desk", "line_manager"))
    assert (await notifier.events(ManagerAssigned))[-1].manager == HELEN.staff_id
    assert await notifier.scalar("select ended_at is null from assignment") is True


@pytest.mark.policy("R-c")
async def test_a_reporter_who_agrees_later_has_their_manager_told_once(notifier: Notifier) -> None:
    said = misuse(reporter=TOM, subject=Subject(name="Somebody Else"), manager_alert="ask_me_first")
    await notifier.receive(said)
    await notifier.receive(routed(said.report_id))
    agreed = added_to(said, manager_alert="yes")
    await notifier.receive(agreed)
    await notifier.receive(agreed)
    reasons = [e.reason for e in await notifier.events(AlertDecided) if e.purpose is AlertPurpose.MISUSE_REPORTED]
    assert reasons == [Why.NOBODY_REPORTER_ASKED_TO_WAIT, Why.REPORTERS_MANAGER]


async def test_a_linked_case_finds_no_manager_by_itself(notifier: Notifier) -> None:
    """S1: a lead opens it, and it never goes to a manager unless a person assigns it to one."""
    said = misuse(abuse_behaviours=["harassment"])
    await notifier.receive(said)
    await notifier.receive(routed(said.report_id, linked=True))
    assert await notifier.events(ManagerAssigned) == []


async def _newest(notifier: Notifier, report_id: ReportId) -> AlertId:
    async with notifier.database.transaction() as session:
        alerts = await alerts_about(session, report_id)
    waiting = [a for a in alerts if a.purpose is AlertPurpose.MISUSE_ASSIGNED and a.answer is None]
    return waiting[-1].alert_id


ASSIGNMENT = "select manager, action, acted_on, ended_at from assignment"


@pytest.mark.policy("R-d", "S3")
@pytest.mark.parametrize("union_activity", ["no", "unsure"])
async def test_a_manager_told_who_reported_abuse_does_not_work_the_misuse_beside_it(
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
async def test_a_manager_affected_by_it_does_not_work_the_misuse_beside_abuse(notifier: Notifier) -> None:
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
    """Let a lead open a misuse case beside abuse, and the triage desk assign it to a manager; return the manager."""
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
