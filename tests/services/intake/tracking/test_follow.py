"""Following a report: who may, and what they see."""

import re
from collections.abc import Sequence
from datetime import timedelta
from itertools import permutations
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient

from services.intake.consumer import handlers
from services.intake.reports.access import WRONG_FROM_EVERYWHERE_PER_MINUTE, WRONG_PER_MINUTE, WrongCodeLimit
from services.intake.reports.tables import ReportRow
from shared.events.envelope import Envelope, Event
from shared.events.notifier import AlertAcknowledged, AlertDecided, AlertSent
from shared.events.triage import CaseAssigned, CaseClaimed, CaseOpened, CaseResolved, CaseTransferred
from shared.events.vocabulary import (
    Acknowledgement,
    AlertPurpose,
    Outcome,
    Priority,
    RecipientReason,
    ReportType,
    Team,
)
from shared.ids import RandomIds
from shared.messaging.outbox import Outbox
from tests.services.intake.conftest import START, Intake, small_body
from tests.services.intake.forms.browser import fill_abuse, post, send_abuse
from tests.services.intake.reports.bodies import KINDS
from tests.services.intake.reports.test_api import ADDRESS

STATUS = "/report/api/v1/reports"
HANDLERS = handlers(Outbox("intake", RandomIds()))


async def tell(intake: Intake, *events: tuple[int, Event]) -> None:
    """Let intake's consumer read `events`, each with its sequence."""
    for sequence, data in events:
        envelope = Envelope(str(uuid4()), "/signpost/any", "s", sequence, START, data)
        async with intake.database.transaction() as session:
            await HANDLERS[type(data)](session, [envelope], START)


def case_events(report_id: UUID) -> list[tuple[int, Event]]:
    """Return a case from opening to resolution."""
    case_id, reference = uuid4(), "SP-0000-0000"
    opened = CaseOpened(
        case_id=case_id,
        report_id=report_id,
        reference=reference,
        at=START,
        report_type=ReportType.ABUSE,
        team=Team.SMART,
        priority=Priority.P2,
    )
    claimed = CaseClaimed(
        case_id=case_id, report_id=report_id, reference=reference, at=START + timedelta(minutes=5), team=Team.SMART
    )
    resolved = CaseResolved(
        case_id=case_id,
        report_id=report_id,
        reference=reference,
        at=START + timedelta(minutes=9),
        team=Team.SMART,
        outcome=Outcome.REMOVED_BY_PLATFORM,
    )
    return [(1, opened), (2, claimed), (3, resolved)]


def alert_events(report_id: UUID) -> list[tuple[int, Event]]:
    """Return an alert from decision to acknowledgement."""
    alert_id, soon, later = uuid4(), START + timedelta(seconds=1), START + timedelta(hours=1)
    decided = AlertDecided(
        alert_id=alert_id,
        report_id=report_id,
        at=START,
        purpose=AlertPurpose.ABUSE_REPORTED,
        reason=RecipientReason.REPORTERS_MANAGER,
        anybody=True,
    )
    sent = AlertSent(alert_id=alert_id, report_id=report_id, at=soon, channel="smtp", attempt=1)
    answer = Acknowledgement.CONFIRMED
    return [
        (1, decided),
        (2, sent),
        (3, AlertAcknowledged(alert_id=alert_id, report_id=report_id, at=later, answer=answer)),
    ]


async def reported(client: AsyncClient, headers: dict[str, str] | None = None, **answers: object) -> dict[str, str]:
    answer = await client.post(ADDRESS, json=small_body(**answers), headers=headers or {})
    assert answer.status_code == 201
    return dict(answer.json())


async def test_the_four_steps_and_the_manager_follow_what_happens(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    report_id = UUID(report["report_id"])
    address, token = f"{STATUS}/{report['reference']}", intake.token()

    async def where() -> tuple[str, str]:
        body = (await client.get(address, headers=token)).json()
        return body["status"], body["manager"]["state"]

    assert await where() == ("received", "pending")
    seen = []
    for case, alert in zip(case_events(report_id), alert_events(report_id), strict=True):
        await tell(intake, case, alert)
        seen.append(await where())
    assert seen == [("with_team", "being_told"), ("being_worked_on", "told"), ("finished", "acknowledged")]


@pytest.mark.policy("S3")
async def test_the_page_says_since_when_smart_has_it_and_that_the_manager_knows(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        report = await reported(client, intake.token())
        await tell(intake, *case_events(UUID(report["report_id"]))[:1], *alert_events(UUID(report["report_id"])))
        page = await client.get(f"/report/track/{report['reference']}")
        assert page.status_code == 200
        assert "With the Social Media Abuse Response Team (SMART)" in page.text
        assert re.search(r"since\s+<time[^>]*>23 November 2026 at 10:42am", page.text)
        assert "Your manager has been told and has confirmed it." in page.text
        asked = (await client.post(KINDS["enquiry"].address, json=KINDS["enquiry"].body, headers=intake.token())).json()
        listed = (await client.get("/report/track")).text
    kinds = dict(re.findall(r'">(SP-[^<]+)</a></th>\s*<td[^>]*>([^<]+)</td>', listed))
    assert kinds == {report["reference"]: "Abuse", asked["reference"]: "Question"}


async def test_the_newest_event_wins_in_whatever_order_they_come(intake: Intake, client: AsyncClient) -> None:
    token = intake.token()
    answers = []
    for order in permutations(range(3)):
        report = await reported(client, token)
        cases, alerts = case_events(UUID(report["report_id"])), alert_events(UUID(report["report_id"]))
        for _again in range(2):
            await tell(intake, *(cases[place] for place in order), *(alerts[place] for place in order))
        body = (await client.get(f"{STATUS}/{report['reference']}", headers=token)).json()
        answers.append((body["status"], body["steps"][1]["at"], body["manager"]["state"], body["manager"]["text"]))
    assert len(set(answers)) == 1
    assert answers[0] == (
        "finished",
        "2026-11-23T10:42:00Z",
        "acknowledged",
        "Your manager has been told and has confirmed it.",
    )


async def test_a_transfer_shows_the_new_team_and_since_when(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    opened = case_events(UUID(report["report_id"]))[0][1]
    assert isinstance(opened, CaseOpened)
    moved = CaseTransferred(
        case_id=opened.case_id,
        report_id=opened.report_id,
        reference=opened.reference,
        at=START + timedelta(minutes=3),
        from_team=Team.SMART,
        to_team=Team.TRIAGE_DESK,
    )
    await tell(intake, (1, opened), (2, moved))
    body = (await client.get(f"{STATUS}/{report['reference']}", headers=intake.token())).json()
    assert (body["team"], body["steps"][1]["at"]) == ("triage_desk", "2026-11-23T10:45:00Z")
    given = CaseAssigned(
        case_id=opened.case_id,
        report_id=opened.report_id,
        reference=opened.reference,
        at=START + timedelta(minutes=4),
        team=Team.TRIAGE_DESK,
        priority=Priority.P2,
        assignee="S6001",
    )
    await tell(intake, (3, given))
    body = (await client.get(f"{STATUS}/{report['reference']}", headers=intake.token())).json()
    assert (body["team"], body["status"]) == ("triage_desk", "being_worked_on")


async def test_the_code_opens_the_report_and_nothing_else_does(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client)
    address = f"{STATUS}/{report['reference']}"
    code = report["receipt_code"]
    assert (await client.get(address, headers={"receipt-code": code})).status_code == 200
    assert (await client.get(address, headers={"receipt-code": code.lower().replace("-", " ")})).status_code == 200
    answers = [
        await client.get(address),
        await client.get(address, headers={"receipt-code": "0000-0000-0000-0000-0000"}),
        await client.get(address, headers={"receipt-code": ""}),
        await client.get(address, headers=intake.token()),
        await client.get(f"{STATUS}/SP-0000-0000", headers={"receipt-code": code}),
        await client.get(f"{STATUS}/nonsense", headers={"receipt-code": code}),
    ]
    assert {answer.status_code for answer in answers} == {404}
    bodies = [{name: value for name, value in answer.json().items() if name != "trace_id"} for answer in answers]
    assert all(body == bodies[0] for body in bodies)


async def test_only_the_reporter_sees_a_named_report(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token(subject="S1001"))
    address = f"{STATUS}/{report['reference']}"
    assert (await client.get(address, headers=intake.token(subject="S1001"))).status_code == 200
    assert (await client.get(address, headers=intake.token(subject="S1002"))).status_code == 404
    async with intake.client(**intake.session("S1002")) as other:
        page = await other.get(f"/report/track/{report['reference']}")
        unknown = await other.get("/report/track/SP-0000-0000")
    assert (page.status_code, unknown.status_code) == (404, 404)
    assert _without_what_was_asked(page.text) == _without_what_was_asked(unknown.text)


async def test_wrong_codes_are_limited_and_right_ones_are_not(client: AsyncClient) -> None:
    report = await reported(client)
    address = f"{STATUS}/{report['reference']}"
    for _ in range(WRONG_PER_MINUTE + 5):
        assert (await client.get(address, headers={"receipt-code": report["receipt_code"]})).status_code == 200
    wrong = [(await client.get(address, headers={"receipt-code": "0"})).status_code for _ in range(WRONG_PER_MINUTE)]
    assert set(wrong) == {404}
    for spelling in (address, f"{address.lower()}-2"):
        refused = await client.get(spelling, headers={"receipt-code": "0", "x-forwarded-for": "203.0.113.9"})
        assert (refused.status_code, refused.json()["type"]) == (429, "urn:signpost:problem:too-many-attempts")
        assert 1 <= int(refused.headers["retry-after"]) <= 60
    page = await post(client, "/report/track", {"reference": report["reference"], "receipt_code": "0"})
    assert page.status_code == 429
    assert 1 <= int(page.headers["retry-after"]) <= 60


async def test_wrong_codes_for_one_report_close_no_other(client: AsyncClient) -> None:
    attacked, other = await reported(client), await reported(client)
    for _ in range(WRONG_PER_MINUTE + 1):
        await client.get(f"{STATUS}/{attacked['reference']}", headers={"receipt-code": "0"})
    right = {"receipt-code": other["receipt_code"]}
    assert (await client.get(f"{STATUS}/{other['reference']}", headers=right)).status_code == 200
    unknown = await client.get(f"{STATUS}/SP-0000-0000", headers={"receipt-code": "0"})
    assert unknown.status_code == 404


def test_many_addresses_are_no_way_round_the_limit() -> None:
    attempts = WrongCodeLimit()
    for number in range(WRONG_FROM_EVERYWHERE_PER_MINUTE):
        assert attempts.wait(f"client {number}", "SP-0000-0000") == 0
        attempts.failed(f"client {number}", "SP-0000-0000")
    assert 1 <= attempts.wait("yet another", "SP-0000-0000") <= 60
    assert attempts.wait("client 1", "SP-1111-1111") == 0


async def test_an_anonymous_reporter_follows_with_reference_and_code(intake: Intake) -> None:
    async with intake.client() as client:
        await fill_abuse(client)
        page = (await send_abuse(client)).text
        reference = re.search(r"SP-\w{4}-\w{4}", page)
        code = re.search(r'id="receipt-code">([^<]+)<', page)
        assert reference
        assert code
        assert (await client.get(f"/report/track/{reference[0]}")).status_code == 200
    async with intake.client() as elsewhere:
        assert (await elsewhere.get(f"/report/track/{reference[0]}")).status_code == 404
        answers = {"reference": reference[0].lower(), "receipt_code": code[1]}
        shown = await post(elsewhere, "/report/track", answers)
        assert shown.status_code == 303
        assert code[1] not in str(shown.headers)
        status = await elsewhere.get(shown.headers["location"])
        assert reference[0] in status.text
        assert status.headers["cache-control"] == "no-store"
        intake.clock.move(timedelta(minutes=30))
        assert (await elsewhere.get(shown.headers["location"])).status_code == 404


@pytest.mark.parametrize(
    ("answers", "status", "fields"),
    [
        ({}, 422, ["reference", "receipt_code"]),
        ({"reference": "SP-0000-0000", "receipt_code": "0"}, 404, ["reference"]),
        ({"reference": "nonsense", "receipt_code": "0"}, 404, ["reference"]),
    ],
)
async def test_a_wrong_answer_comes_back_with_the_reference_and_never_the_code(
    client: AsyncClient, answers: dict[str, object], status: int, fields: Sequence[str]
) -> None:
    page = await post(client, "/report/track", answers)
    assert page.status_code == status
    assert all(f'href="#{field}"' in page.text for field in fields)
    assert str(answers.get("reference", "")) in page.text


async def test_a_code_in_broken_utf8_comes_back_with_the_reference(client: AsyncClient) -> None:
    token = re.search(r'name="csrftoken" value="([^"]+)"', (await client.get("/report/track")).text)
    assert token
    body = f"reference=SP-0000-0000&receipt_code=%ff&csrftoken={token[1]}".encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    page = await client.post("/report/track", content=body, headers=kind)
    assert page.status_code == 422
    assert 'href="#receipt_code"' in page.text
    assert 'value="SP-0000-0000"' in page.text


async def test_a_report_that_no_team_has_after_a_minute_says_so(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    intake.clock.move(timedelta(seconds=61))
    body = (await client.get(f"{STATUS}/{report['reference']}", headers=intake.token())).json()
    assert body["slow"]


def test_a_code_is_disposed_of_with_its_report() -> None:
    marks = {name: column.info.get("retention") for name, column in ReportRow.__table__.columns.items()}
    assert marks["receipt_hash"] == marks["narrative"] == "report"


async def test_a_code_still_opens_its_report_after_a_year(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client)
    intake.clock.move(timedelta(days=365))
    right = {"receipt-code": report["receipt_code"]}
    assert (await client.get(f"{STATUS}/{report['reference']}", headers=right)).status_code == 200


def _without_what_was_asked(page: str) -> str:
    page = re.sub(r'value="[^"]*"', "", page)
    return re.sub(r"SP-\w{4}-\w{4}", "", page)
