"""GET /alerts/api/v1/alerts."""

from uuid import UUID, uuid4

import pytest

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


@pytest.mark.parametrize(
    ("asks", "role", "sees"),
    [
        (MARGARET, Role.SIRT_RESPONDER, False),
        (MARGARET, Role.SIRT_LEAD, True),
        (PRIYA, Role.SIRT_LEAD, False),
        (DANIEL, Role.SIRT_LEAD, False),
    ],
)
async def test_of_a_restricted_case_only_leads_learn_whom_it_does_not_name(
    notifier: Notifier, web: NotifierWeb, asks: StaffMember, role: Role, sees: bool
) -> None:
    said = misuse(reporter=PRIYA, subject=Subject(name=DANIEL.name))
    await notifier.receive(said)
    await notifier.receive(routed(said.report_id, restricted=True))
    assert bool(await _seen(web, said.report_id, asks, role)) is sees


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
