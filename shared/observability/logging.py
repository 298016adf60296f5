"""Log configuration of a process: one line an event, JSON or for a person's eyes, redacted either way."""

import logging
import sys
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import orjson
import structlog
from structlog.typing import Processor

from shared.observability.redaction import redact
from shared.observability.tracing import current_trace_id

_TRUSTED = ("uvicorn", "alembic", "aiokafka", "signpost")
"""Libraries whose messages are about themselves. Of all others we log the name and the level only."""
_QUIETER = ("uvicorn.access", "python_multipart", "sqlalchemy", "aiosmtpd", "mail.log", "asyncio", "httpx")

_SAID_AGAIN_AFTER = 10.0
"""Seconds. While a broker is away its client says so dozens of times a second, and the log would hold nothing else."""
_REMEMBERED = 256


def configure_logging(level: str = "info", *, json: bool | None = None) -> None:
    """Set up structlog and the standard library's logging for this process.

    Args:
        level: `debug`, `info`, `warning` or `error`.
        json: JSON lines; by default unless standard error is a terminal.
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
    """Redact also where nobody configured logging: structlog's own default shows messages and local variables."""
    if not structlog.is_configured():
        _configure_structlog(logging.INFO, as_json=not sys.stderr.isatty())


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


def _log_uncaught(_kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    structlog.get_logger().critical("process_failed", exc_info=error)


class _IntoStructlog(logging.Handler):
    """Turns a library's record into an event of ours: its words only where the library is trusted, and not all over."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        trusted = record.name.split(".")[0] in _TRUSTED
        if trusted and not record.exc_info and self._said_just_now(record):
            return
        structlog.get_logger().log(
            record.levelno,
            "library_message",
            logger=record.name,
            library_words=record.getMessage() if trusted and not record.exc_info else None,
            exc_info=record.exc_info,
        )

    def _said_just_now(self, record: logging.LogRecord) -> bool:
        said = (record.name, record.getMessage())
        last = self._said.get(said)
        if last is not None and 0 <= record.created - last < _SAID_AGAIN_AFTER:
            return True
        if len(self._said) >= _REMEMBERED:
            self._said.clear()
        self._said[said] = record.created
        return False


def _with_trace(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if trace_id := current_trace_id():
        event.setdefault("trace_id", trace_id)
    return event


def _renderer(*, as_json: bool) -> Processor:
    if as_json:
        return structlog.processors.JSONRenderer(serializer=_to_json)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


def _to_json(event: object, **_options: object) -> str:
    return orjson.dumps(event, default=str).decode()
