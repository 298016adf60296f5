"""A server that cannot be reached is one error, whatever the network says of it."""

import os
from socket import gaierror
from ssl import SSLError
from typing import Any, cast

from sqlalchemy import Dialect, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.errors import ExplainedError


class DatabaseUnreachable(OperationalError, ExplainedError):
    """No server answers where the database should be; as text, one line for a person."""

    def __init__(self, name: str, reason: OSError) -> None:
        super().__init__("connect", None, reason, hide_parameters=True, connection_invalidated=True)
        self._name = name

    def __str__(self) -> str:
        return (
            f"the database {self._name} cannot be reached: {_in_words(cast(OSError, self.orig))}; "
            "see that its PostgreSQL runs, and where SIGNPOST_*_DATABASE_URL looks for it"
        )


def _in_words(error: OSError) -> str:
    if error.errno and not isinstance(error, gaierror | SSLError):  # their numbers are no numbers of the system's
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__


def say_when_unreachable(engine: AsyncEngine) -> None:
    """Let `engine` raise `DatabaseUnreachable` when it connects in vain.

    Its driver lets out whatever the system says: no such socket, no such name, no route to the host.
    """
    event.listen(engine.sync_engine, "do_connect", _connect)


def _connect(
    dialect: Dialect, _record: object, arguments: tuple[Any, ...], parameters: dict[str, Any]
) -> DBAPIConnection:
    try:
        return dialect.connect(*arguments, **parameters)
    except OSError as error:
        raise DatabaseUnreachable(parameters.get("database", "?"), error) from error
