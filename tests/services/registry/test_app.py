"""The registry, wired: a registration is published, and its chains are anchored."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from httpx import ASGITransport, AsyncClient

from services.registry.accounts.handlers import register
from services.registry.accounts.queries import get_account
from services.registry.app import open_service
from shared.audit import chain
from shared.audit.anchors import anchors_file
from shared.audit.verification import verify
from shared.events import codec, topics
from shared.events.registry import AccountChanged
from shared.events.triage import CaseCompromiseConfirmed
from shared.events.vocabulary import AccountStatus
from shared.messaging.consumer import BatchConsumer
from shared.messaging.log import EventLog, Record
from shared.messaging.relay import Relay
from shared.runtime import Role, Service, run_roles
from tests.services.registry.conftest import IDS, NOW, OFFICIAL, OUTBOX, FixedClock, settings_with
from tests.support.eventually import eventually
from tests.support.log import deliver
from tests.support.postgres import PostgresForTests

_PATIENCE = timedelta(seconds=30)


@asynccontextmanager
async def running(roles: Sequence[Role]) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(run_roles(roles, stop))
    yield
    stop.set()
    await task


async def put_official_account(service: Service) -> str:
    async with service.database.transaction() as session:
        (account_id,) = await register(session, [OFFICIAL], outbox=OUTBOX, now=NOW, ids=IDS, actor="S7001")
    return str(account_id)


async def test_what_is_registered_is_published_under_its_account(
    postgres: PostgresForTests, event_log: EventLog, tmp_path: Path
) -> None:
    async with (
        postgres.fresh("registry") as url,
        open_service(settings_with(tmp_path, url), clock=FixedClock(), log=event_log) as service,
    ):
        account_id = await put_official_account(service)
        await deliver([role for role in service.roles if isinstance(role, Relay)], [])
    subscription = await event_log.subscribe("test", [topics.ACCOUNTS.name])
    batch = await subscription.poll(10, _PATIENCE)
    (record,) = [received.record for received in batch.records]
    assert record.key == account_id.encode()
    assert record.value
    assert AccountChanged.model_validate_json(record.value).handle == "sampledept"
    assert dict(record.headers)["ce_type"] == b"account.changed.v1"


async def test_a_confirmed_compromise_on_the_log_freezes_the_account_without_its_predecessors(
    postgres: PostgresForTests, event_log: EventLog, tmp_path: Path
) -> None:
    async with (
        postgres.fresh("registry") as url,
        open_service(settings_with(tmp_path, url), clock=FixedClock(), log=event_log) as service,
    ):
        account_id = UUID(await put_official_account(service))
        case_id = IDS.uuid()
        event = CaseCompromiseConfirmed(
            case_id=case_id, report_id=IDS.uuid(), reference="SP-4F7K-9Q2H", at=NOW, account_ids=(account_id,)
        )
        headers = codec.headers_of(
            event.TYPE,
            event_id=str(IDS.uuid()),
            source="/signpost/triage",
            subject=str(case_id),
            sequence=7,
            time=NOW,
            traceparent=None,
        )
        record = Record(event.TOPICS[0], str(case_id).encode(), event.model_dump_json().encode(), headers)
        await (await event_log.appender("signpost-triage-relay")).append([record, record])
        await deliver([], [role for role in service.roles if isinstance(role, BatchConsumer)])
        async with service.database.transaction() as session:
            account = await get_account(session, account_id)
            story = await chain.read(session, account_id)
    assert account
    assert account.registration.status is AccountStatus.FROZEN
    assert [link.action for link in story] == ["registered", "compromise_confirmed", "status_changed"]
    assert story[-1].after == {"status": "frozen", "case": "SP-4F7K-9Q2H"}


@pytest.mark.timeout(300)
async def test_chains_are_anchored_outside_the_database(
    postgres: PostgresForTests, event_log: EventLog, tmp_path: Path
) -> None:
    file = anchors_file("registry", tmp_path / "anchors")

    async def published() -> bool | None:
        return file.exists() or None

    async with (
        postgres.fresh("registry") as url,
        open_service(settings_with(tmp_path, url, anchors=file.parent), clock=FixedClock(), log=event_log) as service,
    ):
        await put_official_account(service)
        async with running([role for role in service.roles if role.kind == "sweep"]):
            await eventually(published)
        async with service.database.transaction() as session:
            assert await verify(session, file) == []


async def test_the_service_tells_why_it_is_not_ready(
    postgres: PostgresForTests, event_log: EventLog, tmp_path: Path
) -> None:
    async with (
        postgres.fresh("registry") as url,
        open_service(settings_with(tmp_path, url), clock=FixedClock(), log=event_log) as service,
        AsyncClient(transport=ASGITransport(service.app), base_url="http://127.0.0.1") as client,
    ):

        async def ready() -> bool | None:
            return (await client.get("/accounts/health/ready")).status_code == 200 or None

        assert (await client.get("/accounts/health/live")).status_code == 200
        before = await client.get("/accounts/health/ready")
        assert before.status_code == 503
        not_started = {"signpost-registry: not started", "registry-relay: not started"}
        assert not_started < set(before.json()["reasons"])
        async with running(service.roles):
            assert await eventually(ready)


async def test_the_description_of_the_api_names_its_calls(
    postgres: PostgresForTests, event_log: EventLog, tmp_path: Path
) -> None:
    async with (
        postgres.fresh("registry") as url,
        open_service(settings_with(tmp_path, url), clock=FixedClock(), log=event_log) as service,
        AsyncClient(transport=ASGITransport(service.app), base_url="http://127.0.0.1") as client,
    ):
        paths = (await client.get("/accounts/api/v1/openapi.json")).json()["paths"]
    assert {
        "/accounts/api/v1/lookup",
        "/accounts/api/v1/accounts",
        "/accounts/api/v1/accounts/{account_id}",
        "/accounts/api/v1/accounts/{account_id}/status",
        "/accounts/official.json",
    } <= set(paths)
