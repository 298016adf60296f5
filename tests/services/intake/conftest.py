"""Intake as a client sees it: real PostgreSQL, the real application, and a log that is not needed yet."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import SecretStr

from services.intake import app
from services.intake.forms import sent_files
from services.intake.settings import IntakeSettings
from shared.auth.guard import SESSION_COOKIE
from shared.auth.permissions import Principal, Role
from shared.auth.tokens import TokenIssuer, ensure_key_files
from shared.db.database import Database
from shared.ids import StaffId
from shared.runtime import Parts
from tests.support.apps import opened_again
from tests.support.postgres import PostgresForTests

START = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)


class SetClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def move(self, by: timedelta) -> None:
        self.time += by


@dataclass(frozen=True)
class Intake:
    """The service, opened."""

    app: FastAPI
    database: Database
    clock: SetClock
    issuer: TokenIssuer
    parts: Parts

    def token(self, *roles: Role, subject: str = "S1001") -> dict[str, str]:
        """Return the header of a person who is signed in."""
        return {"authorization": f"Bearer {self.issuer.bearer(person(subject, *roles), self.clock.now())}"}

    def session(self, subject: str = "S1001") -> dict[str, str]:
        """Return the cookie of a person who is signed in."""
        return {SESSION_COOKIE: self.issuer.session(person(subject), self.clock.now())}

    @asynccontextmanager
    async def client(self, **cookies: str) -> AsyncIterator[AsyncClient]:
        transport = ASGITransport(self.app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://127.0.0.1", cookies=cookies) as client:
            yield client


def person(subject: str, *roles: Role) -> Principal:
    """Return a member of staff."""
    kinds = frozenset(roles) or frozenset({Role.REPORTER})
    return Principal(subject, StaffId(subject), "Priya Shah", "priya.shah@example.org", kinds)


@asynccontextmanager
async def opened_intake(postgres: PostgresForTests, folder: Path, **more: object) -> AsyncIterator[Intake]:
    """Open intake on a fresh database, with `more` settings."""
    private, public = ensure_key_files(folder)
    clock = SetClock()
    async with postgres.fresh("intake") as url:
        values = {
            "secret_key": SecretStr("a secret that only tests have, no more"),
            "signing_key_file": private,
            "verify_key_file": public,
            "event_log": "postgres",
            "intake_database_url": url,
            "intake_evidence_store": str(folder / "evidence"),
            **more,
        }
        settings = IntakeSettings.model_validate(values)
        usual, log = not more, AsyncMock()
        opening = (
            opened_again(app, settings, clock=clock, log=log)
            if usual
            else app.open_service(settings, clock=clock, log=log)
        )
        async with opening as service:
            yield Intake(service.app, service.database, clock, TokenIssuer(private.read_bytes()), service.parts)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a sender wait for their files, however slow the machine is."""
    monkeypatch.setattr(sent_files, "PATIENCE", 60)


@pytest.fixture
async def intake(postgres: PostgresForTests, tmp_path: Path) -> AsyncIterator[Intake]:
    async with opened_intake(postgres, tmp_path) as opened:
        yield opened


@pytest.fixture
async def client(intake: Intake) -> AsyncIterator[AsyncClient]:
    async with intake.client() as opened:
        yield opened


Change = Callable[[dict[str, object]], dict[str, object]]


def small_body(**changes: object) -> dict[str, object]:
    """Return the small body of an abuse report, as a script sends it."""
    return {
        "platform": "x",
        "content_kind": "comment",
        "urls": ["https://x.com/some_account/status/1"],
        "behaviours": ["harassment"],
        "affected": [{"relation": "self"}],
        "narrative": "What happened, in the reporter's words",
        "manager_email": "line.manager@example.org",
        **changes,
    }
