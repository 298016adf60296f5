"""GET /alerts/api/v1/alerts."""

from uuid import uuid4

import pytest

from services.notifier.directory.domain import StaffMember
from shared.auth.permissions import Role
from tests.services.notifier.building import GRACE, HELEN, PRIYA, report
from tests.services.notifier.notifying import Notifier
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


async def test_bad_questions_are_refused(web: NotifierWeb) -> None:
    async with web.client() as client:
        headers = web.bearer(HELEN, Role.SMART_RESPONDER)
        assert (await client.get(URL, params={"report_id": str(uuid4())})).status_code == 401
        assert (await client.get(URL, headers=headers)).status_code == 422
        assert (await client.get(URL, params={"report_id": "CANARY"}, headers=headers)).status_code == 422
        assert "CANARY" not in (await client.get(URL, params={"report_id": "CANARY"}, headers=headers)).text
        unknown = await client.get(URL, params={"report_id": str(uuid4())}, headers=headers)
        assert unknown.json() == {"items": []}
