"""The registry as a client sees it: real PostgreSQL, the real application; most tests publish nothing."""

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry import app
from services.registry.accounts.domain import Registration
from services.registry.accounts.handlers import register
from services.registry.app import OBSERVERS
from services.registry.approvals.queries import records
from services.registry.context.domain import Periods
from services.registry.context.work import SYSTEM, Work
from services.registry.settings import RegistrySettings
from shared.audit.verification import verify
from shared.auth.guard import SESSION_COOKIE
from shared.auth.permissions import Principal, Role
from shared.auth.tokens import TokenIssuer, ensure_key_files
from shared.db.database import Database
from shared.events.registry import AccountChanged
from shared.events.vocabulary import AccountClass
from shared.ids import AccountId, RandomIds, StaffId
from shared.messaging.outbox import Outbox
from tests.support.apps import opened_again
from tests.support.postgres import PostgresForTests

NOW = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)
IDS = RandomIds()
OUTBOX = Outbox("registry", IDS)
PERIODS = Periods(training_months=24, review_months=12)


class FixedClock:
    def now(self) -> datetime:
        return NOW


@dataclass(frozen=True)
class Registry:
    """The service, opened."""

    app: FastAPI
    database: Database
    issuer: TokenIssuer

    def token(self, role: Role, staff_id: str = "S7001") -> dict[str, str]:
        """Return the header of a person who is signed in."""
        return {"authorization": f"Bearer {self.issuer.bearer(person(role, staff_id), NOW)}"}

    def session(self, role: Role, staff_id: str = "S7001") -> dict[str, str]:
        """Return the cookie of a person who is signed in."""
        return {SESSION_COOKIE: self.issuer.session(person(role, staff_id), NOW)}

    @asynccontextmanager
    async def client(self, **cookies: str) -> AsyncIterator[AsyncClient]:
        transport = ASGITransport(self.app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as client:
            yield client

    async def register(self, *registrations: Registration) -> list[AccountId]:
        """Put accounts on the register."""
        async with self.database.transaction() as session:
            return await register(session, registrations, outbox=OUTBOX, now=NOW, ids=IDS, actor="S7001")


def person(role: Role, staff_id: str = "S7001") -> Principal:
    """Return a person in `role`."""
    name, email = "Nia Hughes", "nia.hughes@example.org"
    return Principal(staff_id, StaffId(staff_id), name, email, frozenset({role, Role.REPORTER}))


def work_in(session: AsyncSession, role: Role = Role.COMMS, staff_id: str = "S7001", now: datetime = NOW) -> Work:
    """Return the context of a use case for a person in `role`; the observers are the real ones."""
    return Work(session, staff_id, now, IDS, OUTBOX, PERIODS, OBSERVERS, person(role, staff_id))


def sweeping(session: AsyncSession, now: datetime) -> Work:
    """Return the context of a sweep or a consumer."""
    return Work(session, SYSTEM, now, IDS, OUTBOX, PERIODS, OBSERVERS)


def settings_with(folder: Path, database_url: str, *, anchors: Path | None = None) -> RegistrySettings:
    """Return settings with their own keys in `folder`."""
    _, public = ensure_key_files(folder)
    return RegistrySettings(
        secret_key=SecretStr("a secret that only tests have, no more"),
        verify_key_file=public,
        event_log="postgres",
        registry_database_url=database_url,
        audit_anchors_dir=anchors,
    )


@pytest.fixture
async def registry(postgres: PostgresForTests, tmp_path: Path) -> AsyncIterator[Registry]:
    private, _ = ensure_key_files(tmp_path)
    async with (
        postgres.fresh("registry") as url,
        opened_again(app, settings_with(tmp_path, url), clock=FixedClock(), log=AsyncMock()) as service,
    ):
        yield Registry(service.app, service.database, TokenIssuer(private.read_bytes()))
        async with service.database.transaction() as session:
            assert await verify(session, records=records) == []  # whatever a test did, its chains say


@pytest.fixture
async def client(registry: Registry) -> AsyncIterator[AsyncClient]:
    async with registry.client() as opened:
        yield opened


OFFICIAL = Registration("x", "sampledept", AccountClass.OFFICIAL, official_use=True, title="Sample Department")
INDIVIDUAL = Registration(
    "x",
    "directorofwork",
    AccountClass.PROFESSIONAL_INDIVIDUAL,
    official_use=True,
    approved_person=StaffId("S3001"),
)
UNION = Registration("x", "sampleunion", AccountClass.UNION)
NETWORKING = Registration("linkedin", "in/some-colleague", AccountClass.LINKEDIN)
RECRUITER = replace(NETWORKING, handle="in/some-recruiter", official_use=True)


async def events_of(database: Database) -> Sequence[AccountChanged]:
    """Return the events in the outbox, oldest first."""
    async with database.transaction() as session:
        rows = await session.execute(text("select value from outbox where type = 'account.changed.v1' order by id"))
        return [AccountChanged.model_validate_json(value) for (value,) in rows]


async def access_events(database: Database) -> list[tuple[str, str | None, str | None]]:
    """Return type, operator and reason of the events about authorisations, oldest first."""
    async with database.transaction() as session:
        rows = await session.execute(
            text("select type, value from outbox where topic = 'registry.access.v1' order by id")
        )
        events = [(kind, json.loads(value)) for kind, value in rows]
    return [(kind, data.get("operator"), data.get("reason")) for kind, data in events]
