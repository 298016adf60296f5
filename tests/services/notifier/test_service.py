"""The wired service: from the intake topic to the mailbox and the alerts topic, through the real log."""

import asyncio
import time
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
from shared.messaging.log import EventLog, Record
from shared.runtime import Service, run_roles
from tests.services.notifier.building import GRACE, report
from tests.services.notifier.notifying import Notifier, eventually
from tests.support.postgres import PostgresForTests
from tests.support.web import WebForTests

SERVICE = "notifier"


@asynccontextmanager
async def running_service(notifier: Notifier, log: EventLog, folder: Path) -> AsyncIterator[Service]:
    """Run notifier's roles on the notifier fixture's database and mail server."""
    web = WebForTests(folder)
    settings = NotifierSettings.model_validate(
        web.settings().model_dump()
        | {
            "notifier_database_url": notifier.database.engine.url.render_as_string(hide_password=False),
            "notifier_smtp_port": notifier.mail_server.port,
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


async def publish(log: EventLog, data: AbuseReportSubmitted) -> None:
    """Append a report as intake's relay does."""
    headers = codec.headers_of(
        data.TYPE,
        event_id=f"event-{data.report_id}",
        source=codec.source_of("intake"),
        subject=str(data.report_id),
        sequence=1,
        time=datetime.now(UTC),
        traceparent=None,
    )
    writer = await log.appender("signpost-intake-relay")
    await writer.append(
        [Record(data.TOPIC, str(data.report_id).encode(), data.model_dump_json(exclude_none=True).encode(), headers)]
    )
    await writer.close()


@pytest.mark.policy("S3")
async def test_a_report_on_the_log_is_in_the_managers_mailbox_within_a_second(
    notifier: Notifier, event_log: EventLog, tmp_path: Path
) -> None:
    async with running_service(notifier, event_log, tmp_path):
        await publish(event_log, report())
        await eventually(notifier.mail_server.arrived.is_set)
        notifier.mail_server.arrived.clear()
        began = time.perf_counter()
        await publish(event_log, report())
        async with asyncio.timeout(10):
            await notifier.mail_server.arrived.wait()
        assert time.perf_counter() - began < 1
        await eventually(lambda: _published(event_log, ["alert.decided.v1", "alert.sent.v1"] * 2))
    assert notifier.mail_server.recipients == [GRACE.email] * 2


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
