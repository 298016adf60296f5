"""Log configuration of a process: one line per event, as JSON or for a terminal, redacted in both cases.

Fields are on an allow-list: a field that is not declared here is masked.
"""

import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import PurePath
from types import TracebackType
from typing import Any
from uuid import UUID

import orjson
import structlog
from structlog.typing import Processor

from shared.observability.traces import current_trace_id

MASK = "[redacted]"
UNNAMED = "unnamed_event"
CODES = frozenset(
    [
        "action",
        "attempt",
        "backlog",
        "capability",
        "channel",
        "clause",
        "code",
        "column",
        "command",
        "component",
        "consumer",
        "content_kind",
        "database",
        "decision",
        "direction",
        "error",
        "event_type",
        "folder",
        "from_state",
        "generation",
        "group",
        "hash",
        "host",
        "job",
        "kind",
        "level",
        "line",
        "logger",
        "member",
        "method",
        "migration",
        "mode",
        "of_hash",
        "offset",
        "outcome",
        "partition",
        "permission",
        "port",
        "prefix",
        "priority",
        "problem",
        "queue",
        "reason",
        "reference",
        "relay",
        "release",
        "report_type",
        "revision",
        "role",
        "roles",
        "rule",
        "sequence",
        "service",
        "setting",
        "signal",
        "source",
        "sqlstate",
        "stage",
        "state",
        "status",
        "step",
        "subject_kind",
        "sweep",
        "table",
        "team",
        "template",
        "timestamp",
        "to_state",
        "topic",
        "trace_id",
        "traceparent",
        "transport",
        "type",
        "version",
        "who_hash",
        "worker",
    ]
)
"""Fields with our own codes. Their values have no spaces, so that they cannot hold a sentence or a full name."""
WORDS = frozenset({"route", "library_words"})
"""Fields that may hold spaces: a declared route, and the messages of trusted libraries."""
_EVENT = re.compile(r"[a-z][a-z0-9_.]{1,60}")
_CODE = re.compile(r"[\w.:/+~=*$\[\]-]{1,120}")
_LONGEST = 300
_ALWAYS_SAFE = (bool, int, float, UUID, datetime, date, timedelta, type(None))
_TRUSTED = ("uvicorn", "alembic", "aiokafka", "signpost")
"""Libraries whose messages are only about themselves. For all others we log just the name and the level."""
_QUIETER = ("uvicorn.access", "python_multipart", "sqlalchemy", "aiosmtpd", "mail.log", "asyncio", "httpx")
_REPEATED_AFTER = 10.0
"""Seconds. While a broker is unavailable its client logs it dozens of times a second, and would fill the log."""
_REMEMBERED = 256


def configure_logging(level: str = "info", *, json: bool | None = None) -> None:
    """Set up structlog and the standard library's logging for this process.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        json: JSON lines; the default unless standard error is a terminal.
    """
    threshold = logging.getLevelNamesMapping()[level.upper()]
    _configure_structlog(threshold, as_json=not sys.stderr.isatty() if json is None else json)
    logging.basicConfig(handlers=[_IntoStructlog()], level=max(threshold, logging.INFO), force=True)
    sys.excepthook = _log_uncaught
    for name in _QUIETER:
        logging.getLogger(name).setLevel(logging.WARNING)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True


def redact_by_default() -> None:
    """Redact even before logging is configured, because structlog's default shows messages and local variables."""
    if not structlog.is_configured():
        _configure_structlog(logging.INFO, as_json=not sys.stderr.isatty())


def redact(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """Structlog processor: keep declared fields and numbers, mask the rest, reduce exceptions to their frames."""
    error = event.pop("exc_info", None)
    kept: MutableMapping[str, object] = {name: _safe(name, value) for name, value in event.items()}
    if described := describe(error):
        kept["error"] = described
    return kept


def describe(error: object) -> Mapping[str, object] | None:
    """Return an exception's type and place, without message, local variables or source lines."""
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if not isinstance(error, BaseException):
        return None
    described: dict[str, object] = {"type": _type_name(error), "frames": _frames(error.__traceback__)}
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        described["cause"] = describe(cause)
    if isinstance(error, BaseExceptionGroup):
        described["group"] = [describe(inner) for inner in error.exceptions]
    return described


def _configure_structlog(threshold: int, *, as_json: bool) -> None:
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _with_trace,
            redact,
            _renderer(as_json=as_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def _renderer(*, as_json: bool) -> Processor:
    if as_json:
        return structlog.processors.JSONRenderer(serializer=_to_json)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


def _to_json(event: object, **_options: object) -> str:
    return orjson.dumps(event, default=str).decode()


def _with_trace(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if trace_id := current_trace_id():
        event.setdefault("trace_id", trace_id)
    return event


def _log_uncaught(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    structlog.get_logger().critical("process_failed", exc_info=error)


class _IntoStructlog(logging.Handler):
    """Turns a library's record into one of our events; keeps its message only if the library is trusted."""

    def __init__(self) -> None:
        super().__init__()
        self._logged: dict[tuple[str, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        trusted = record.name.split(".")[0] in _TRUSTED
        if trusted and not record.exc_info and self._logged_just_now(record):
            return
        structlog.get_logger().log(
            record.levelno,
            "library_message",
            logger=record.name,
            library_words=record.getMessage() if trusted and not record.exc_info else None,
            exc_info=record.exc_info,
        )

    def _logged_just_now(self, record: logging.LogRecord) -> bool:
        said = (record.name, record.getMessage())
        last = self._logged.get(said)
        if last is not None and 0 <= record.created - last < _REPEATED_AFTER:
            return True
        if len(self._logged) >= _REMEMBERED:
            self._logged.clear()
        self._logged[said] = record.created
        return False


def _frames(trace: TracebackType | None) -> list[str]:
    return [f"{_module_path(f.filename)}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)][-12:]


def _module_path(filename: str) -> str:
    return "/".join(PurePath(filename).parts[-3:])


def _type_name(error: BaseException) -> str:
    sqlstate = getattr(getattr(error, "orig", None), "sqlstate", None)
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{name}[{sqlstate}]" if isinstance(sqlstate, str) else name


def _safe(name: str, value: object) -> object:
    if isinstance(value, Enum):
        return _safe(name, value.value)
    if isinstance(value, _ALWAYS_SAFE):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_safe(name, part) for part in value]
    return _safe_text(name, str(value)) if isinstance(value, str | PurePath) else MASK


def _safe_text(name: str, text: str) -> str:
    if name == "event":
        return text if _EVENT.fullmatch(text) else UNNAMED
    if name in WORDS:
        return text[:_LONGEST]
    return text if name in CODES and _CODE.fullmatch(text) else MASK
