"""Dependencies that any route can use. The transaction is committed before the answer is sent."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated

import limits
from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from shared.ids import Ids
from shared.messaging.outbox import Outbox
from shared.runtime import Parts, WebParts, parts_of
from shared.web.limits import address_of


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    async with parts_of(request, Parts).database.transaction() as session:
        yield session


async def _now(request: Request) -> datetime:
    return parts_of(request, WebParts).clock.now()


async def _ids(request: Request) -> Ids:
    return parts_of(request, Parts).ids


async def _outbox(request: Request) -> Outbox:
    return parts_of(request, Parts).outbox


# `async` although they await nothing, because FastAPI would run a plain function in a thread.
# `function` scope: a request-scoped dependency ends only after the answer was sent, when a failed commit could no
# longer turn a 201 into an error.
Transaction = Annotated[AsyncSession, Depends(_transaction, scope="function")]
Now = Annotated[datetime, Depends(_now)]
IdsDep = Annotated[Ids, Depends(_ids)]
OutboxDep = Annotated[Outbox, Depends(_outbox)]


def _address(request: Request) -> str:
    return address_of(request.scope)


def at_most(limit: str, of: Callable[[Request], str] = _address) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency that allows a route `limit` (such as `60/minute`) calls of one caller.

    Args:
        limit: how many, and in what time.
        of: says whose calls are counted together; by default those of one IP address.
    """
    parsed = limits.parse(limit)

    async def within_limit(request: Request) -> None:
        rates = parts_of(request, WebParts).rates
        rates.spend(parsed, str(request.scope["route"].path), of(request))

    return within_limit
