"""Reads the clause table from YAML."""

from datetime import date
from functools import cache
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.intake.policy.domain import Clause, InvalidClauses, Policy, State, complete
from shared.policy import text

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Place = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z_]+$")]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    title: _Text
    paraphrase: _Text
    serves: _Text
    where: Annotated[tuple[_Place, ...], Field(min_length=1)]
    state: State
    choice: _Text | None = None
    progress: _Text | None = None


class _PublishedText(BaseModel):
    model_config = ConfigDict(extra="forbid")

    title: _Text
    updated: date
    owner: _Text
    kept_by: _Text
    review_by: date


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: _PublishedText
    clauses: tuple[_Entry, ...]


@cache
def the_policy() -> Policy:
    """Return the policy that this installation carries; it cannot change while the process runs."""
    return parse(text())


def parse(table: str) -> Policy:
    """Read a clause table.

    Raises:
        InvalidClauses: it is not YAML, not of the described shape, or not complete.
    """
    try:
        document = _Document.model_validate(yaml.safe_load(table))
    except (yaml.YAMLError, ValidationError) as error:
        raise InvalidClauses(str(error)) from error
    clauses = [Clause(**entry.model_dump()) for entry in document.clauses]
    return Policy(**document.text.model_dump(), clauses=complete(clauses))
