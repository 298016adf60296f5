"""Intake with a real log: the events that it publishes, and those that it reads."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr

from services.intake.app import open_service
from services.intake.ledger.queries import reconcile
from services.intake.settings import IntakeSettings
from shared.auth.tokens import ensure_key_files
from shared.events import codec, topics
from shared.events.envelope import Event
from shared.events.notifier import AlertDecided
from shared.events.triage import CaseOpened, ReporterUpdateShared
from shared.events.vocabulary import AlertPurpose, Priority, RecipientReason, ReportType, Team
from shared.messaging.consumer import BatchConsumer
from shared.messaging.log import EventLog, Record
from shared.messaging.relay import Relay
from shared.runtime import Service
from tests.services.intake.conftest import START, SetClock, small_body
from tests.services.intake.reports.test_api import ADDRESS
from tests.support.log import deliver
from tests.support.postgres import PostgresForTests


@pytest.fixture
async def service(postgres: PostgresForTests, event_log: EventLog, tmp_path: Path) -> AsyncIterator[Service]:
    private, public = ensure_key_files(tmp_path)
    async with postgres.fresh("intake") as url:
        settings = IntakeSettings(
            secret_key=SecretStr("a secret that only tests have, no more"),
            signing_key_file=private,
            verify_key_file=public,
            event_log="postgres",
            intake_database_url=url,
            intake_evidence_store=str(tmp_path / "evidence"),
        )
        async with open_service(settings, clock=SetClock(), log=event_log) as opened:
            yield opened


def from_service(name: str, data: Event, subject: UUID) -> Record:
    """Return an event as another service's relay appends it."""
    headers = codec.headers_of(
        data.TYPE,
        event_id=str(uuid4()),
        source=codec.source_of(name),
        subject=str(subject),
        sequence=1,
        time=START,
        traceparent=None,
    )
    return Record(data.TOPICS[0], str(subject).encode(), data.model_dump_json().encode(), headers)


async def hear_and_tell(service: Service) -> None:
    await deliver(
        [role for role in service.roles if isinstance(role, Relay)],
        [role for role in service.roles if isinstance(role, BatchConsumer)],
    )


@pytest.mark.policy("S3")
async def test_a_report_goes_out_and_comes_back_accounted_for(service: Service, event_log: EventLog) -> None:
    transport = ASGITransport(service.app)
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        report = (await client.post(ADDRESS, json=small_body())).json()
    await hear_and_tell(service)
    subscription = await event_log.subscribe("reader", [topics.ABUSE_REPORTS.name])
    batch = await subscription.poll(10, timedelta(seconds=10))
    assert [received.record.key for received in batch.records] == [report["report_id"].encode()]

    await _answer(event_log, UUID(report["report_id"]), report["reference"])
    await hear_and_tell(service)
    async with service.database.transaction() as session:
        found = await reconcile(session, START + timedelta(hours=1))
    assert (found.published, found.cases, found.alert_decisions, found.unaccounted) == (1, 1, 1, 0)


async def test_what_triage_shares_reaches_the_reporter_once(service: Service, event_log: EventLog) -> None:
    transport = ASGITransport(service.app)
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        report = (await client.post(ADDRESS, json=small_body())).json()
        report_id = UUID(report["report_id"])
        update = ReporterUpdateShared(report_id=report_id, reference=report["reference"], at=START, text="It is gone.")
        record = from_service("triage", update, report_id)
        triage = await event_log.appender("triage")
        for _ in range(2):  # a relay that dies at the wrong moment publishes twice
            await triage.append([record])
            await hear_and_tell(service)
        address, code = f"/report/api/v1/reports/{report['reference']}", report["receipt_code"]
        answer = await client.get(address, headers={"receipt-code": code})
    assert answer.json()["updates"] == [{"at": "2026-11-23T10:42:00Z", "text": "It is gone."}]


async def _answer(event_log: EventLog, report_id: UUID, reference: str) -> None:
    case_id, alert_id = uuid4(), uuid4()
    opened = CaseOpened(
        case_id=case_id,
        report_id=report_id,
        reference=reference,
        at=START,
        report_type=ReportType.ABUSE,
        team=Team.SMART,
        priority=Priority.P2,
    )
    decided = AlertDecided(
        alert_id=alert_id,
        report_id=report_id,
        at=START,
        purpose=AlertPurpose.ABUSE_REPORTED,
        reason=RecipientReason.NOBODY_ANONYMOUS,
        anybody=False,
    )
    triage, notifier = await event_log.appender("triage"), await event_log.appender("notifier")
    await triage.append([from_service("triage", opened, case_id)])
    await notifier.append([from_service("notifier", decided, alert_id)])
