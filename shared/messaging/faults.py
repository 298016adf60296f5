"""What an error means to a consumer: whether it is transient, its recorded name, and whether we are being cancelled.

A consumer waits for a transient error to pass, and never dead-letters an event for one.
"""

import asyncio

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.messaging.log import LogUnavailable

_TRANSIENT = ("08", "40", "53", "57", "58")
"""SQLSTATE classes: connection, rollback (deadlock, serialisation), resources, operator intervention, system."""
_LOCK_NOT_AVAILABLE = "55P03"


def is_transient(error: BaseException) -> bool:
    """Return whether the same work may succeed later without any change."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        cause = error.orig.__cause__ if error.orig else None
        lost = error.connection_invalidated or isinstance(cause, asyncpg.InternalClientError)  # it lost step
        return lost or state.startswith(_TRANSIENT) or state == _LOCK_NOT_AVAILABLE
    return isinstance(error, LogUnavailable | PoolTimeout | OSError | MemoryError)


def class_of(error: BaseException) -> str:
    """Return the name that an error is recorded under. Its text may quote what a person wrote, so it is never kept."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig.__cause__  # a time-out's cause is a cancellation, not an error
        return type(cause if isinstance(cause, Exception) else error.orig).__name__
    return type(error).__name__


def is_being_cancelled() -> bool:
    """Return whether this task itself is being cancelled, rather than something it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
