"""A manager works a misuse case, and records their own findings."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest

from services.notifier.directory.domain import StaffMember
from services.notifier.misuse.handlers import ActionTaken, NotAssignedToThem, record_action, refer_to_sirt
from shared.events.notifier import ManagerActionRecorded, SirtReferralRequested
from shared.events.triage import CaseRouted
from shared.events.vocabulary import ManagerAction
from shared.ids import CaseId, StaffId
from tests.services.notifier.builders import (
    DANIEL,
    GRACE,
    HELEN,
    LUCA,
    NOW,
    PRIYA,
    REFERENCE,
    TOM,
    misuse,
    report,
    resolved,
    routed,
)
from tests.services.notifier.environment import Notifier
from tests.services.notifier.web import NotifierWeb
from tests.support.web import csrf_token

PAGE = "/alerts/my-team"
DONE = {"action": "advice_given", "acted_on-day": "20", "acted_on-month": "11", "acted_on-year": "2026"}
FOUND = {
    "person": TOM.staff_id,
    "category": "mixed_account",
    "found_on-day": "23",
    "found_on-month": "11",
    "found_on-year": "2026",
}


@pytest.fixture
async def case(notifier: Notifier) -> CaseRouted:
    """Luca reports Priya; Grace, who manages her, works it."""
    said = misuse()
    case = routed(said.report_id)
    await notifier.receive(said)
    await notifier.receive(case)
    return case


@pytest.mark.policy("R-d", "R-b")
async def test_a_manager_reads_acts_and_records_the_kind_and_the_day(
    notifier: Notifier, web: NotifierWeb, case: CaseRouted
) -> None:
    async with web.client(GRACE) as client:
        before = await client.get(PAGE)
        sent = await _post(client, f"{PAGE}/cases/{case.case_id}/action", DONE)
        again = await _post(client, f"{PAGE}/cases/{case.case_id}/action", DONE)
        after = await client.get(PAGE)
    assert f'href="/cases/for-manager/{REFERENCE}"' in before.text
    assert LUCA.name not in before.text
    assert (sent.status_code, sent.headers["location"]) == (303, PAGE)
    assert again.status_code == 409
    assert "This was done before" in again.text
    assert "I gave advice" in after.text
    assert "20 November 2026" in after.text
    [fact] = await notifier.events(ManagerActionRecorded)
    assert (fact.case_id, fact.manager, fact.action) == (case.case_id, GRACE.staff_id, "advice_given")
    assert await notifier.rows("select answer from alert where purpose = 'misuse_assigned'") == [("confirmed",)]


async def test_the_oldest_case_stands_first_with_its_age(notifier: Notifier, web: NotifierWeb) -> None:
    for _ in range(3):
        said = misuse()
        await notifier.receive(said)
        await notifier.receive(routed(said.report_id))
        notifier.clock.turn(timedelta(days=1))
    async with web.client(GRACE) as client:
        page = (await client.get(PAGE)).text
    assert re.findall(r"You received it (\d day)", page) == ["3 day", "2 day", "1 day"]


@pytest.mark.policy("R-c")
async def test_a_manager_refers_a_case_to_sirt_once_and_keeps_it(
    notifier: Notifier, web: NotifierWeb, case: CaseRouted
) -> None:
    path = f"{PAGE}/cases/{case.case_id}/refer"
    async with web.client(GRACE) as client:
        asked = await client.get(path)
        sent = await _post(client, path, {})
        again = await _post(client, path, {})
        after = await client.get(PAGE)
    assert "Refer this case to SIRT?" in asked.text
    assert (sent.status_code, again.status_code) == (303, 409)
    assert "Record what you did" in after.text
    assert "You referred it" in after.text
    assert [fact.manager for fact in await notifier.events(SirtReferralRequested)] == [GRACE.staff_id]


async def test_a_case_has_one_main_thing_to_do_and_acknowledging_it_comes_first(
    notifier: Notifier, web: NotifierWeb, case: CaseRouted
) -> None:
    [(alert_id,)] = await notifier.rows("select alert_id from alert where purpose = 'misuse_assigned'")
    async with web.client(GRACE) as client:
        before = _buttons(await client.get(PAGE))
        await _post(client, f"{PAGE}/{alert_id}", {"answer": "confirmed"})
        after = _buttons(await client.get(PAGE))
    assert before == [
        ("I have seen this and will act", True),
        ("This is not for me", False),
        ("I cannot act on this", False),
        ("Record what you did", False),
        ("Refer to SIRT", False),
    ]
    assert after == [("Record what you did", True), ("Refer to SIRT", False)]


async def test_a_manager_whom_the_sign_in_spells_otherwise_than_the_directory_works_their_case(
    notifier: Notifier, web: NotifierWeb, case: CaseRouted
) -> None:
    async with web.client(replace(GRACE, staff_id=StaffId(GRACE.staff_id.lower()))) as client:
        page = await client.get(PAGE)
        told = await client.get("/alerts/api/v1/alerts", params={"report_id": str(case.report_id)})
        read = await _post(client, "/alerts/awareness", {"read": "policy"})
        sent = await _post(client, f"{PAGE}/cases/{case.case_id}/action", DONE)
        await _post(client, f"{PAGE}/findings/new", FOUND)
        after = await client.get(PAGE)
    assert "A misuse case to work" in page.text
    assert [alert["reference"] for alert in told.json()["items"]] == [REFERENCE]
    assert (read.status_code, sent.status_code) == (303, 303)
    assert TOM.name in after.text
    for who in ("manager from assignment", "manager from finding", "staff_id from acknowledged_document"):
        assert await notifier.rows(f"select {who}") == [(GRACE.staff_id,)]


@pytest.mark.parametrize("stranger", [HELEN, PRIYA, LUCA])
@pytest.mark.parametrize("what", ["action", "refer"])
async def test_a_case_is_unknown_to_everyone_but_its_manager(
    notifier: Notifier, web: NotifierWeb, case: CaseRouted, stranger: StaffMember, what: str
) -> None:
    path = f"{PAGE}/cases/{case.case_id}/{what}"
    async with web.client(stranger) as client:
        seen = await client.get(path)
        sent = await _post(client, path, DONE)
        page = await client.get(PAGE)
    assert (seen.status_code, sent.status_code) == (404, 404)
    assert "A misuse case to work" not in page.text
    assert await notifier.events(ManagerActionRecorded) == []


async def test_a_case_that_is_finished_elsewhere_takes_no_action(
    notifier: Notifier, web: NotifierWeb, case: CaseRouted
) -> None:
    await notifier.receive(resolved(case, "withdrawn"))
    async with web.client(GRACE) as client:
        asked = await client.get(f"{PAGE}/cases/{case.case_id}/action")
        sent = await _post(client, f"{PAGE}/cases/{case.case_id}/action", DONE)
    assert (asked.status_code, sent.status_code) == (409, 409)
    assert "with another team. Nothing was changed" in asked.text
    assert await notifier.events(ManagerActionRecorded) == []


@pytest.mark.parametrize("use_case", [record_action, refer_to_sirt])
async def test_the_use_case_itself_believes_no_page_about_whose_case_it_is(
    notifier: Notifier, case: CaseRouted, use_case: Callable[..., Awaitable[object]]
) -> None:
    """Between the page and the click the case may have gone to another manager."""
    done = (ActionTaken(ManagerAction.NO_BREACH, NOW.date()),) if use_case is record_action else ()
    async with notifier.database.transaction() as session:
        with pytest.raises(NotAssignedToThem):
            await use_case(session, CaseId(case.case_id), HELEN.staff_id, *done, NOW, outbox=notifier.outbox)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"action": ""}, "Choose what you did"),
        ({"action": "made_up"}, "Choose what you did"),
        ({"acted_on-day": "24"}, "must be today or in the past"),
        ({"acted_on-day": "31"}, "The day on which you did it must be a real date"),
        ({"acted_on-day": "\u0662"}, "must be a real date"),
        ({"acted_on-year": "26"}, "with all four digits"),
        ({"acted_on-year": "9" * 40}, "must be a real date"),
        ({"acted_on-month": "a\x00"}, "must be a real date"),
    ],
)
async def test_what_cannot_be_recorded_is_asked_for_again(
    notifier: Notifier, web: NotifierWeb, case: CaseRouted, changed: dict[str, str], message: str
) -> None:
    async with web.client(GRACE) as client:
        answer = await _post(client, f"{PAGE}/cases/{case.case_id}/action", DONE | changed)
    assert answer.status_code == 422
    assert message in answer.text
    assert "There is a problem" in answer.text
    assert await notifier.events(ManagerActionRecorded) == []


@pytest.mark.parametrize("path", ["cases/{case_id}/action", "findings/new", "{alert_id}"])
async def test_text_that_cannot_be_read_gives_the_form_back(
    notifier: Notifier, web: NotifierWeb, case: CaseRouted, path: str
) -> None:
    [alert] = await notifier.rows("select alert_id from alert where purpose = 'misuse_assigned'")
    async with web.client(GRACE) as client:
        token = csrf_token((await client.get(f"{PAGE}/findings/new")).text)
        answer = await client.post(
            f"{PAGE}/{path.format(case_id=case.case_id, alert_id=alert[0])}",
            content=f"csrftoken={token}&answer=%ff&action=%ff&category=%c3%28".encode(),
            headers={"content-type": "application/x-www-form-urlencoded"},
        )
    assert answer.status_code == 422
    assert "There is a problem" in answer.text


@pytest.mark.policy("R-d")
async def test_a_manager_records_what_they_found_without_a_report_and_nobody_is_told(
    notifier: Notifier, web: NotifierWeb
) -> None:
    async with web.client(GRACE) as client:
        form = await client.get(f"{PAGE}/findings/new")
        sent = await _post(client, f"{PAGE}/findings/new", FOUND)
        page = await client.get(PAGE)
    assert PRIYA.name in form.text
    assert DANIEL.name not in form.text
    assert sent.status_code == 303
    assert "Mixed work and private content in one account" in page.text
    assert TOM.name in page.text
    assert await notifier.event_types() == []
    async with web.client(HELEN) as client:
        assert TOM.name not in (await client.get(PAGE)).text


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"person": DANIEL.staff_id}, "Choose who it is about"),
        ({"person": ""}, "Choose who it is about"),
        ({"category": "x"}, "Choose what you found"),
        ({"found_on-day": "24"}, "must be today or in the past"),
    ],
)
async def test_a_finding_is_about_one_of_their_people_and_not_in_the_future(
    notifier: Notifier, web: NotifierWeb, changed: dict[str, str], message: str
) -> None:
    async with web.client(GRACE) as client:
        answer = await _post(client, f"{PAGE}/findings/new", FOUND | changed)
    assert answer.status_code == 422
    assert message in answer.text
    assert await notifier.scalar("select count(*) from finding") == 0


async def test_who_manages_nobody_is_told_so(web: NotifierWeb) -> None:
    async with web.client(LUCA) as client:
        page = await client.get(f"{PAGE}/findings/new")
    assert "You do not manage anyone" in page.text


async def test_a_long_list_goes_on_on_the_next_page(notifier: Notifier, web: NotifierWeb) -> None:
    await notifier.receive(*(report() for _ in range(45)))
    shown: list[int] = []
    async with web.client(GRACE) as client:
        address = PAGE
        while address:
            page = (await client.get(address)).text
            shown.append(page.count("Social media abuse, SP-"))
            _, found, rest = page.partition(f'href="{PAGE}?waiting_after=')
            address = f"{PAGE}?waiting_after={rest.split(chr(34), 1)[0]}" if found else ""
    assert shown == [20, 20, 5]


async def test_another_persons_place_in_a_list_shows_nothing_of_it(notifier: Notifier, web: NotifierWeb) -> None:
    await notifier.receive(report())
    [alert_id] = await notifier.alert_ids()
    async with web.client(HELEN) as client:
        page = await client.get(PAGE, params={"waiting_after": str(alert_id)})
    assert page.status_code == 200
    assert REFERENCE not in page.text


async def _post(client: httpx.AsyncClient, path: str, fields: dict[str, str]) -> httpx.Response:
    token = csrf_token((await client.get(f"{PAGE}/findings/new")).text) if "csrftoken" not in client.cookies else None
    return await client.post(path, data={"csrftoken": token or client.cookies["csrftoken"], **fields})


def _buttons(page: httpx.Response) -> list[tuple[str, bool]]:
    """Return the labels of the only card's buttons, in order, and whether each is the main one."""
    [card] = page.text.split('<div class="govuk-summary-card signpost-compact">')[1:]
    found = re.findall(r'class="govuk-button( govuk-button--secondary)?"[^>]*>\s*([^<]+?)\s*<', card)
    return [(words, not secondary) for secondary, words in found]
