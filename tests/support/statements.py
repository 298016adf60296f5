"""Statements are compiled once in a test process, as in a service; each test has an engine of its own."""

from collections.abc import MutableMapping
from typing import Any
from unittest.mock import patch

from sqlalchemy import Connection, Engine, event
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine.interfaces import Compiled
from sqlalchemy.util import LRUCache

_MOST = 5000
"""More statements than all tests have together."""


def compile_statements_once() -> None:
    """Give all engines of this process one cache: compiling takes longer than running most statements.

    Its keys begin with an engine's dialect. Those of our engines have one driver and one version of the server, so one
    is as good as another.
    """
    compiled: MutableMapping[Any, Compiled] = LRUCache(_MOST)

    def share(connection: Connection) -> None:
        connection.engine._compiled_cache = compiled

    event.listen(Engine, "engine_connect", share)
    patch.object(PGDialect_asyncpg, "__eq__", lambda one, other: type(one) is type(other)).start()
    patch.object(PGDialect_asyncpg, "__hash__", lambda one: hash(type(one))).start()
