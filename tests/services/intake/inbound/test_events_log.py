"""Other systems write their findings to the log; an event that cannot be read or mapped becomes a dead letter."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from cloudevents.core.bindings.http import HTTPMessage
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
from tests.services.intake.inbound.events import (
    batch,
    binary,
    event,
    finding,
    kafka_record,
    post,
    siem_alert,
    structured,
)
from tests.support.postgres import PostgresForTests

JANUARY = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)


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
        kafka_record(finding("2", post={"url": "no link"})),
        kafka_record(siem_alert("3", title=["not", "a", "text"], description="\0")),
        kafka_record(event("/siem/north", "org.example.siem.alert.v1", "4", {})),
        kafka_record(event("/signpost/triage", "case.opened.v1", "5", {})),
        replace(good, value=b"{", headers=tuple(h for h in good.headers if h[0] != "ce_id")),
        replace(kafka_record(finding("6")), value=b"{"),
        replace(good, headers=()),
    ]
    await arrive(service, event_log, *wrong, good)
    assert [row.report_type for row in await reports(service)] == ["abuse"]
    assert await dead_letters(service) == sorted(
        [
            "UnknownEvent",
            "ReportRefused",
            "DataNotReadable",
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


Said = tuple[str, tuple[str, ...], dict[str, object]]
"""The text of the report, the names of what could not be read, and other columns of it."""
WIPER = {"effect": "destruction", "confidence": "confirmed", "title": "Wiper", "people": 5000}
ALERTS: dict[str, tuple[object, Said | None]] = {
    "an object": (WIPER, ("Wiper", (), {"people_affected": 5000, "effects": ["destruction"]})),
    "JSON in a text": (json.dumps(WIPER), ("Wiper", (), {"people_affected": 5000, "effects": ["destruction"]})),
    "JSON in a text in a text": (json.dumps(json.dumps(WIPER)), None),
    "a text": ("Wiper on 40 servers", None),
    "an empty text": ("", None),
    "a number": (7, None),
    "a list": ([WIPER], None),
    "nothing": (None, None),
    "an empty object": ({}, None),
    "something else": ({"severity": 7}, None),
    "a title in parts": (WIPER | {"title": ["Wiper", "on 40 servers"]}, None),
    "one text of two in parts": (WIPER | {"description": {"en": "words"}}, None),
    "a title that is a yes": (WIPER | {"title": True}, None),
    "an effect in parts": (WIPER | {"effect": ["access", "loss"]}, None),
    "a number as a text": (WIPER | {"people": "120"}, ("Wiper", (), {"people_affected": 120})),
    "a number with a point": (WIPER | {"people": 120.0}, ("Wiper", (), {"people_affected": 120})),
    "half a person": (WIPER | {"people": 1.5}, ("Wiper", ("people_affected",), {"people_affected": None})),
    "too many people": (WIPER | {"people": 10**12}, ("Wiper", ("people_affected",), {"people_affected": None})),
    "the zero time": (WIPER | {"first_seen": "0001-01-01T00:00:00Z"}, ("Wiper", (), {"occurred_at": None})),
    "another zero time": (
        WIPER | {"first_seen": "0001-01-01T00:00:00.000+00:00"},
        ("Wiper", (), {"occurred_at": None}),
    ),
    "an epoch": (WIPER | {"first_seen": 1767605400}, ("Wiper", ("occurred_at",), {"occurred_at": None})),
    "digits": (WIPER | {"first_seen": "1767605400"}, ("Wiper", ("occurred_at",), {"occurred_at": None})),
    "no offset": (WIPER | {"first_seen": "2026-01-05T09:30:00"}, ("Wiper", ("occurred_at",), {"occurred_at": None})),
    "before 1990": (WIPER | {"first_seen": "1970-01-01T00:00:00Z"}, ("Wiper", ("occurred_at",), {"occurred_at": None})),
    "small letters": (WIPER | {"first_seen": "2026-01-05t09:30:00z"}, ("Wiper", (), {"occurred_at": JANUARY})),
    "a word for an object": (
        WIPER | {"asset": "srv-1"},
        ("Wiper", ("asset_owner", "asset_note"), {"asset_note": None}),
    ),
    "a word nobody knows": (WIPER | {"effect": "ransom"}, ("Wiper", ("effects",), {"effects": ["access"]})),
    "no owner": (WIPER | {"asset": {"owner": "nobody"}}, ("Wiper", (), {"asset_owner": "unsure"})),
    "a null character": (WIPER | {"asset": {"name": "a\0b"}}, ("Wiper", (), {"asset_note": "ab"})),
}
POST = {"network": "x", "url": "https://x.com/a/status/1", "author": "@a", "text": "t", "kind": "post"}
LABELS = ("behaviours",)
FINDINGS: dict[str, tuple[dict[str, object], Said | None]] = {
    "no link": ({"post": POST | {"url": "at://did:plc:abc/com.example.unknown/3k"}}, ("t", ("urls",), {"urls": []})),
    "links in a list": ({"post": POST | {"url": ["https://x.com/a/status/1"]}}, ("t", ("urls",), {"urls": []})),
    "no offset": ({"post": POST | {"published_at": "2026-01-05T09:30:00"}}, ("t", ("occurred_at",), {})),
    "another kind": ({"post": POST | {"kind": "story"}}, ("t", ("content_kind",), {"content_kind": None})),
    "one label": ({"post": POST, "labels": "threat"}, ("t", (), {"behaviours": ["threat"]})),
    "a label in parts": ({"post": POST, "labels": [{"x": 1}, "threat"]}, ("t", LABELS, {"behaviours": ["threat"]})),
    "no label": ({"post": POST, "labels": [{"x": 1}]}, ("t", LABELS, {"behaviours": ["other"]})),
    "a name in parts": ({"post": POST, "target": {"name": ["Tom", "Evans"]}}, ("t", ("affected",), {})),
    "a post that is a text": ({"post": "the post itself"}, None),
}  # fmt: skip


def in_every_way(number: int, source: str, kind: str, data: object) -> tuple[list[Record], list[HTTPMessage]]:
    """Return the same data as records and as requests, in both modes; as a tombstone where there is none."""
    sent = [event(source, kind, f"{number}-{way}", data) for way in range(4)]
    records = [kafka_record(sent[0]), kafka_record(sent[1], in_structured_mode=True)]
    requests = [binary(sent[2]), structured(sent[3])]
    plain = orjson.dumps(data)
    records[0] = replace(records[0], value=None if data is None else plain)
    requests[0] = replace(requests[0], body=b"" if data is None else plain)
    return records, requests


async def test_both_ways_and_both_modes_say_the_same_of_whatever_is_sent(
    service: Service, event_log: EventLog, tmp_path: Path
) -> None:
    token = TokenIssuer((tmp_path / "signing-key.pem").read_bytes()).bearer(
        person("monitoring-client", Role.MONITORING), SetClock().now()
    )
    finding_data = {"classification": "abuse", "labels": ["threat"]}
    rows = [("/siem/core", "org.example.siem.alert.v1", name, data, said) for name, (data, said) in ALERTS.items()]
    rows += [
        ("/monitoring/x", "org.example.monitoring.finding.v1", name, finding_data | data, said)
        for name, (data, said) in FINDINGS.items()
    ]
    known: set[str] = set()
    async with AsyncClient(transport=ASGITransport(service.app), base_url="http://127.0.0.1") as client:
        for number, (source, kind, name, data, said) in enumerate(rows):
            records, requests = in_every_way(number, source, kind, data)
            await arrive(service, event_log, *records)
            statuses = {(await post(client, one, authorization=f"Bearer {token}")).status_code for one in requests}
            found = [row for row in await told(service) if row["reference"] not in known]
            known |= {row["reference"] for row in found}
            assert (name, statuses) == (name, {422 if said is None else 201})
            assert (name, len(found)) == (name, 0 if said is None else 4)
            words, names, columns = said or ("", (), {})
            for row in found:
                assert (name, row["narrative"], tuple(row["not_readable"])) == (name, words, names)
                assert columns.items() <= row.items(), name
    refused = sum(said is None for *_, said in rows)
    assert len(await dead_letters(service)) == 2 * refused
    assert set(await dead_letters(service)) == {"DataNotReadable", "EventNotReadable", "ReportRefused"}


async def told(service: Service) -> list[dict[str, Any]]:
    """Return what is kept of every report: what all have, and what only incidents have."""
    async with service.database.transaction() as session:
        found = await session.execute(
            text("select * from report left join security_incident on report_id = report.id where narrative <> ''")
        )
        return [dict(row) for row in found.mappings()]
