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
"""Seconds; shorter than any command time-out of the driver, which it checks only once everything is written."""


async def copy_in(session: AsyncSession, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add `rows`, which all have the same columns, to `table`. Any: each column has its own type.

    The session is flushed first, so that rows may refer to its objects. As with any insert, a constraint that refuses
    one row refuses them all.

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
        TimeoutError: the server is gone. The driver does not notice this while it writes, and has no time-out for it.
    """
    async with asyncio.timeout(_COPIED_WITHIN):
        await driver.copy_records_to_table(table, records=records, columns=names)


async def _driver(session: AsyncSession) -> asyncpg.Connection:
    """Return the driver's connection of the session, with the session's transaction begun on it."""
    connection = await session.connection()
    driver = (await connection.get_raw_connection()).driver_connection
    if not isinstance(driver, asyncpg.Connection):
        raise TypeError(type(driver))
    if not driver.is_in_transaction():
        await session.execute(_BEGIN)  # SQLAlchemy begins the transaction on the server only with its first statement
    return driver


def _records(table: Table, names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[object, ...]]:
    """Yield `rows` as the driver encodes them: in the order of `names`, JSON as text."""
    written = [name for name in names if isinstance(table.c[name].type, JSON)]
    values = itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)  # of one name, it gives no tuple
    for row in rows:
        yield values({**row, **{name: _json(row[name]) for name in written}} if written else row)


def _json(value: object) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
