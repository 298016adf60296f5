"""The policy's own file, and the version of the policy that is in force: nothing else names one (R-a)."""

from functools import cache
from importlib import resources
from pathlib import Path

import yaml

_IN_THE_REPOSITORY = Path(__file__).parents[1] / "docs" / "policy" / "clauses.yaml"


@cache
def text() -> str:
    """Return the clause table that this installation carries; it cannot change while the process runs."""
    packaged = resources.files("shared") / "clauses.yaml"
    return (packaged if packaged.is_file() else _IN_THE_REPOSITORY).read_text("utf-8")


@cache
def version() -> str:
    """Return the version in force: the day on which its text was updated."""
    document = yaml.load(text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - safe; in C
    return str(document["text"]["updated"])
