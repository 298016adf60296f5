"""Intake in this process, which dies at a step of a file's way, and is opened again on what is left.

Death is an exception that no code of the product handles. From then on that life reaches neither the database nor the
store, so what it does while it ends leaves no trace, as after SIGKILL. It costs no process.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.embedded.run import PrefixRouter
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.forms import sent_files
from services.intake.inbound import sources_yaml
from shared.auth.permissions import Principal, Role
from shared.auth.tokens import TokenIssuer, ensure_key_files
from shared.clock import SystemClock
from shared.db.sweep import Sweep
from shared.ids import StaffId
from shared.messaging.consumer import BatchConsumer
from shared.messaging.log import EventLog
from shared.messaging.relay import Relay
from shared.runtime import Service, WebParts
from shared.settings import ServiceSettings
from shared.web import app
from tests.authorisation.services import ADDRESS, OPENING, settings_of
from tests.faults.killed import caller
from tests.faults.steps import Moment
from tests.services.cli import in_process
from tests.support.log import deliver, postgres_log
from tests.support.postgres import PostgresForTests
from tests.support.web import ClockForTests

_Wiring = ParamSpec("_Wiring")
_WROTE = text("select pg_current_xact_id_if_assigned() is not null")
BETWEEN_LIVES = timedelta(seconds=31)
"""Longer than a process is believed to work on something, and shorter than a grant lives."""
_ALL_EXPIRED = timedelta(days=8)
_RENEWS = sent_files._renew_lease.__name__
_EFFECTS = ("put", "write", "delete")
_OF_REPORT = "select * from evidence where report_id = cast(:id as uuid)"
_CHAINS = "select action from activity where after ->> 'evidence' = cast(:id as text) order by chain_id, position"


class Died(BaseException):
    """The process is gone."""


class GoneAlready(ConnectionError):
    """What a process that is gone does not reach."""


@dataclass
class Life:
    """One life of intake."""

    service: Service
    dies_at: str | None
    """The step, as `function/moment #number`, counted from 1; None: it lives."""
    passed: Counter[str] = field(default_factory=Counter)
    """How often it came by the function's moment."""
    armed: bool = False
    dead: bool = False

    def comes_by(self, function: str, moment: Moment) -> None:
        """Die here, if this is the step. How often the lease is renewed depends on the machine's speed: it is none."""
        if self.armed and _task() != _RENEWS:
            step = f"{function}/{moment}"
            self.passed[step] += 1
            if f"{step} #{self.passed[step]}" == self.dies_at:
                self.dead = True
                raise Died

    @property
    def parts(self) -> EvidenceParts:
        assert isinstance(self.service.parts, EvidenceParts)
        return self.service.parts

    @property
    def consumers(self) -> list[BatchConsumer]:
        return [role for role in self.service.roles if isinstance(role, BatchConsumer)]


@dataclass
class Signpost:
    """The four services; intake is opened anew for each life."""

    log: EventLog
    clock: ClockForTests
    settings: dict[str, ServiceSettings]
    others: dict[str, Service]
    issuer: TokenIssuer

    def bearer(self, role: Role, staff_id: str) -> dict[str, str]:
        """Return the header of a person who is signed in, and is like no other."""
        name, email = f"Person {staff_id}", f"{staff_id.lower()}@example.org"
        who = Principal(staff_id, StaffId(staff_id), name, email, frozenset({role}))
        token = self.issuer.bearer(who, self.clock.now())
        return {"authorization": f"Bearer {token}"}

    @asynccontextmanager
    async def life(self, dies_at: str | None = None) -> AsyncIterator[Life]:
        """Open intake once more."""
        async with OPENING["intake"](self.settings["intake"], clock=self.clock, log=self.log) as service:
            life = Life(service, dies_at)
            _mortal(life)
            yield life

    @asynccontextmanager
    async def client(self, life: Life, cookies: httpx.Cookies | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """Open a client of all services, with the cookies that its browser has."""
        front = PrefixRouter(life.service.app, {one.prefix: one.app for one in self.others.values()})
        transport = httpx.ASGITransport(front)
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS, cookies=cookies) as client:
            yield client

    async def settle(self, life: Life) -> None:
        """Deliver all events to the services that read them."""
        roles = [role for service in (life.service, *self.others.values()) for role in service.roles]
        relays = [role for role in roles if isinstance(role, Relay)]
        await deliver(relays, [role for role in roles if isinstance(role, BatchConsumer)])

    async def publish(self) -> None:
        """Publish what the other services have to say."""
        for service in self.others.values():
            for role in service.roles:
                if isinstance(role, Relay):
                    await role.drain()

    async def rows(self, life: Life, service: str, statement: str, **values: object) -> list[Any]:
        """Return what a service's database says."""
        database = life.service.database if service == "intake" else self.others[service].database
        async with database.transaction() as session:
            return list((await session.execute(text(statement), values)).all())

    async def sweep(self, life: Life) -> None:
        """Sweep as if all that waits had expired."""
        for role in life.service.roles:
            if isinstance(role, Sweep) and role.name in {"intake-uploads", "intake-orphans"}:
                done = 1
                while done:
                    async with life.service.database.transaction() as session:
                        now = max(self.clock.now(), SystemClock().now())  # the store's files have the machine's time
                        done = await role._work(session, now + _ALL_EXPIRED)

    async def assert_kept(self, life: Life, report_id: str, sent: list[bytes], gone: int) -> None:
        """Check that a report has each file that was sent, once and whole, with its custody.

        `gone`: how many pieces were taken back or erased.
        """
        rows = await self.rows(life, "intake", _OF_REPORT, id=report_id)
        kept = [row for row in rows if row.removed_at is None]
        found = [(row.size, row.link) for row in kept]
        assert sorted(row.sha256_sent for row in kept) == sorted(sha256(one).hexdigest() for one in sent), found
        assert len(rows) - len(kept) == gone, rows
        for row in kept:
            assert sha256(await life.parts.objects.get(row.object_name)).hexdigest() == row.sha256
            assert await self.custody(life, row.evidence_id) == ["evidence_added"]

    async def assert_nothing_is_left(self, life: Life) -> None:
        """Sweep, and check that the store has what evidence needs and nothing else."""
        await self.sweep(life)
        kept = await self.rows(life, "intake", "select object_name from evidence where removed_at is null")
        objects = [one.name async for page in life.parts.objects.found("") for one in page]
        assert sorted(objects) == sorted(row.object_name for row in kept)
        assert await self.rows(life, "intake", "select 1 from upload") == []

    async def custody(self, life: Life, evidence_id: object) -> list[str]:
        """Return how a piece came and went, as the chains of its cases say; who opened it is left out."""
        found = await self.rows(life, "triage", _CHAINS, id=str(evidence_id))
        return [row.action for row in found if row.action in {"evidence_added", "evidence_removed"}]

    async def assert_accounted_for(self) -> None:
        """Run the commands that say whether a report or a piece of evidence is missing or was changed."""
        for command in (("reconcile", "--wait", "60"), ("audit", "verify")):
            done = await in_process.signpost(*command)
            assert done.exit_code == 0, done.output


@asynccontextmanager
async def opened(postgres: PostgresForTests, folder: Path) -> AsyncIterator[Signpost]:
    """Open all services but intake on databases and a log of their own."""
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(postgres_log(postgres))
        clock, settings, others = ClockForTests(), {}, {}
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        patched.setattr("services.intake.app.create_app", _made_once(app.create_app))
        patched.setattr("services.intake.app.load_sources", cache(sources_yaml.load_sources))
        for name, opening in OPENING.items():
            url = await stack.enter_async_context(postgres.fresh(name))
            in_process.lead_commands_to(url, name, folder, patched)
            settings[name] = settings_of(name, url, folder)
            if name != "intake":
                others[name] = await stack.enter_async_context(opening(settings[name], clock=clock, log=log))
        patched.setenv("SIGNPOST_INTAKE_EVIDENCE_STORE", str(folder / "evidence"))
        yield Signpost(log, clock, settings, others, TokenIssuer(ensure_key_files(folder)[0].read_bytes()))


def _made_once(make: Callable[Concatenate[WebParts, _Wiring], FastAPI]) -> Callable[..., FastAPI]:
    """Let all lives share one web application, which takes a while to make: it knows its life by its parts alone."""
    made: list[FastAPI] = []

    def shared(parts: WebParts, *more: _Wiring.args, **wiring: _Wiring.kwargs) -> FastAPI:
        made[:] = made or [make(parts, *more, **wiring)]
        made[0].state.parts = parts
        return made[0]

    return shared


def _task() -> str:
    task = asyncio.current_task()
    return getattr(task.get_coro(), "__name__", "") if task else ""


def _mortal(life: Life) -> None:
    """Let each transaction that writes be two steps, and nothing reach the database or the store after death."""
    database, objects = life.service.database, life.parts.objects
    original = database.transaction

    @asynccontextmanager
    async def transaction() -> AsyncIterator[AsyncSession]:
        function = caller()
        if life.dead:
            raise GoneAlready
        async with original() as session:
            yield session
            await session.flush()
            wrote = bool(await session.scalar(_WROTE))
            if wrote:
                life.comes_by(function, Moment.BEFORE)
        if wrote:
            life.comes_by(function, Moment.AFTER)

    database.transaction = transaction  # type: ignore[method-assign]  # the point of this module
    for name in _EFFECTS:
        setattr(objects, name, _reached(life, getattr(objects, name)))


def _reached(life: Life, effect: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    async def reached(*arguments: object) -> None:
        if life.dead:
            raise GoneAlready
        await effect(*arguments)

    return reached
