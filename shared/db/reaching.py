"""A server that cannot be reached is one error, whatever the network says of it."""

import os
from typing import Any, cast

from sqlalchemy import Dialect, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine


class DatabaseUnreachable(OperationalError):
    """No server answers where the database should be; as text, one line for a person."""

    def __init__(self, name: str, reason: OSError) -> None:
        super().__init__("connect", None, reason, hide_parameters=True, connection_invalidated=True)
        self._name = name

    def __str__(self) -> str:
        error = cast(OSError, self.orig)
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else error.strerror or type(error).__name__
        return (
            f"the database {self._name} cannot be reached: {why}; "
            "see that its PostgreSQL runs, and where SIGNPOST_*_DATABASE_URL looks for it"
        )


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
