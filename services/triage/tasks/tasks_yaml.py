"""The tasks that cases have by their kind, by the file `tasks.yaml`."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from services.triage.tasks.domain import CODE_TITLES, Template

FILE = Path(__file__).with_name("tasks.yaml")
_TEMPLATES = TypeAdapter(tuple[Template, ...])


@cache
def templates() -> tuple[Template, ...]:
    """Return the tasks that cases have by their kind, read once."""
    return _TEMPLATES.validate_python(yaml.safe_load(FILE.read_text("utf-8")))


def titles() -> Mapping[str, str]:
    """Return the title of each code."""
    return {one.code: one.title for one in templates()} | dict(CODE_TITLES)
