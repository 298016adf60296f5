"""Many rows at once, by PostgreSQL's COPY, inside a session's transaction (decision 0025)."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy
from sqlalchemy import JSON, Table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

_BEGIN = text("select 1")
_COPIED_WITHIN = 29.0
"""Seconds; below every limit that the driver is given for a command, which it only looks at once all is written."""


async def copy_in(session: AsyncSession, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add `rows`, which all name the same columns, to `table`. Any: each column has its own type.

    What the session holds back is written first, so that rows may refer to it. As with any insert, a constraint that
    refuses one row refuses them all.

    Raises:
        DBAPIError: the database refuses them, or is unavailable.
    """
    if not rows:
        return
    await session.flush()
    names = tuple(rows[0])
    driver = await _driver(session)
    try:
        await copy_records(driver, table.name, names, _records(table, names, rows))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError) as error:
        lost = not isinstance(error, asyncpg.PostgresError) or isinstance(error, asyncpg.PostgresConnectionError)
        raise DBAPIError(
            f"copy {table.name}", None, error, hide_parameters=True, connection_invalidated=lost
        ) from error


async def copy_records(
    driver: asyncpg.Connection | PoolConnectionProxy, table: str, names: Sequence[str], records: Iterable[Any]
) -> None:
    """Let the driver copy `records`, whose fields are `names`, into `table`.

    Raises:
        TimeoutError: the server is gone. While it waits to write, the driver is not told, and has no limit of its own.
    """
    async with asyncio.timeout(_COPIED_WITHIN):
        await driver.copy_records_to_table(table, records=records, columns=names)


async def _driver(session: AsyncSession) -> asyncpg.Connection:
    """Return the session's connection as the driver knows it, with the session's transaction begun on it."""
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, asyncpg.Connection):
        raise TypeError(type(driver))
    if not driver.is_in_transaction():
        await session.execute(_BEGIN)  # SQLAlchemy begins on the server with the first statement it sends
    return driver


def _records(table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[object, ...]]:
    """Yield `rows` as the driver encodes them: in the order of `names`, JSON as text."""
    written = [name for name in names if isinstance(table.c[name].type, JSON)]
    values = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)  # of one name, it makes no tuple
    for row in rows:
        yield values({**row, **{name: _json(row[name]) for name in written}} if written else row)


def _json(value: object) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
