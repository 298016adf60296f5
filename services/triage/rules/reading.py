"""Reads a rule book that somebody just wrote: whatever is wrong with it, the answer is a place and a reason."""

from pathlib import Path

import yaml

from services.triage.routing.domain import RuleBook
from services.triage.routing.rulebook import RuleBookRefused, parse

WHOLE = "(the file)"
_BROKEN_YAML = (yaml.YAMLError, RecursionError, ValueError, AttributeError, TypeError)
"""What PyYAML raises for control characters, depth, and values that claim to be dates or numbers and are not."""


def read_text(path: Path) -> str:
    """Return the text of a rule book.

    Raises:
        RuleBookRefused: it is not there, may not be read, or is not in UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RuleBookRefused(WHOLE, line, 1, "is not in UTF-8") from None
    except OSError as error:
        raise RuleBookRefused(WHOLE, 1, 1, f"cannot be read ({error.strerror})") from None


def read(text: str) -> RuleBook:
    """Type-check the book in `text`.

    Raises:
        RuleBookRefused: says where and why.
    """
    try:
        return parse(text)
    except _BROKEN_YAML as error:
        raise RuleBookRefused(WHOLE, _line_of(error, text), 1, _reason(error)) from None


def _line_of(error: Exception, text: str) -> int:
    position = getattr(error, "position", None)
    return text.count("\n", 0, position) + 1 if isinstance(position, int) else 1


def _reason(error: Exception) -> str:
    if isinstance(error, yaml.reader.ReaderError):
        return "holds a character that YAML does not allow"
    if isinstance(error, RecursionError):
        return "is nested too deeply"
    return "holds a date or a number that is none"
