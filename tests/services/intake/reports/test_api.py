"""POST /report/api/v1/abuse-reports."""

from dataclasses import replace
from datetime import timedelta
from unittest.mock import AsyncMock

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select, text

from services.intake.ledger.tables import LedgerRow
from services.intake.reports.tables import ReportRow
from shared.auth.permissions import Role
from shared.events.intake import AbuseReportSubmitted
from shared.events.vocabulary import Behaviour, ContentKind, Relation, WorkerKind
from shared.ids import RandomIds, Reference
from shared.runtime import Parts, parts_in
from tests.services.intake.conftest import START, Intake, small_body
from tests.services.intake.reports.bodies import KINDS

ADDRESS = "/report/api/v1/abuse-reports"


async def the_report(intake: Intake) -> ReportRow:
    async with intake.database.transaction() as session:
        return (await session.scalars(select(ReportRow))).one()


async def how_many(intake: Intake) -> tuple[int, int, int]:
    """Return the numbers of reports, ledger rows and events."""
    async with intake.database.transaction() as session:
        reports = await session.scalar(select(func.count()).select_from(ReportRow))
        ledger = await session.scalar(select(func.count()).select_from(LedgerRow))
        events = await session.scalar(text("select count(*) from outbox"))
        return reports or 0, ledger or 0, events or 0


@pytest.mark.policy("S3")
async def test_the_small_body_works_with_a_token_and_the_manager_is_told_by_default(
    intake: Intake, client: AsyncClient
) -> None:
    answer = await client.post(ADDRESS, json=small_body(), headers=intake.token())
    assert answer.status_code == 201, answer.text
    assert answer.json()["status_url"].endswith(f"/report/track/{answer.json()['reference']}")
    assert "receipt_code" not in answer.json()
    report = await the_report(intake)
    assert (report.confidentiality, report.manager_alert) == ("named", "yes")
    assert (report.reporter_staff_id, report.reporter_email) == ("S1001", "priya.shah@example.org")
    assert await how_many(intake) == (1, 1, 1)


@pytest.mark.parametrize(
    ("kind", "signed_in", "answers", "kept"),
    [
        ("abuse", False, {}, False),
        ("abuse", True, {}, True),
        ("abuse", True, {"manager_alert": "ask_me_first"}, True),
        ("abuse", True, {"manager_alert": "no"}, False),
        ("misuse", True, {"manager_alert": "no"}, False),
        ("misuse", True, {"manager_alert": "yes"}, True),
        ("security_incident", True, {"manager_alert": "no"}, False),
        ("security_incident", True, {"manager_alert": "no", "behaviours": ["harassment"]}, False),
        ("security_incident", True, {"manager_alert": "someone_else"}, True),
    ],
)
async def test_the_address_of_a_manager_who_is_not_told_is_kept_nowhere(
    intake: Intake, client: AsyncClient, kind: str, signed_in: bool, answers: dict[str, object], kept: bool
) -> None:
    address, body = (ADDRESS, small_body()) if kind == "abuse" else KINDS[kind][:2]
    said = {**body, "manager_email": "canary.manager@example.org", **answers}
    answer = await client.post(address, json=said, headers=intake.token() if signed_in else {})
    assert answer.status_code == 201, answer.text
    async with intake.database.transaction() as session:
        rows = await session.scalar(text("select string_agg(r::text, '') from report r"))
        [value] = await session.scalars(text("select convert_from(value, 'utf8') from outbox"))
    assert ["canary.manager" in written for written in (rows, value)] == [kept, kept]


async def test_the_small_body_works_without_a_token_and_keeps_nobody(intake: Intake, client: AsyncClient) -> None:
    answer = await client.post(ADDRESS, json=small_body())
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["receipt_code"]) == 24
    report = await the_report(intake)
    assert (report.confidentiality, report.manager_alert) == ("anonymous", "no")
    kept = {column.name: getattr(report, column.name) for column in ReportRow.__table__.columns}
    assert [name for name, value in kept.items() if name.startswith("reporter_") and value is not None] == []
    assert answer.json()["receipt_code"].encode() not in (report.receipt_hash or b"")


@pytest.mark.policy("S3")
async def test_a_confidential_reporters_manager_is_not_told_unless_they_say_so(
    intake: Intake, client: AsyncClient
) -> None:
    await client.post(ADDRESS, json=small_body(confidential=True), headers=intake.token())
    report = await the_report(intake)
    assert (report.confidentiality, report.manager_alert) == ("confidential", "no")


async def test_a_confidential_reporter_can_say_so(intake: Intake, client: AsyncClient) -> None:
    body = small_body(confidential=True, manager_alert="yes")
    await client.post(ADDRESS, json=body, headers=intake.token())
    assert (await the_report(intake)).manager_alert == "yes"


@pytest.mark.policy("O1", "O2", "S2")
async def test_any_kind_of_content_can_be_reported_recordings_too(client: AsyncClient) -> None:
    for kind in ContentKind:
        answer = await client.post(ADDRESS, json=small_body(content_kind=kind))
        assert answer.status_code == 201, kind


@pytest.mark.policy("O2")
async def test_a_platform_that_is_not_on_the_list_can_be_named(intake: Intake, client: AsyncClient) -> None:
    body = small_body(platform="other", platform_name="A village forum")
    assert (await client.post(ADDRESS, json=body)).status_code == 201
    assert (await the_report(intake)).platform_name == "A village forum"


@pytest.mark.policy("Sc-a")
async def test_every_kind_of_worker_can_report(client: AsyncClient, intake: Intake) -> None:
    for kind in WorkerKind:
        answer = await client.post(ADDRESS, json=small_body(worker_kind=kind), headers=intake.token())
        assert answer.status_code == 201, kind
    async with intake.database.transaction() as session:
        assert set(await session.scalars(select(ReportRow.reporter_worker_kind))) == set(WorkerKind)


@pytest.mark.policy("S1", "Sc-a")
async def test_anybody_can_be_affected_the_public_too(client: AsyncClient) -> None:
    for relation in Relation:
        answer = await client.post(ADDRESS, json=small_body(affected=[{"relation": relation}]))
        assert answer.status_code == 201, relation


@pytest.mark.policy("D-trolling", "D-cyberstalking", "D-cyberbullying", "D-doxing")
async def test_every_behaviour_can_be_reported(client: AsyncClient) -> None:
    for behaviour in Behaviour:
        assert (await client.post(ADDRESS, json=small_body(behaviours=[behaviour]))).status_code == 201, behaviour


@pytest.mark.policy("C-h")
async def test_only_monitoring_may_say_that_monitoring_found_it(intake: Intake, client: AsyncClient) -> None:
    body = small_body(found_by="monitoring")
    for headers in ({}, intake.token(Role.REPORTER), intake.token(Role.SMART_LEAD)):
        assert (await client.post(ADDRESS, json=body, headers=headers)).status_code == 403
    assert (await client.post(ADDRESS, json=body, headers=intake.token(Role.MONITORING))).status_code == 201
    assert (await the_report(intake)).manager_alert == "no"


async def test_a_token_that_is_not_accepted_does_not_become_an_anonymous_report(
    intake: Intake, client: AsyncClient
) -> None:
    answer = await client.post(ADDRESS, json=small_body(), headers={"authorization": "Bearer not.a.token"})
    assert answer.status_code == 401
    assert await how_many(intake) == (0, 0, 0)


async def test_a_token_that_is_over_does_not_become_an_anonymous_report(intake: Intake, client: AsyncClient) -> None:
    token = intake.token()
    intake.clock.move(timedelta(days=1))
    answer = await client.post(ADDRESS, json=small_body(), headers=token)
    assert answer.status_code == 401
    assert await how_many(intake) == (0, 0, 0)


@pytest.mark.policy("S3")
async def test_a_report_whose_event_cannot_be_kept_is_not_kept(
    intake: Intake, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake.app.state.parts.outbox, "begin", AsyncMock(side_effect=ConnectionError))
    answer = await client.post(ADDRESS, json=small_body(), headers={"idempotency-key": "kJ8w2Qx0Zr5yT7uP1aLm3n"})
    assert answer.status_code == 503
    assert await how_many(intake) == (0, 0, 0)
    monkeypatch.undo()
    assert (
        await client.post(ADDRESS, json=small_body(), headers={"idempotency-key": "kJ8w2Qx0Zr5yT7uP1aLm3n"})
    ).status_code == 201


async def test_two_reports_never_share_a_reference(intake: Intake, client: AsyncClient) -> None:
    class Repeating(RandomIds):
        def __init__(self) -> None:
            self.references = iter([Reference("SP-0000-0000"), Reference("SP-0000-0000"), Reference("SP-0000-0011")])

        def reference(self) -> Reference:
            return next(self.references)

    intake.app.state.parts = replace(parts_in(intake.app, Parts), ids=Repeating())
    given = [(await client.post(ADDRESS, json=small_body())).json()["reference"] for _ in range(2)]
    assert given == ["SP-0000-0000", "SP-0000-0011"]


async def test_the_event_says_what_the_report_says(intake: Intake, client: AsyncClient) -> None:
    answer = await client.post(ADDRESS, json=small_body(), headers=intake.token())
    async with intake.database.transaction() as session:
        value, key = (await session.execute(text("select value, key from outbox"))).one()
    event = AbuseReportSubmitted.model_validate_json(value)
    assert str(event.report_id).encode() == key
    assert event.reference == answer.json()["reference"]
    assert event.reporter.staff_id == "S1001"
    assert event.submitted_at == START
