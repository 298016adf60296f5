"""Writes docs/settings.md from the settings classes: `make docs`."""

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from services.intake.settings import IntakeSettings
from services.notifier.settings import NotifierSettings
from services.registry.settings import RegistrySettings
from services.triage.settings import TriageSettings
from shared.settings import PREFIX, ServiceSettings
from tests.architecture.source import ROOT, parsed

PAGE = ROOT / "docs" / "settings.md"
OWN: Mapping[str, type[ServiceSettings]] = {
    "intake": IntakeSettings,
    "triage": TriageSettings,
    "registry": RegistrySettings,
    "notifier": NotifierSettings,
}
HEAD = """# Settings

Signpost is configured by environment variables and by nothing else. `make run` needs none of them. A variable that is
missing, malformed or unknown stops the start with its name. This page is written by `make docs` from the settings
classes, and a test compares.

`SIGNPOST_DATA_DIR` (default `.signpost`) is where `make run` and `signpost up` keep everything, and `PORT` (default
`8000`) is where they listen. `signpost demo` reads `SIGNPOST_DEMO_CLIENT_SECRET` and `SIGNPOST_DEMO_TOKEN_URL` where an
identity provider gives the tokens of those who report. Lists are written `a,b,c`; durations in seconds or ISO 8601
(`PT4H`).
"""


def page() -> str:
    """Return the whole page."""
    parts = [HEAD, table("Every service", ServiceSettings, set())]
    common = set(ServiceSettings.model_fields)
    parts += [table(name.capitalize(), kind, common) for name, kind in OWN.items()]
    return "\n".join(parts)


def table(title: str, kind: type[ServiceSettings], without: set[str]) -> str:
    """Return one class as a section."""
    meanings = dict(described(kind))
    rows = [
        f"| `{PREFIX}{name.upper()}` | {default(field)} | {meanings.get(name, '')} |"
        for name, field in kind.model_fields.items()
        if name not in without
    ]
    return "\n".join([f"## {title}", "", "| Variable | Default | Meaning |", "| --- | --- | --- |", *rows, ""])


def described(kind: type[ServiceSettings]) -> Iterator[tuple[str, str]]:
    """Yield each field with the string literal that follows it in the source, as one line."""
    body = next(node for node in parsed(inspect.getsource(kind)).body if isinstance(node, ast.ClassDef)).body
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            yield ast.unparse(field.target), " ".join(str(text.value.value).split())


def default(field: FieldInfo) -> str:
    """Return a field's default in the form that the environment uses."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    match value:
        case None:
            return "none"
        case tuple():
            return f"`{','.join(map(str, value))}`" if value else "empty"
        case bool():
            return f"`{str(value).lower()}`"
        case timedelta():
            return f"`{TypeAdapter(timedelta).dump_python(value, mode='json')}`"
        case _:
            return f"`{value}`"


if __name__ == "__main__":
    Path(PAGE).write_text(page(), "utf-8")
    sys.stdout.write(f"{PAGE.relative_to(ROOT)} is written\n")
