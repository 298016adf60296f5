"""The wired service: from the intake topic to the mailbox and the alerts topic, through the real log."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.notifier.app import open_service
from services.notifier.settings import NotifierSettings
from shared.db import migrations
from shared.events import codec, topics
from shared.events.intake import AbuseReportSubmitted
from shared.events.triage import CaseRouted
from shared.messaging.log import EventLog, Record
from shared.runtime import Service, run_roles
from tests.services.notifier.builders import GRACE, PRIYA, report, routed
from tests.services.notifier.environment import PATIENCE, Notifier, eventually
from tests.services.notifier.notify_server import running_notify
from tests.support.postgres import PostgresForTests
from tests.support.web import WebForTests

SERVICE = "notifier"


@asynccontextmanager
async def running_service(notifier: Notifier, log: EventLog, folder: Path, **more: object) -> AsyncIterator[Service]:
    """Run notifier's roles on the notifier fixture's database and mail server."""
    web = WebForTests(folder)
    settings = NotifierSettings.model_validate(
        web.settings().model_dump()
        | {
            "notifier_database_url": notifier.database.engine.url.render_as_string(hide_password=False),
            "notifier_smtp_port": notifier.mail_server.port,
            **more,
        }
    )
    async with open_service(settings, log=log) as service:
        stop = asyncio.Event()
        roles = asyncio.create_task(run_roles(service.roles, stop))
        try:
            yield service
        finally:
            stop.set()
            await roles


async def publish(log: EventLog, data: AbuseReportSubmitted | CaseRouted, source: str = "intake") -> None:
    """Append a report, or triage's event about its case, as a relay does."""
    headers = codec.headers_of(
        data.TYPE,
        event_id=f"event-{source}-{data.report_id}",
        source=codec.source_of(source),
        subject=str(data.report_id),
        sequence=1,
        time=datetime.now(UTC),
        traceparent=None,
    )
    writer = await log.appender(f"signpost-{source}-relay")
    await writer.append(
        [
            Record(
                data.TOPICS[0], str(data.report_id).encode(), data.model_dump_json(exclude_none=True).encode(), headers
            )
        ]
    )
    await writer.close()


@pytest.mark.policy("S3")
async def test_a_report_on_the_log_is_in_the_managers_mailbox_and_waits_for_no_look(
    notifier: Notifier, event_log: EventLog, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.notifier.delivery.loop._LOOK_EVERY", 3600.0)
    async with running_service(notifier, event_log, tmp_path):
        await publish(event_log, report())
        await eventually(notifier.mail_server.arrived.is_set)
        notifier.mail_server.arrived.clear()
        await publish(event_log, report())
        async with asyncio.timeout(PATIENCE):
            await notifier.mail_server.arrived.wait()
        await eventually(lambda: _published(event_log, ["alert.decided.v1", "alert.sent.v1"] * 2))
    assert notifier.mail_server.recipients == [GRACE.email] * 2


async def test_the_settings_switch_each_class_of_messages_between_notify_and_mail(
    notifier: Notifier, event_log: EventLog, tmp_path: Path
) -> None:
    said = report()
    moved = routed(said.report_id, form="security_incident", report_type="abuse", team="smart", misdirected=True)
    async with running_notify() as notify:
        switched = {
            "notifier_notify_classes": ("manager",),
            "notifier_notify_api_key": notify.key,
            "notifier_notify_template_id": "template",
            "notifier_notify_url": f"http://127.0.0.1:{notify.port}",
        }
        async with running_service(notifier, event_log, tmp_path, **switched):
            await publish(event_log, said)
            await publish(event_log, moved, "triage")
            await eventually(lambda: len(notifier.mail_server.mails) == 3 and len(notify.taken) == 1)
            await eventually(notifier.all_settled)
    assert [message["email_address"] for message in notify.taken] == [GRACE.email]
    assert sorted(notifier.mail_server.recipients) == [PRIYA.email, "sirt@example.org", "smart@example.org"]


async def test_a_record_that_is_delivered_twice_has_its_effect_once(
    notifier: Notifier, event_log: EventLog, tmp_path: Path
) -> None:
    async with running_service(notifier, event_log, tmp_path):
        twice, last = report(), report()
        for data in (twice, twice, last):
            await publish(event_log, data)
        await eventually(lambda: len(notifier.mail_server.mails) == 2)
        await eventually(notifier.all_settled)
    assert len(notifier.mail_server.mails) == 2


async def _published(log: EventLog, expected: list[str]) -> bool:
    subscription = await log.subscribe("test", [topics.ALERTS.name])
    try:
        batch = await subscription.poll(100, timedelta(seconds=1))
        types = [dict(r.record.headers)["ce_type"].decode() for r in batch.records]
    finally:
        await subscription.close()
    return sorted(types) == sorted(expected)


async def test_the_migrations_say_what_the_mappings_say(postgres: PostgresForTests) -> None:
    async with postgres.fresh(SERVICE) as url:
        await migrations.check(SERVICE, url)
