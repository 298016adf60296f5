"""The least that takes a report over HTTP: a bare endpoint, one insert by asyncpg, durable before the answer."""

import asyncio
import os
import sys
from uuid import UUID, uuid4

import asyncpg
import typer
import uvloop
from fastapi import FastAPI, Request
from pydantic import BaseModel

from shared.server import listening, serve, stop_on_signals

PATH = "/reports"
TABLE = "create table if not exists report (id uuid primary key, body text not null)"
DATABASE = "BENCH_DATABASE"
_INSERT = "insert into report (id, body) values ($1, $2)"


class Report(BaseModel):
    """A report, checked no further than that it is one."""

    platform: str
    urls: list[str]
    behaviours: list[str]
    narrative: str


class Accepted(BaseModel):
    """Its name."""

    report_id: UUID


def bare(pool: asyncpg.Pool) -> FastAPI:
    """Return the application: nothing but the endpoint."""
    app = FastAPI(openapi_url=None)

    @app.post(PATH, status_code=201)
    async def take(report: Report, request: Request) -> Accepted:  # noqa: ARG001 -- read, and so checked
        accepted = Accepted(report_id=uuid4())
        await pool.execute(_INSERT, accepted.report_id, (await request.body()).decode())
        return accepted

    return app


async def _serve(port: int) -> None:
    stop = asyncio.Event()
    with listening("127.0.0.1", port) as listener:
        stop_on_signals(stop)
        async with asyncpg.create_pool(os.environ[DATABASE], min_size=5, max_size=10) as pool:
            await pool.execute(TABLE)
            sys.stdout.write(f"floor is ready: http://127.0.0.1:{listener.getsockname()[1]}\n")
            sys.stdout.flush()
            await serve(bare(pool), listener, (), stop)


def main(port: int = 0) -> None:
    """Serve until a signal, with the settings that Signpost is served with, and on a faster loop than its own."""
    uvloop.run(_serve(port))


if __name__ == "__main__":
    typer.run(main)
