"""What the registry's routes share: the person's work, the version they read, checked texts, common refusals."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import Depends, Header, Request
from pydantic import AliasChoices, AliasGenerator, AliasPath, Field

from services.registry.context.domain import FIRST_DAY, LAST_DAY, Periods, Refused
from services.registry.context.work import NotAPerson, NotYourAccount, Observers, Work
from shared.auth.guard import SignedIn
from shared.runtime import Parts, parts_of
from shared.web.bodies import Line, Text
from shared.web.bodies import Name as AnyName
from shared.web.dependencies import Now, Transaction
from shared.web.forms import LONGEST_LINE, LONGEST_TEXT
from shared.web.problems import FieldProblem, standard_problem
from shared.web.refusals import Refusal, Refusals, reading

_ENTITY_TAG = re.compile(r'(?:W/)?"?(?P<version>[0-9]{1,9})"?')


@dataclass(frozen=True, kw_only=True)
class RegistryParts(Parts):
    """What the registry's routes and roles need."""

    periods: Periods
    observers: Observers


async def _work(request: Request, session: Transaction, principal: SignedIn, now: Now) -> Work:
    parts = parts_of(request, RegistryParts)
    return Work(
        session=session,
        actor=principal.staff_id or principal.subject,
        now=now,
        ids=parts.ids,
        outbox=parts.outbox,
        periods=parts.periods,
        observers=parts.observers,
        principal=principal,
    )


WorkDep = Annotated[Work, Depends(_work)]
"""The work of the signed-in person; each route also requires its permission."""


async def _version_read(if_match: Annotated[str | None, Header()] = None) -> int:
    """Return the version in `If-Match`; 0, which nothing has, for a value that is not a version of ours."""
    if if_match is None:
        raise standard_problem(428)
    tag = _ENTITY_TAG.fullmatch(if_match.strip())
    return int(tag["version"]) if tag else 0


Read = Annotated[int, Depends(_version_read)]
"""The version in `If-Match`."""


Words = Annotated[Text, Field(min_length=1, max_length=LONGEST_TEXT)]
"""A reason, a purpose, evidence."""


Name = Annotated[AnyName, Field(min_length=1, max_length=LONGEST_LINE)]
"""A title, a course."""


Id = Annotated[Line, Field(min_length=1, max_length=LONGEST_LINE)]
"""A staff id, a handle."""


Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]


def read_through(part: str) -> AliasGenerator:
    """Return how to read a body from an object: a field that the object lacks is read from its `part`."""
    return AliasGenerator(validation_alias=lambda field: AliasChoices(field, AliasPath(part, field)))


def _faults(error: Refused) -> Sequence[FieldProblem]:
    return [FieldProblem(name=fault.field, message=fault.message) for fault in error.faults]


REFUSALS: Refusals = {
    Refused: Refusal(422, "invalid", "Some answers are missing or not right", fields=reading(Refused, _faults)),
    NotAPerson: Refusal(403, "not-a-person", "Only a person can do this", "Use a token that names a staff id."),
    NotYourAccount: Refusal(
        403, "not-your-account", "Another person answers for this account", "Ask its owner, or communications."
    ),
}
