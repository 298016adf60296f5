"""A service at run time: its parts, a web application, and roles that run until they are stopped."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypedDict, TypeVar

import structlog
from fastapi import FastAPI, Request
from jinja2 import Environment
from starlette.requests import HTTPConnection

from shared.auth.ended_sessions import EndedSessions
from shared.auth.provider_tokens import Provider
from shared.auth.tokens import TokenReader
from shared.clock import Clock
from shared.db.database import Database
from shared.ids import Ids
from shared.messaging.faults import is_being_cancelled
from shared.messaging.log import EventLog
from shared.messaging.outbox import Outbox
from shared.settings import ServiceSettings
from shared.web.forms import read_form
from shared.web.limits import RateLimits

_log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class WebParts:
    """What every web application needs, even one without a database."""

    service: str
    """The service's name in logs and metrics."""
    settings: ServiceSettings
    clock: Clock
    provider: Provider | None
    tokens: TokenReader
    ended: EndedSessions
    """The sessions that are over before they expire."""
    rates: RateLimits
    templates: Environment
    read_streamed: Callable[[Request], Awaitable[Mapping[str, Sequence[str]]]] = read_form
    """Reads what was typed beside files, on the paths that read their bodies as they arrive."""


@dataclass(frozen=True, kw_only=True)
class Parts(WebParts):
    """What the routes and roles of one service need.

    A capability whose routes need more has its own subclass; the service's bundle inherits from all of these.
    """

    database: Database
    log: EventLog
    outbox: Outbox
    ids: Ids


class WebFields(TypedDict):
    """The fields of `WebParts` as keywords, for bundles with more fields."""

    service: str
    settings: ServiceSettings
    clock: Clock
    provider: Provider | None
    tokens: TokenReader
    ended: EndedSessions
    rates: RateLimits
    templates: Environment


class Fields(WebFields):
    """The fields of `Parts` as keywords: `TriageParts(**fields, deadlines=policy)`."""

    database: Database
    log: EventLog
    outbox: Outbox
    ids: Ids


P = TypeVar("P", bound=WebParts)


class PartsMissing(Exception):
    """The application was wired without the parts that a route needs; the message names them."""


def parts_in(app: FastAPI, kind: type[P]) -> P:
    """Return the parts that `app` was wired with.

    Raises:
        PartsMissing: they are not of this kind.
    """
    parts = app.state.parts
    if not isinstance(parts, kind):
        raise PartsMissing(kind.__name__)
    return parts


def parts_of(request: HTTPConnection, kind: type[P]) -> P:
    """Return the parts of the application that answers `request`; raises as `parts_in` does."""
    return parts_in(request.app, kind)


class Role(Protocol):
    """A loop beside the web application: a consumer, a relay, a sweep."""

    @property
    def kind(self) -> str:
        """`web`, `consumer`, `relay`, `sweep` or `auditor`: the names for `signpost serve --roles`."""
        ...

    @property
    def name(self) -> str: ...

    @property
    def unready_because(self) -> str | None:
        """Why the role does not work right now; None if it does."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish current work and return."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """One wired service."""

    parts: Parts
    prefix: str
    app: FastAPI
    roles: Sequence[Role] = field(default_factory=tuple)

    @property
    def name(self) -> str:
        return self.parts.service

    @property
    def database(self) -> Database:
        return self.parts.database


def why_unready(roles: Sequence[Role]) -> Sequence[str]:
    """Return the reasons why `roles` do not work right now; empty if all do."""
    return [f"{role.name}: {why}" for role in roles if (why := role.unready_because)]


def keep_what_is_wired() -> None:
    """Exclude objects created at start from garbage collection: they stay until the process ends (decision 0029)."""
    gc.collect()
    gc.freeze()


async def run_roles(roles: Sequence[Role], stop: asyncio.Event) -> None:
    """Run `roles` side by side until `stop`; if one crashes, all stop, so that a supervisor can restart the process."""
    async with asyncio.TaskGroup() as group:
        for role in roles:
            group.create_task(_run(role, stop), name=role.name)
        group.create_task(stop.wait(), name="stop")  # without any role, wait for `stop` alone


class RoleEnded(Exception):
    """A role ended although it was not asked to; the message is its name."""


async def _run(role: Role, stop: asyncio.Event) -> None:
    _log.info("role_started", role=role.name, kind=role.kind)
    try:
        await role.run(stop)
    except asyncio.CancelledError as ended:
        if is_being_cancelled():
            raise
        _log.error("role_ended", role=role.name)  # without the error, whose text may be a person's words
        raise RoleEnded(role.name) from ended  # a task group treats a cancellation as a normal end
    finally:
        stop.set()
        _log.info("role_stopped", role=role.name, kind=role.kind)
