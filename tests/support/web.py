"""Applications and signed-in clients for tests, without a browser and without a port."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import httpx
from fastapi import APIRouter, FastAPI

from shared.auth.guard import SESSION_COOKIE
from shared.auth.permissions import Principal, Role
from shared.auth.tokens import TokenIssuer, ensure_key_files
from shared.db.database import Database
from shared.ids import RandomIds, StaffId
from shared.messaging.outbox import Outbox
from shared.runtime import Fields, WebFields, WebParts
from shared.settings import ServiceSettings
from shared.web.app import create_app, web_fields
from shared.web.refusals import Refusals

ADDRESS = "http://127.0.0.1:8000"
NOWHERE = Database("postgresql+asyncpg://nobody@localhost/never-opened", application_name="tests")
"""For an application whose routes are not asked for anything that is stored."""
START = datetime(2026, 11, 23, 10, 42, tzinfo=UTC)


class ClockForTests:
    """A clock that moves only when told to."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def pass_(self, duration: timedelta) -> None:
        self._now += duration


def person(*roles: Role, staff_id: str = "S1001") -> Principal:
    """Return a person with `roles`."""
    name, email = "Priya Shah", "priya.shah@example.org"
    return Principal(staff_id, StaffId(staff_id), name, email, frozenset(roles or {Role.REPORTER}))


@dataclass
class WebForTests:
    """Keys, settings and a clock; makes applications and tokens that fit together."""

    folder: Path
    clock: ClockForTests = field(default_factory=ClockForTests)

    def settings(self, **values: object) -> ServiceSettings:
        private, public = ensure_key_files(self.folder)
        given: dict[str, object] = {"secret_key": "s" * 40, "signing_key_file": private, "verify_key_file": public}
        return ServiceSettings.model_validate(given | values)

    @property
    def issuer(self) -> TokenIssuer:
        return TokenIssuer(ensure_key_files(self.folder)[0].read_bytes())

    def fields(
        self, service: str = "intake", *, settings: ServiceSettings | None = None, templates: Sequence[Path] = ()
    ) -> WebFields:
        """Return an application's dependencies; a test of more parts adds its own."""
        return web_fields(service, settings or self.settings(), templates, clock=self.clock)

    def with_database(
        self,
        database: Database,
        service: str = "intake",
        *,
        settings: ServiceSettings | None = None,
        templates: Sequence[Path] = (),
    ) -> Fields:
        """Return a service's parts, on `database` and a log that nothing reads or writes."""
        ids = RandomIds()
        web = self.fields(service, settings=settings, templates=templates)
        return Fields(**web, database=database, log=AsyncMock(), outbox=Outbox(service, ids), ids=ids)

    def app(
        self,
        *routers: APIRouter,
        parts: WebParts | None = None,
        settings: ServiceSettings | None = None,
        refusals: Refusals | None = None,
        templates: Sequence[Path] = (),
        readiness: Sequence[str] = (),
    ) -> FastAPI:
        return create_app(
            parts or WebParts(**self.fields(settings=settings, templates=templates)),
            prefix="/report",
            routers=routers,
            refusals=refusals or {},
            readiness=lambda: readiness,
        )

    def bearer(self, *roles: Role, staff_id: str = "S1001") -> dict[str, str]:
        """Return the headers of an API client in `roles`."""
        token = self.issuer.bearer(person(*roles, staff_id=staff_id), self.clock.now())
        return {"authorization": f"Bearer {token}"}

    def session_cookie(self, *roles: Role, staff_id: str = "S1001") -> dict[str, str]:
        """Return the cookie of a person signed in with `roles`."""
        return {SESSION_COOKIE: self.issuer.session(person(*roles, staff_id=staff_id), self.clock.now())}


@asynccontextmanager
async def browsing(
    app: FastAPI, *, cookies: dict[str, str] | None = None, address: str = ADDRESS
) -> AsyncIterator[httpx.AsyncClient]:
    """Open a client that asks for pages and keeps cookies."""
    transport = httpx.ASGITransport(app=app)
    headers = {"accept": "text/html"}
    async with httpx.AsyncClient(transport=transport, base_url=address, cookies=cookies, headers=headers) as client:
        yield client


def csrf_token(page: str) -> str:
    """Return the token in a page's form."""
    return page.split('name="csrftoken" value="', 1)[1].split('"', 1)[0]
