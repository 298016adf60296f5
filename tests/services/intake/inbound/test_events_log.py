"""Other systems write their findings to the log; an event that cannot be read or mapped becomes a dead letter."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from sqlalchemy import select, text

from services.intake.app import open_service
from services.intake.reports.tables import ReportRow
from services.intake.settings import IntakeSettings
from shared.auth.permissions import Role
from shared.auth.tokens import TokenIssuer, ensure_key_files
from shared.messaging.consumer import BatchConsumer
from shared.messaging.log import EventLog, Record
from shared.runtime import Service
from tests.services.intake.conftest import SetClock, person
from tests.services.intake.inbound.events import batch, event, finding, kafka_record, post, siem_alert
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
        )
        async with open_service(settings, clock=SetClock(), log=event_log) as opened:
            yield opened


async def arrive(service: Service, event_log: EventLog, *records: Record) -> None:
    """Deliver records of other systems to intake."""
    await (await event_log.appender("another system")).append(records)
    (consumer,) = [
        role for role in service.roles if isinstance(role, BatchConsumer) and role.name == "signpost-intake-inbound"
    ]
    await consumer.drain()
    assert consumer.unready_because is None


async def reports(service: Service) -> list[ReportRow]:
    async with service.database.transaction() as session:
        return list(await session.scalars(select(ReportRow).order_by(ReportRow.report_type)))


async def dead_letters(service: Service) -> list[str]:
    async with service.database.transaction() as session:
        return list(await session.scalars(text("select error_class from dead_letter order by error_class")))


@pytest.mark.policy("C-h")
async def test_events_in_both_modes_become_reports_in_the_name_of_their_source(
    service: Service, event_log: EventLog
) -> None:
    await arrive(
        service,
        event_log,
        kafka_record(finding()),
        kafka_record(siem_alert(), in_structured_mode=True),
        kafka_record(finding("f-2", classification="mention")),
    )
    abuse, incident = await reports(service)
    assert (abuse.report_type, abuse.found_by, abuse.reporter_subject) == ("abuse", "monitoring", "source:monitoring")
    assert (incident.report_type, incident.found_by) == ("security_incident", "person")
    assert await dead_letters(service) == []


async def test_the_same_event_by_both_ways_is_one_report(service: Service, event_log: EventLog, tmp_path: Path) -> None:
    await arrive(service, event_log, kafka_record(finding()), kafka_record(finding(), in_structured_mode=True))
    token = TokenIssuer((tmp_path / "signing-key.pem").read_bytes()).bearer(
        person("monitoring-client", Role.MONITORING), SetClock().now()
    )
    transport = ASGITransport(service.app)
    async with AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await post(client, batch(finding(), siem_alert()), authorization=f"Bearer {token}")
    await arrive(service, event_log, kafka_record(siem_alert()))
    found = {str(row.id) for row in await reports(service)}
    assert {taken["report_id"] for taken in answer.json()["events"]} == found
    assert len(found) == 2


async def test_one_wrong_event_is_dead_lettered_and_the_others_are_taken(service: Service, event_log: EventLog) -> None:
    good = kafka_record(finding())
    wrong = [
        kafka_record(event("/nobody", "org.example.nothing", "1", {})),
        kafka_record(finding("2", post={"network": "x", "url": "no link"})),
        kafka_record(siem_alert("3", title=["not", "a", "text"], description="\0")),
        kafka_record(event("/siem/north", "org.example.siem.alert.v1", "4", {})),
        kafka_record(event("/signpost/triage", "case.opened.v1", "5", {})),
        replace(good, value=b"{", headers=tuple(h for h in good.headers if h[0] != "ce_id")),
        replace(kafka_record(finding("6")), value=b"{"),
        replace(good, headers=()),
    ]
    await arrive(service, event_log, *wrong, good)
    assert [row.report_type for row in await reports(service)] == ["abuse", "security_incident"]
    assert await dead_letters(service) == sorted(
        [
            "UnknownEvent",
            "ReportRefused",
            "EventNotReadable",
            "UntrustedSource",
            "InvalidAttribute",
            "InvalidJson",
            "MissingHeaders",
        ]
    )


async def test_however_much_is_wrong_the_next_right_event_is_taken(service: Service, event_log: EventLog) -> None:
    many = [kafka_record(event("/nobody", "org.example.nothing", str(number), {})) for number in range(60)]
    await arrive(service, event_log, *many, kafka_record(finding()))
    assert len(await reports(service)) == 1
    assert len(await dead_letters(service)) == 60


async def test_data_in_base64_is_read(service: Service, event_log: EventLog) -> None:
    sent = event("/siem/north", "org.example.siem.alert.v1", "1", b'{"title": "In base64"}')
    await arrive(service, event_log, kafka_record(sent, in_structured_mode=True))
    (incident,) = await reports(service)
    assert incident.narrative == "In base64"
