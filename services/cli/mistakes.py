"""What is wrong with how a command was called, in one line of plain words."""

import re

from typer.exceptions import TyperException

_PLAIN = (
    (re.compile(r"Value error, "), ""),
    (re.compile(r"does not match the formats '%Y-%m-%d'"), "is not a date such as 2026-01-31"),
    (re.compile(r"Input should be a valid UUID.*", re.DOTALL), "it is not an id as lists show it"),
    (re.compile(r"Input should be"), "it has to be"),
    (re.compile(r"^Invalid value for"), "wrong value for"),
    (re.compile(r"\s*\n\s*"), " "),
)
"""What the library says, and what a person understands."""


def said_of(mistake: TyperException) -> str:
    """Return what is wrong and where to read more; empty where the help was shown instead."""
    words = str(mistake.format_message()).strip()
    if not words:
        return ""
    for pattern, plain in _PLAIN:
        words = pattern.sub(plain, words)
    context = getattr(mistake, "ctx", None)
    path = getattr(context, "command_path", "signpost")
    return f"{words[0].lower()}{words[1:].rstrip('.')}; see `{path} --help`"
