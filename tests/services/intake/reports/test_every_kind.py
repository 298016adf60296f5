"""POST /report/api/v1/… for reports other than abuse: taken once, kept, published, and only with a sign-in."""

from datetime import UTC, datetime
from unittest.mock import AsyncMock

import orjson
import pytest
from httpx import AsyncClient
from sqlalchemy import text

from services.intake.ledger.tables import LedgerRow
from services.intake.reports.kinds import submitted
from services.intake.reports.queries import lock_report
from shared.auth.permissions import Role
from shared.events.intake import MisuseReportSubmitted, SecurityIncidentSubmitted
from shared.events.vocabulary import EnquiryTopic, MisuseBehaviour
from shared.ids import Reference
from tests.services.intake.conftest import START, Intake
from tests.services.intake.reports.bodies import EXCEPTION, INCIDENT, KINDS, MISUSE, Kind
from tests.services.intake.reports.test_api import how_many, the_report


async def the_event(intake: Intake, kind: Kind) -> object:
    async with intake.database.transaction() as session:
        row = (await session.execute(text("select type, topic, value from outbox order by id desc limit 1"))).one()
    assert (row.type, (row.topic,)) == (kind.event.TYPE, kind.event.TOPICS)
    return kind.event.model_validate_json(row.value)


@pytest.mark.policy("C-c", "C-e", "R-c", "X1", "X3")
@pytest.mark.parametrize("name", sorted(KINDS))
async def test_the_small_body_becomes_a_report_a_ledger_row_and_an_event(
    intake: Intake, client: AsyncClient, name: str
) -> None:
    kind = KINDS[name]
    answer = await client.post(kind.address, json=kind.body, headers=intake.token())
    assert answer.status_code == 201, answer.text
    assert "receipt_code" not in answer.json()
    assert answer.headers["location"].endswith(f"/report/track/{answer.json()['reference']}")
    assert await how_many(intake) == (1, 1, 1)
    report = await the_report(intake)
    assert (report.report_type, report.reporter_staff_id) == (name, "S1001")
    event = await the_event(intake, kind)
    assert getattr(event, "narrative") == kind.body["narrative"]  # noqa: B009 - any event of a report
    async with intake.database.transaction() as session:
        assert (await session.get_one(LedgerRow, report.id)).report_type == name


@pytest.mark.parametrize("name", sorted(KINDS))
async def test_what_is_stored_tells_the_same_event_again(intake: Intake, client: AsyncClient, name: str) -> None:
    kind = KINDS[name]
    await client.post(kind.address, json=kind.body, headers=intake.token())
    report = await the_report(intake)
    async with intake.database.transaction() as session:
        stored = await lock_report(session, report.id)
        again = submitted(report.id, Reference(report.reference), stored.report, START)
    assert again == await the_event(intake, kind)


@pytest.mark.parametrize("name", sorted(KINDS))
async def test_it_is_made_in_somebodys_name_or_not_at_all(intake: Intake, client: AsyncClient, name: str) -> None:
    kind = KINDS[name]
    for headers in ({}, {"authorization": "Bearer not.a.token"}):
        assert (await client.post(kind.address, json=kind.body, headers=headers)).status_code == 401
    assert await how_many(intake) == (0, 0, 0)


@pytest.mark.parametrize("name", sorted(KINDS))
async def test_the_same_key_and_body_is_one_report(intake: Intake, client: AsyncClient, name: str) -> None:
    kind = KINDS[name]
    headers = intake.token() | {"idempotency-key": "k"}
    first, second = [(await client.post(kind.address, json=kind.body, headers=headers)).json() for _ in range(2)]
    assert first == second
    other = {**kind.body, "narrative": "Something else"}
    assert (await client.post(kind.address, json=other, headers=headers)).status_code == 422
    assert await how_many(intake) == (1, 1, 1)


async def test_a_key_of_one_address_is_not_answered_at_another(intake: Intake, client: AsyncClient) -> None:
    headers = intake.token() | {"idempotency-key": "k"}
    body = {"narrative": "The same words"}
    assert (await client.post(KINDS["enquiry"].address, json=body, headers=headers)).status_code == 201
    both = body | {"kind": "notice"}
    assert (await client.post(EXCEPTION.address, json=both, headers=headers)).status_code == 422


@pytest.mark.parametrize("name", sorted(KINDS))
async def test_a_report_whose_event_cannot_be_kept_is_not_kept(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(intake.app.state.parts.outbox, "begin", AsyncMock(side_effect=ConnectionError))
    kind = KINDS[name]
    assert (await client.post(kind.address, json=kind.body, headers=intake.token())).status_code == 503
    assert await how_many(intake) == (0, 0, 0)


@pytest.mark.policy("C-h")
@pytest.mark.parametrize("name", ["misuse", "security_incident"])
async def test_only_monitoring_may_say_that_monitoring_found_it(intake: Intake, client: AsyncClient, name: str) -> None:
    kind = KINDS[name]
    body = {**kind.body, "found_by": "monitoring"}
    for role in (Role.REPORTER, Role.SIRT_LEAD, Role.ADMINISTRATOR):
        assert (await client.post(kind.address, json=body, headers=intake.token(role))).status_code == 403
    assert (await client.post(kind.address, json=body, headers=intake.token(Role.MONITORING))).status_code == 201
    assert (await the_report(intake)).manager_alert == "no"


@pytest.mark.policy("C-c")
@pytest.mark.parametrize(("role", "channel"), [(Role.REPORTER, "staff"), (Role.SUPPLIER, "supplier")])
async def test_a_supplier_has_a_channel_of_its_own(
    intake: Intake, client: AsyncClient, role: Role, channel: str
) -> None:
    assert (await client.post(INCIDENT.address, json=INCIDENT.body, headers=intake.token(role))).status_code == 201
    event = await the_event(intake, INCIDENT)
    assert isinstance(event, SecurityIncidentSubmitted)
    assert event.channel == channel


@pytest.mark.policy("S3", "C-c")
async def test_abuse_through_the_security_form_is_taken(intake: Intake, client: AsyncClient) -> None:
    body = {
        **INCIDENT.body,
        "behaviours": ["threat"],
        "affected": [{"relation": "self"}],
        "platform": "x",
        "manager_email": "line.manager@example.org",
        "account": {"platform": "x", "handle": "@some_account", "taken_over": "yes"},
    }
    assert (await client.post(INCIDENT.address, json=body, headers=intake.token())).status_code == 201
    event = await the_event(intake, INCIDENT)
    assert isinstance(event, SecurityIncidentSubmitted)
    assert event.says_abuse
    assert event.account is not None
    assert (event.account.taken_over, event.manager_email) == ("yes", "line.manager@example.org")


@pytest.mark.policy("S9", "S4", "C-f")
async def test_every_kind_of_misuse_can_be_reported(intake: Intake, client: AsyncClient) -> None:
    for behaviour in MisuseBehaviour:
        body = {**MISUSE.body, "behaviours": [behaviour]}
        assert (await client.post(MISUSE.address, json=body, headers=intake.token())).status_code == 201, behaviour


@pytest.mark.policy("C-i", "C-c")
async def test_a_failure_to_report_is_tied_to_its_incident(intake: Intake, client: AsyncClient) -> None:
    incident = (await client.post(INCIDENT.address, json=INCIDENT.body, headers=intake.token())).json()
    typed = incident["reference"].lower().replace("-", " ")
    body = {**MISUSE.body, "behaviours": ["failure_to_report"], "related_reference": typed}
    assert (await client.post(MISUSE.address, json=body, headers=intake.token())).status_code == 201
    event = await the_event(intake, MISUSE)
    assert isinstance(event, MisuseReportSubmitted)
    assert event.related_reference == incident["reference"]


@pytest.mark.policy("C-j")
async def test_what_nobody_said_about_union_activity_is_unsure(intake: Intake, client: AsyncClient) -> None:
    body = {name: value for name, value in MISUSE.body.items() if name != "union_activity"}
    await client.post(MISUSE.address, json=body, headers=intake.token())
    event = await the_event(intake, MISUSE)
    assert isinstance(event, MisuseReportSubmitted)
    assert event.union_activity == "unsure"


@pytest.mark.policy("X1")
async def test_every_topic_can_be_asked_about(intake: Intake, client: AsyncClient) -> None:
    for topic in EnquiryTopic:
        body = {"about": topic, "narrative": "What is right?"}
        assert (await client.post(KINDS["enquiry"].address, json=body, headers=intake.token())).status_code == 201


@pytest.mark.policy("C-e")
async def test_a_notice_needs_no_business_case(intake: Intake, client: AsyncClient) -> None:
    body = {"kind": "notice", "narrative": "A team shares one sign-in"}
    assert (await client.post(EXCEPTION.address, json=body, headers=intake.token())).status_code == 201


@pytest.mark.policy("S3")
async def test_abuse_by_the_security_form_needs_no_effect(intake: Intake, client: AsyncClient) -> None:
    body = {name: value for name, value in INCIDENT.body.items() if name != "effects"}
    abuse = {"behaviours": ["threat"], "affected": [{"relation": "self"}], "platform": "x"}
    assert (await client.post(INCIDENT.address, json=body | abuse, headers=intake.token())).status_code == 201
    event = await the_event(intake, INCIDENT)
    assert isinstance(event, SecurityIncidentSubmitted)
    assert (event.effects, event.says_abuse) == ((), True)


@pytest.mark.parametrize("spelling", ["2026-01-05t09:30:00z", "2026-01-05T15:00:00.000+05:30"])
async def test_a_time_is_taken_in_every_spelling_of_the_standard(
    intake: Intake, client: AsyncClient, spelling: str
) -> None:
    body = {**INCIDENT.body, "discovered_at": spelling}
    assert (await client.post(INCIDENT.address, json=body, headers=intake.token())).status_code == 201
    event = await the_event(intake, INCIDENT)
    assert isinstance(event, SecurityIncidentSubmitted)
    assert event.discovered_at == datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


async def test_json_that_is_sent_as_a_form_is_told_from_a_wrong_answer(intake: Intake, client: AsyncClient) -> None:
    for kind in KINDS.values():
        headers = {**intake.token(), "content-type": "application/x-www-form-urlencoded"}
        answer = await client.post(kind.address, content=orjson.dumps(kind.body), headers=headers)
        assert (answer.status_code, "application/json" in answer.json()["detail"]) == (415, True)
    assert await how_many(intake) == (0, 0, 0)
