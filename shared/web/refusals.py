"""Refusals: for each domain error of a capability, one row with the answer of API and page.

The API answers with an RFC 9457 problem made from the row. A page shows the same words beside a field of its form,
with the same status.
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
    """How to answer one domain error; the error's own message is not shown.

    `members`, `headers` and `fields` get from the error what a client needs to continue: further members of the
    problem, headers of the answer, and what is wrong with each field.
    """

    status: int
    type: str
    """A short name, such as `case-claimed-by-another`."""
    title: str
    detail: str | None = None
    """What to do."""
    field: str | None = None
    """The form field that it is about. None: it is about no field, and is shown beside the form's first."""
    members: Callable[[Exception], Mapping[str, object]] | None = None
    headers: Callable[[Exception], Mapping[str, str]] | None = None
    fields: Callable[[Exception], Sequence[FieldProblem]] | None = None
    page: Callable[[Exception], str] | None = None
    """What a page says instead of title and detail, if the error knows more."""

    def words(self, error: Exception) -> str:
        """Return the message beside a field."""
        if self.page:
            return self.page(error)
        return f"{self.title}. {self.detail}" if self.detail else self.title


Refusals = Mapping[type[Exception], Refusal]
"""A subclass of an error needs no row of its own."""


class WrongError(Exception):
    """A row got an error of another kind; the message names both."""


def reading(kind: type[E], read: Callable[[E], T]) -> Callable[[Exception], T]:
    """Return `read`, which takes errors of `kind`, as a function for a row."""

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
    """Return the problem for a domain error."""
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
    session: AsyncSession,
    step: Awaitable[T],
    errors: FormErrors,
    refusals: Refusals,
    first_field: str,
    *,
    rehearsal: bool = False,
) -> T | int:
    """Do `step`; if it is refused, roll it back, record the error and return the status of the answer.

    A missing record (404) is not an error of the form unless its row has words for a page; that error is raised again.

    Args:
        session: the transaction of the step.
        step: the use case, not yet started.
        errors: where the message is recorded.
        refusals: how to answer each error.
        first_field: the form's first field, for errors that are about no field.
        rehearsal: undo the step also if it is not refused, before answers are shown once more.
    """
    about_the_form = tuple(kind for kind, row in refusals.items() if row.status != HTTPStatus.NOT_FOUND or row.page)
    try:
        async with session.begin_nested() as savepoint:
            done = await step
            if rehearsal:
                await savepoint.rollback()
            return done
    except about_the_form as error:
        return record_refusal(refusal_of(error, refusals), error, errors, first_field)


def record_refusal(
    refusal: Refusal, error: Exception, errors: FormErrors, first_field: str, *, prefix: str = ""
) -> int:
    """Record the messages of a refusal beside the fields of a form, and return the status of the answer.

    `prefix` comes before the fields that the error names, if several forms of a page have a field of the same name.
    """
    wrong = refusal.fields(error) if refusal.fields else ()
    for one in wrong:
        errors.add(prefix + one["name"], one["message"])
    if not wrong:
        errors.add(refusal.field or first_field, refusal.words(error))
    return refusal.status
