"""Whatever makes a server unreachable, it is one temporary error, and one line for a person."""

import asyncio
from errno import EHOSTUNREACH
from socket import EAI_NONAME, gaierror
from ssl import SSLError

import pytest
from sqlalchemy import text

from shared.db import migrations
from shared.db.database import Database, DatabaseUnreachable
from shared.messaging.faults import class_of, is_transient

REFUSED = "@127.0.0.1:1/intake"
NO_SOCKET = "@/intake?host=/nowhere"


@pytest.mark.parametrize(
    ("address", "why", "kind"),
    [
        (REFUSED, "Connection refused", "ConnectionRefusedError"),
        (NO_SOCKET, "No such file or directory", "FileNotFoundError"),
    ],
)
async def test_a_server_that_cannot_be_reached_passes_and_is_named(address: str, why: str, kind: str) -> None:
    away = Database(f"postgresql+asyncpg://intake:hidden{address}", application_name="tests")
    with pytest.raises(DatabaseUnreachable) as unreachable:
        async with away.transaction() as session:
            await session.execute(text("select 1"))
    await away.close()
    assert is_transient(unreachable.value)
    assert class_of(unreachable.value) == kind
    assert str(unreachable.value).startswith(f"the database intake cannot be reached: {why}; check that")
    assert "hidden" not in str(unreachable.value)


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        (gaierror(EAI_NONAME, "Name or service not known"), "Name or service not known"),
        (OSError(EHOSTUNREACH, "Connect call failed ('192.0.2.1', 5432)"), "No route to host"),
        (SSLError(1, "certificate verify failed"), "certificate verify failed"),
        (OSError("Multiple exceptions: [Errno 111] both"), "Multiple exceptions: [Errno 111] both"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_its_reason_is_in_plain_words(reason: OSError, why: str) -> None:
    assert f"cannot be reached: {why}; " in str(DatabaseUnreachable("intake", reason))


async def test_a_time_out_is_recorded_as_one_and_not_as_the_cancellation_it_came_from() -> None:
    with pytest.raises(TimeoutError) as out_of_time:
        async with asyncio.timeout(0):
            await asyncio.Event().wait()
    assert class_of(DatabaseUnreachable("intake", out_of_time.value)) == "TimeoutError"


async def test_migrations_say_it_too() -> None:
    with pytest.raises(DatabaseUnreachable):
        await migrations.upgrade("intake", f"postgresql+asyncpg://intake:hidden{REFUSED}")
