"""What a route can ask for. The transaction is committed before the answer leaves."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncSession

from shared.clock import Clock
from shared.db.database import Database
from shared.ids import Ids
from shared.messaging.outbox import Outbox


async def _transaction(request: Request) -> AsyncIterator[AsyncSession]:
    database = cast(Database, request.app.state.database)
    async with database.transaction() as session:
        yield session


async def _now(request: Request) -> datetime:
    return cast(Clock, request.app.state.clock).now()


async def _ids(request: Request) -> Ids:
    return cast(Ids, request.app.state.ids)


async def _outbox(request: Request) -> Outbox:
    return cast(Outbox, request.app.state.outbox)


# `async`, though they wait for nothing: FastAPI sends any other function to a thread and back.
# `function` scope: a request-scoped dependency would be left only after the answer was sent, and a failed commit
# could no longer turn a 201 into an error.
Transaction = Annotated[AsyncSession, Depends(_transaction, scope="function")]
Now = Annotated[datetime, Depends(_now)]
IdsDep = Annotated[Ids, Depends(_ids)]
OutboxDep = Annotated[Outbox, Depends(_outbox)]
