"""What may stand in a log line: an allow-list. A field that nobody declared is masked, whatever it is called."""

import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import date, datetime, timedelta
from enum import Enum
from pathlib import PurePath
from types import TracebackType
from uuid import UUID

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
        "worker",
    ]
)
"""Names of ours for things of ours; what they say has no spaces, so that neither a sentence nor a name fits in."""

WORDS = frozenset({"route", "library_words"})
"""Fields that may hold spaces: a route as it is declared, and what a trusted library says about itself."""

_EVENT = re.compile(r"[a-z][a-z0-9_.]{1,60}")
_CODE = re.compile(r"[\w.:/+~=*$\[\]-]{1,120}")
_LONGEST = 300
_ALWAYS_SAFE = (bool, int, float, UUID, datetime, date, timedelta, type(None))


def redact(_logger: object, _method: str, event: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """Structlog processor: keep declared fields and figures, mask the rest, reduce exceptions to their frames."""
    error = event.pop("exc_info", None)
    kept: MutableMapping[str, object] = {name: _safe(name, value) for name, value in event.items()}
    if described := describe(error):
        kept["error"] = described
    return kept


def describe(error: object) -> Mapping[str, object] | None:
    """Return an exception as its type and where it happened: no message, no locals, no source lines."""
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
