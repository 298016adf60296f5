"""A 201 means committed; a commit that fails is an error, whatever the route returned."""

from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.responses import JSONResponse, Response
from sqlalchemy import text
from starlette.types import Message, Receive, Scope, Send

from shared.auth.guard import anyone
from shared.db.database import Database
from shared.runtime import Parts, parts_in
from shared.web.dependencies import IdsDep, Now, Transaction
from shared.web.problems import standard_problem
from tests.support.postgres import PostgresForTests
from tests.support.web import NOWHERE, START, WebForTests, browsing

router = APIRouter(dependencies=[Depends(anyone)])


@router.post("/report/api/v1/good")
async def good(session: Transaction, now: Now, ids: IdsDep) -> Response:
    await session.execute(text("insert into thing (name) values ('good')"))
    return JSONResponse({"at": now.isoformat(), "id": str(ids.uuid())}, 201)


@router.post("/report/api/v1/refused")
async def refused(session: Transaction) -> Response:
    await session.execute(text("insert into thing (name) values ('refused')"))
    raise standard_problem(409)


@router.post("/report/api/v1/late")
async def late(session: Transaction) -> Response:
    """Break a constraint that is checked at commit only."""
    await session.execute(text("insert into thing (name) values ('twice'), ('twice')"))
    return JSONResponse({}, 201)


@router.post("/report/api/v1/cut")
async def cut(session: Transaction) -> Response:
    """Lose the connection before the commit."""
    await session.execute(text("insert into thing (name) values ('cut')"))
    connection = await session.connection()
    raw = await connection.get_raw_connection()
    raw.driver_connection.terminate()  # type: ignore[union-attr] # asyncpg's own
    return JSONResponse({}, 201)


@pytest.fixture
async def database(postgres: PostgresForTests) -> AsyncIterator[Database]:
    async with postgres.fresh() as url:
        opened = Database(url, application_name="tests")
        async with opened.transaction() as session:
            await session.execute(text("create table thing (name text unique deferrable initially deferred)"))
        yield opened
        await opened.close()


@pytest.fixture
def app(web: WebForTests, database: Database) -> FastAPI:
    return web.app(router, parts=Parts(**web.with_database(database)))


async def names(database: Database) -> list[str]:
    async with database.transaction() as session:
        return list((await session.execute(text("select name from thing"))).scalars())


async def test_the_transaction_is_committed_before_the_answer_starts(app: FastAPI, database: Database) -> None:
    seen: list[list[str]] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen.append(await names(database))
            await send(message)

        await app(scope, receive, sending)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=watched), base_url="http://127.0.0.1") as client:
        answer = await client.post("/report/api/v1/good")
    assert (answer.status_code, answer.json()["at"]) == (201, START.isoformat())
    assert seen == [["good"]]


@pytest.mark.parametrize(("route", "status"), [("refused", 409), ("late", 500), ("cut", 503)])
async def test_what_fails_leaves_nothing_and_is_no_success(
    app: FastAPI, database: Database, route: str, status: int
) -> None:
    async with browsing(app) as client:
        answer = await client.post(f"/report/api/v1/{route}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert await names(database) == []


@pytest.mark.parametrize("address", ["@127.0.0.1:1/intake", "@/intake?host=/nowhere"], ids=["refused", "no-socket"])
async def test_a_database_that_is_away_is_503(app: FastAPI, address: str) -> None:
    away = Database(f"postgresql+asyncpg://intake:secret{address}", application_name="tests")
    app.state.parts = replace(parts_in(app, Parts), database=away)
    async with browsing(app) as client:
        answer = await client.post("/report/api/v1/good")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    await away.close()


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.InternalClientError("got result for unknown protocol state 3"),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_database_that_takes_no_connection_now_is_503(
    web: WebForTests, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    async def refuses(*_arguments: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr(asyncpg, "connect", refuses)
    app = web.app(router, parts=Parts(**web.with_database(NOWHERE)))
    async with browsing(app) as client:
        answer = await client.post("/report/api/v1/good")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
