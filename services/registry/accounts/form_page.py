"""A page that asks for one thing: its fields, what was typed, and what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.registry.accounts.answers import Answers, first_answers
from shared.web.forms import FormErrors
from shared.web.pages import render


class Kind(StrEnum):
    """How a field is asked."""

    LINE = "line"
    ID = "id"
    """A short text: a staff id, a day."""
    WORDS = "words"
    CHOICE = "choice"
    LIST = "list"
    """One of many, from a list."""


@dataclass(frozen=True, slots=True)
class Field:
    """One question."""

    name: str
    label: str
    kind: Kind = Kind.LINE
    hint: str | None = None
    options: Mapping[str, str] | None = None
    """What can be chosen, by value."""
    hints: Mapping[str, str] | None = None
    """A hint beside an option, by value."""


@dataclass(frozen=True, slots=True)
class FormPage:
    """What the page says around its fields."""

    title: str
    action: str
    button: str
    back: tuple[str, str]
    """Text and address of the link back."""
    fields: Sequence[Field]
    intro: Sequence[str] = ()
    about: str | None = None
    """What it is about: a caption over the title."""
    version: int | None = None
    """The version that the answers are decided on."""


def show_form(
    request: Request,
    page: FormPage,
    answers: Answers | None = None,
    errors: FormErrors | None = None,
    status: int = 422,
) -> HTMLResponse:
    """Show the page; with errors, with everything that was typed."""
    return render(
        request,
        "accounts/form.html",
        status if errors else 200,
        page=page,
        answers=first_answers(answers or {}),
        errors=errors or FormErrors(),
    )


def given(**values: object) -> Answers:
    """Return what a form shows before anybody typed: what is known already."""
    return {name: [str(value)] for name, value in values.items() if value is not None}
