"""Triage as a responder sees it: real PostgreSQL, the real application, and a log that is not needed yet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from jinja2 import Environment
from pydantic import SecretStr
from sqlalchemy import select

from services.triage import app
from services.triage.cases import activities
from services.triage.operations.queries import records
from services.triage.routing import rulebook
from services.triage.settings import TriageSettings
from shared.audit.tables import activity
from shared.audit.verification import verify
from shared.auth.guard import SESSION_COOKIE
from shared.auth.permissions import Principal, Role
from shared.auth.tokens import TokenIssuer, ensure_key_files
from shared.db.database import Database
from shared.ids import StaffId
from shared.web.pages import make_environment
from tests.services.triage.builders import NOW
from tests.support.apps import opened_again
from tests.support.postgres import PostgresForTests


class SetClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def move(self, by: timedelta) -> None:
        self.time += by


@dataclass(frozen=True)
class Triage:
    """The service, opened."""

    app: FastAPI
    database: Database
    clock: SetClock
    issuer: TokenIssuer
    by_hand: set[str] = field(default_factory=set)
    """Tables whose rows a test changed behind the audit trail's back."""

    def bearer(self, *roles: Role, subject: str = "S4001") -> dict[str, str]:
        """Return the header of a client."""
        return {"authorization": f"Bearer {self.issuer.bearer(person(subject, *roles), self.clock.now())}"}

    @asynccontextmanager
    async def client(self, *roles: Role, subject: str = "S4001") -> AsyncIterator[AsyncClient]:
        """Open a browser of a person who is signed in."""
        cookies = {SESSION_COOKIE: self.issuer.session(person(subject, *roles), self.clock.now())} if roles else {}
        transport = ASGITransport(self.app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as client:
            yield client


def person(subject: str, *roles: Role) -> Principal:
    """Return a member of staff."""
    names = {
        "S4001": "Sam Reid",
        "S4002": "Aisha Khan",
        "S5001": "Leo Grant",
        "S5002": "Maria Costa",
        "S6001": "Dev Patel",
    }
    name = names.get(subject, "Somebody Else")
    email = f"{name.lower().replace(' ', '.')}@example.org"
    return Principal(subject, StaffId(subject), name, email, frozenset(roles))


@pytest.fixture
async def triage(postgres: PostgresForTests, tmp_path: Path) -> AsyncIterator[Triage]:
    private, public = ensure_key_files(tmp_path)
    clock = SetClock()
    async with postgres.fresh("triage") as url:
        settings = TriageSettings(
            secret_key=SecretStr("a secret that only tests have, no more"),
            verify_key_file=public,
            event_log="postgres",
            triage_database_url=url,
        )
        log = AsyncMock()
        log.behind.return_value = {}
        async with opened_again(app, settings, clock=clock, log=log) as service:
            opened = Triage(service.app, service.database, clock, TokenIssuer(private.read_bytes()))
            yield opened
            async with service.database.transaction() as session:  # whatever a test did, its chains say
                assert await verify(session, records=None if opened.by_hand else records) == []
                actions = set(await session.scalars(select(activity.c.action).distinct()))
            assert actions - activities.ACTIONS.keys() == set(), "the pages have no words for these"


@pytest.fixture
async def sam(triage: Triage) -> AsyncIterator[AsyncClient]:
    """A SMART responder's browser."""
    async with triage.client(Role.SMART_RESPONDER) as client:
        yield client


@pytest.fixture
async def aisha(triage: Triage) -> AsyncIterator[AsyncClient]:
    """A SMART lead's browser."""
    async with triage.client(Role.SMART_LEAD, subject="S4002") as client:
        yield client


@pytest.fixture
async def desk(triage: Triage) -> AsyncIterator[AsyncClient]:
    """The triage desk's browser."""
    async with triage.client(Role.TRIAGE_DESK, subject="S6001") as client:
        yield client


@pytest.fixture
async def maria(triage: Triage) -> AsyncIterator[AsyncClient]:
    """A SIRT lead's browser."""
    async with triage.client(Role.SIRT_LEAD, subject="S5002") as client:
        yield client


@pytest.fixture(autouse=True)
def templates_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests of a process share compiled templates: compiling GOV.UK's takes longer than most tests."""
    monkeypatch.setattr("shared.web.app.make_environment", _environment)


@pytest.fixture(autouse=True)
def rulebook_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests of a process share compiled rule books, as they share templates."""
    monkeypatch.setattr("services.triage.rules.reload.parse", _parsed)


@cache
def _environment(templates: tuple[Path, ...]) -> Environment:
    return make_environment(templates)


_parsed = cache(rulebook.parse)
