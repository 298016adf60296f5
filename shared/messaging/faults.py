"""Which errors pass by themselves. They are waited for, never dead-lettered."""

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.messaging.log import LogUnavailable

_PASSING = ("08", "40", "53", "57", "58")
"""SQLSTATE classes: connection, rollback (deadlock, serialisation), resources, operator intervention, system."""
_LOCK_NOT_AVAILABLE = "55P03"


def is_transient(error: BaseException) -> bool:
    """Say whether trying the same again later may succeed without anybody changing anything."""
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state.startswith(_PASSING) or state == _LOCK_NOT_AVAILABLE
    return isinstance(error, LogUnavailable | PoolTimeout | OSError | MemoryError)


def class_of(error: BaseException) -> str:
    """Return the name an error is recorded under; never its text, which may quote what a person wrote."""
    if isinstance(error, DBAPIError) and error.orig is not None:
        cause = error.orig.__cause__  # of a time-out it is a cancellation, which is no error
        return type(cause if isinstance(cause, Exception) else error.orig).__name__
    return type(error).__name__
