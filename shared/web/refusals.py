"""Refusals: for each domain error of a capability, one row that an API and a page answer with.

The API answers an RFC 9457 problem from the row. A page puts the same words beside a field of the form that asked, with
the same status.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from shared.web.forms import FormErrors
from shared.web.problems import FieldProblem, Problem

E = TypeVar("E", bound=Exception)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refusal:
    """How one domain error is answered; the error's own message stays inside.

    `members`, `headers` and `fields` read off the error what a client must know to go on: further members of the
    problem, headers of the answer, and what is wrong with each field.
    """

    status: int
    type: str
    """A short name, such as `case-claimed-by-another`."""
    title: str
    detail: str | None = None
    """What to do."""
    field: str | None = None
    """The field of a form that it is about; None: it is about none, and stands beside the form's first."""
    members: Callable[[Exception], Mapping[str, object]] | None = None
    headers: Callable[[Exception], Mapping[str, str]] | None = None
    fields: Callable[[Exception], Sequence[FieldProblem]] | None = None
    page: Callable[[Exception], str] | None = None
    """What a page says instead of title and detail, where the error knows more."""

    def words(self, error: Exception) -> str:
        """Return what is said beside a field."""
        if self.page:
            return self.page(error)
        return f"{self.title}. {self.detail}" if self.detail else self.title


Refusals = Mapping[type[Exception], Refusal]
"""A subclass of an error needs no row of its own."""


class WrongError(Exception):
    """A row was asked about an error of another kind; the message names both."""


def reading(kind: type[E], read: Callable[[E], T]) -> Callable[[Exception], T]:
    """Return `read` as a row takes it: for an error of `kind`."""

    def read_checked(error: Exception) -> T:
        if not isinstance(error, kind):
            raise WrongError(kind.__name__, type(error).__name__)
        return read(error)

    return read_checked


def refusal_of(error: Exception, refusals: Refusals) -> Refusal:
    """Return the row of `error`.

    Raises:
        KeyError: it has none.
    """
    return next(refusals[kind] for kind in type(error).__mro__ if kind in refusals)


def problem_of(refusal: Refusal, error: Exception) -> Problem:
    """Return what a domain error looks like from outside."""
    return Problem(
        refusal.status,
        refusal.type,
        refusal.title,
        refusal.detail,
        fields=refusal.fields(error) if refusal.fields else (),
        headers=refusal.headers(error) if refusal.headers else None,
        members=refusal.members(error) if refusal.members else None,
    )


async def attempt(
    session: AsyncSession, step: Awaitable[T], errors: FormErrors, refusals: Refusals, first_field: str
) -> T | int:
    """Do `step`; where it is refused, undo what it did, record the error and return the status of the answer.

    What is not there (404) is not about a form, unless its row has words for a page: that error is raised on.

    Args:
        session: whose transaction the step works in.
        step: the use case, not yet begun.
        errors: takes what to say.
        refusals: how each error is answered.
        first_field: the form's, for what is about no field.
    """
    about_the_form = tuple(kind for kind, row in refusals.items() if row.status != HTTPStatus.NOT_FOUND or row.page)
    try:
        async with session.begin_nested():
            return await step
    except about_the_form as error:
        return record_refusal(refusal_of(error, refusals), error, errors, first_field)


def record_refusal(
    refusal: Refusal, error: Exception, errors: FormErrors, first_field: str, *, prefix: str = ""
) -> int:
    """Record what a refusal says beside the fields of a form, and return the status of the answer.

    `prefix` stands before the fields that the error names, where several forms of a page ask for one name.
    """
    wrong = refusal.fields(error) if refusal.fields else ()
    for one in wrong:
        errors.add(prefix + one["name"], one["message"])
    if not wrong:
        errors.add(refusal.field or first_field, refusal.words(error))
    return refusal.status
