"""What a service is made of at run time: a web application and roles that run until they are told to stop."""

import asyncio
import gc
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog
from fastapi import FastAPI

from shared.cancellation import is_being_cancelled
from shared.db.database import Database

_log = structlog.get_logger()


class Role(Protocol):
    """A loop beside the web application: a consumer, a relay, a sweep."""

    @property
    def kind(self) -> str:
        """`consumer`, `relay` or `sweep`: what `signpost serve --roles` chooses by."""
        ...

    @property
    def name(self) -> str: ...

    @property
    def unready_because(self) -> str | None:
        """Why the role does not do its work right now; None when it does."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set, then finish what is in hand and return."""
        ...


@dataclass(frozen=True, slots=True)
class Service:
    """One wired service."""

    name: str
    prefix: str
    app: FastAPI
    database: Database
    roles: Sequence[Role] = field(default_factory=tuple)


def keep_what_is_wired() -> None:
    """Take what the start has made out of the collector's rounds: it stays until the process ends (decision 0029)."""
    gc.collect()
    gc.freeze()


async def run_roles(roles: Sequence[Role], stop: asyncio.Event) -> None:
    """Run `roles` side by side until `stop`; one that crashes stops them all, so that a supervisor can restart."""
    async with asyncio.TaskGroup() as group:
        for role in roles:
            group.create_task(_run(role, stop), name=role.name)
        group.create_task(stop.wait(), name="stop")  # without any role there is still something to wait for


class RoleEnded(Exception):
    """A role came to an end that nobody asked for; the message is its name."""


async def _run(role: Role, stop: asyncio.Event) -> None:
    _log.info("role_started", role=role.name, kind=role.kind)
    try:
        await role.run(stop)
    except asyncio.CancelledError as ended:
        if is_being_cancelled():
            raise
        _log.error("role_ended", role=role.name)  # its name is not told with the error, whose words may be a person's
        raise RoleEnded(role.name) from ended  # a task group takes a cancellation for an end in good order
    finally:
        stop.set()
        _log.info("role_stopped", role=role.name, kind=role.kind)
