"""GET /alerts/api/v1/alerts."""

from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from services.notifier.directory.domain import StaffMember
from shared.auth.permissions import Role
from shared.events.intake import Subject
from tests.services.notifier.builders import (
    DANIEL,
    GRACE,
    HELEN,
    MARGARET,
    PRIYA,
    misuse,
    report,
    resolved,
    routed,
    suspect,
    transferred,
)
from tests.services.notifier.environment import Notifier
from tests.services.notifier.web import NotifierWeb

URL = "/alerts/api/v1/alerts"


@pytest.mark.policy("S3")
async def test_a_responder_sees_who_was_told_and_what_became_of_it(notifier: Notifier, web: NotifierWeb) -> None:
    said = report()
    await notifier.receive(said)
    await notifier.deliver_until(notifier.all_settled)
    async with web.client() as client:
        headers = web.bearer(HELEN, Role.SMART_RESPONDER)
        answer = await client.get(URL, params={"report_id": str(said.report_id)}, headers=headers)
    [alert] = answer.json()["items"]
    assert (alert["reason"], alert["state"], alert["channel"]) == ("reporters_manager", "sent", "email")
    assert [line["what"] for line in alert["history"]] == ["created", "alert_sent"]
    for private in (GRACE.name, GRACE.email, GRACE.staff_id, PRIYA.staff_id):
        assert private not in answer.text


@pytest.mark.parametrize(("asks", "sees"), [(GRACE, 1), (HELEN, 0), (PRIYA, 0)])
async def test_others_see_only_what_was_sent_to_them(
    notifier: Notifier, web: NotifierWeb, asks: StaffMember, sees: int
) -> None:
    said = report()
    await notifier.receive(said)
    async with web.client() as client:
        headers = web.bearer(asks, Role.REPORTER)
        answer = await client.get(URL, params={"report_id": str(said.report_id)}, headers=headers)
    assert len(answer.json()["items"]) == sees


@pytest.mark.parametrize(
    ("asks", "role", "sees"),
    [
        (HELEN, Role.SMART_RESPONDER, 1),
        (DANIEL, Role.SMART_RESPONDER, 0),
        (DANIEL, Role.SMART_LEAD, 0),
    ],
)
async def test_a_suspect_learns_of_no_alert(
    notifier: Notifier, web: NotifierWeb, asks: StaffMember, role: Role, sees: int
) -> None:
    said = report(suspected=[suspect(name=DANIEL.name)])
    await notifier.receive(said)
    assert await _seen(web, said.report_id, asks, role) == sees


async def test_alerts_are_read_by_the_team_that_has_the_case_and_by_leads_of_a_restricted_one(
    notifier: Notifier, web: NotifierWeb
) -> None:
    """Every role beside every case; the last two are the reporter, and who it is about."""
    kept, given, desks, open_one = (
        misuse(reporter=PRIYA, subject=Subject(name=DANIEL.name)),
        misuse(),
        misuse(),
        report(),
    )
    taken = routed(given.report_id, team="sirt", restricted=True)
    for said in (kept, given, desks, open_one):
        await notifier.receive(said)
    for event in (
        routed(kept.report_id, team="sirt", restricted=True),
        taken,
        transferred(taken, "sirt", "line_manager"),
        routed(desks.report_id, team="triage_desk", restricted=True),
        routed(open_one.report_id, team="smart"),
    ):
        await notifier.receive(event)
    expected = {
        Role.SMART_RESPONDER: (False, False, False, True),
        Role.SMART_LEAD: (False, False, False, True),
        Role.SIRT_RESPONDER: (False, False, False, False),
        Role.SIRT_LEAD: (True, False, False, False),
        Role.TRIAGE_DESK: (False, True, True, False),
        Role.ADVICE_CENTRE: (False, False, False, False),
        Role.POLICY_STANDARDS: (False, False, False, False),
        Role.OPERATIONS: (False, False, False, False),
    }
    reports = [said.report_id for said in (kept, given, desks, open_one)]
    seen = {role: tuple([bool(await _seen(web, one, MARGARET, role)) for one in reports]) for role in expected}
    assert seen == expected
    for named in (PRIYA, DANIEL):
        assert await _seen(web, kept.report_id, named, Role.SIRT_LEAD) == 0


async def test_of_a_case_of_before_only_an_open_one_is_read(notifier: Notifier, web: NotifierWeb) -> None:
    kept, open_one = misuse(), report()
    cases = [routed(kept.report_id, restricted=True), routed(open_one.report_id, restricted=False)]
    await notifier.receive(kept, open_one, *cases)
    async with notifier.database.transaction() as session:
        await session.execute(text("update known_case set team = null"))
    assert await _seen(web, kept.report_id, MARGARET, Role.SIRT_LEAD) == 0
    assert await _seen(web, open_one.report_id, MARGARET, Role.SIRT_LEAD) > 0
    await notifier.receive(*cases)  # the log is read again from its beginning
    assert await notifier.scalar("select count(*) from known_case where team is null") == 0


@pytest.mark.policy("C-j")
@pytest.mark.parametrize("asks", [DANIEL, MARGARET])
async def test_of_what_was_exempt_nobody_learns_once_whom_it_was_about_is_erased(
    notifier: Notifier, web: NotifierWeb, asks: StaffMember
) -> None:
    said = misuse(reporter=PRIYA, subject=Subject(name=DANIEL.name), union_activity="unsure")
    case = routed(said.report_id, team="triage_desk", category="union_activity", restricted=True)
    await notifier.receive(said)
    await notifier.receive(case)
    await notifier.receive(resolved(case, "exempt"))
    assert await notifier.scalar("select count(*) from alert") == 1
    assert await _seen(web, said.report_id, asks, Role.TRIAGE_DESK) == 0


async def _seen(web: NotifierWeb, report_id: UUID, asks: StaffMember, role: Role) -> int:
    async with web.client() as client:
        answer = await client.get(URL, params={"report_id": str(report_id)}, headers=web.bearer(asks, role))
    return len(answer.json()["items"])


async def test_bad_questions_are_refused(web: NotifierWeb) -> None:
    async with web.client() as client:
        headers = web.bearer(HELEN, Role.SMART_RESPONDER)
        assert (await client.get(URL, params={"report_id": str(uuid4())})).status_code == 401
        assert (await client.get(URL, headers=headers)).status_code == 422
        assert (await client.get(URL, params={"report_id": "CANARY"}, headers=headers)).status_code == 422
        assert "CANARY" not in (await client.get(URL, params={"report_id": "CANARY"}, headers=headers)).text
        unknown = await client.get(URL, params={"report_id": str(uuid4())}, headers=headers)
        assert unknown.json() == {"items": []}
