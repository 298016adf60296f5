"""Notifier's web application for tests, with clients that are signed in or not."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from unittest.mock import AsyncMock

import httpx
from fastapi import FastAPI

from services.notifier.app import REFUSALS, ROUTERS, TEMPLATES, NotifierParts
from services.notifier.delivery.handlers import DeliveryReceipts, DeliveryTimes
from services.notifier.directory.domain import StaffMember
from shared.auth.guard import SESSION_COOKIE
from shared.auth.permissions import Principal, Role
from shared.policy import version
from shared.web.app import create_app, web_fields
from tests.services.notifier.environment import LINKS, Notifier
from tests.support.web import WebForTests, browsing

VERSION = version()
CALLBACK_TOKEN = b"what Notify was given"


@dataclass(frozen=True)
class NotifierWeb:
    """The application, and tokens for it."""

    app: FastAPI
    web: WebForTests
    notifier: Notifier

    @asynccontextmanager
    async def client(self, member: StaffMember | None = None, *roles: Role) -> AsyncIterator[httpx.AsyncClient]:
        """Open a browser, signed in as `member` if there is one."""
        cookies = {SESSION_COOKIE: self._session(member, *roles)} if member else None
        async with browsing(self.app, cookies=cookies) as client:
            yield client

    def bearer(self, member: StaffMember, *roles: Role) -> dict[str, str]:
        token = self.web.issuer.bearer(_principal(member, *roles), self.notifier.clock.now())
        return {"authorization": f"Bearer {token}"}

    def _session(self, member: StaffMember, *roles: Role) -> str:
        return self.web.issuer.session(_principal(member, *roles), self.notifier.clock.now())


def notifier_web(notifier: Notifier, folder: Path) -> NotifierWeb:
    web = WebForTests(folder)
    times = DeliveryTimes(notifier.lease, timedelta(hours=12))
    parts = NotifierParts(
        **web_fields("notifier", web.settings(), TEMPLATES, clock=notifier.clock),
        database=notifier.database,
        log=AsyncMock(),
        outbox=notifier.outbox,
        ids=notifier.ids,
        links=LINKS,
        acknowledgements=notifier.acknowledgements,
        follow_ups=notifier.follow_ups,
        policy_version=VERSION,
        receipts=DeliveryReceipts(
            notifier.acknowledgements.settled, notifier.acknowledgements.delivered, times, CALLBACK_TOKEN
        ),
    )
    app = create_app(parts, prefix="/alerts", routers=ROUTERS, refusals=REFUSALS, readiness=tuple)
    return NotifierWeb(app, web, notifier)


def _principal(member: StaffMember, *roles: Role) -> Principal:
    return Principal(member.staff_id, member.staff_id, member.name, member.email, frozenset(roles or {Role.REPORTER}))
