"""Forms that are described by their fields: shown, read field by field, and shown again with each error in place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol, TypeVar

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.registry.context.csv_rows import RowError
from services.registry.context.domain import FIRST_DAY, LAST_DAY
from shared.events.platforms import PLATFORMS, InvalidHandle, canonical_handle
from shared.ids import StaffId
from shared.web.forms import LONGEST_VALUE, FormErrors, refuse_null_characters
from shared.web.pages import render

LONGEST_NAME = 200
LONGEST_TEXT = 2000

Answers = Mapping[str, list[str]]
E = TypeVar("E", bound=StrEnum)


class Cells:
    """The answers of one form, as texts without surrounding space."""

    def __init__(self, answers: Answers, errors: FormErrors) -> None:
        cleaned = refuse_null_characters(answers, errors)
        self._cells = {name: values[0].strip() for name, values in cleaned.items() if values}
        self._errors = errors

    def line(self, name: str, needed: str | None = None) -> str | None:
        """Return a short text; `needed` is what to say where there is none."""
        return self._text(name, needed, LONGEST_NAME)

    def words(self, name: str, needed: str | None = None) -> str | None:
        """Return a longer text; `needed` is what to say where there is none."""
        return self._text(name, needed, LONGEST_TEXT)

    def staff_id(self, name: str, needed: str | None = None) -> StaffId | None:
        """Return a staff id."""
        text = self.line(name, needed)
        return StaffId(text) if text else None

    def day(self, name: str, needed: str | None = None) -> date | None:
        """Return a day."""
        text = self.line(name, needed)
        if not text:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = None
        if day is None or not FIRST_DAY <= day <= LAST_DAY:
            self._errors.add(name, "Enter a day such as 2027-03-31")
            return None
        return day

    def choice(self, name: str, kind: type[E], needed: str | None = None) -> E | None:
        """Return one of a few words."""
        text = self._cells.get(name, "")
        if text in set(kind):
            return kind(text)
        if text or needed:
            self._errors.add(name, needed or "Choose one of the answers")
        return None

    def ticked(self, name: str) -> bool:
        """Say whether a box was ticked."""
        return self._cells.get(name) == "yes"

    def version(self, field: str) -> int:
        """Return the version that the page showed; an error of `field` where it is gone."""
        text = self._cells.get("version", "")
        if text.isascii() and text.isdigit():
            return int(text[:9])
        self._errors.add(field, "Reload the page and choose again")
        return 0

    def platform(self) -> str | None:
        """Return the platform that was chosen."""
        if (platform := self._cells.get("platform", "")) in PLATFORMS:
            return platform
        self._errors.add("platform", "Choose a platform")
        return None

    def handle(self, platform: str | None) -> str | None:
        """Return the canonical handle on `platform`; without one, only its absence can be told."""
        typed = self._cells.get("handle", "")
        if platform is None:
            if not typed:
                self._errors.add("handle", "Enter a handle, or the address of a profile")
            return None
        try:
            return canonical_handle(platform, typed)
        except InvalidHandle:
            self._errors.add("handle", "Enter a handle, or the address of a profile, of that platform")
            return None

    def _text(self, name: str, needed: str | None, longest: int) -> str | None:
        text = self._cells.get(name, "")
        if not text and needed:
            self._errors.add(name, needed)
        if len(text) > longest:
            self._errors.add(name, f"Use at most {longest} characters")
            return None
        return text or None


def first_answers(answers: Answers) -> dict[str, str]:
    """Return what was typed, to be shown again."""
    return {name: values[0].replace("\x00", "") for name, values in answers.items() if values}


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


@dataclass(frozen=True, slots=True)
class ImportPage:
    """What is imported, and from which columns."""

    title: str
    action: str
    back: tuple[str, str]
    needed: Sequence[str]
    possible: Sequence[str]
    command: str


class Imported(Protocol):
    """What an import did, or why it did nothing."""

    @property
    def errors(self) -> tuple[RowError, ...]: ...

    @property
    def applied(self) -> bool: ...


def read_import(answers: Answers, errors: FormErrors, page: ImportPage) -> tuple[str, bool]:
    """Read what was pasted, and whether the valid rows are to be taken."""
    cells = refuse_null_characters(answers, errors)
    text = cells.get("csv", [""])[0]
    if not text.strip():
        errors.add("csv", "Paste the lines of a CSV file, its header first")
    if len(text) > LONGEST_VALUE:
        errors.add("csv", f"Paste fewer lines at once, or import the file with the command `{page.command}`")
    return text, cells.get("accept_valid") == ["yes"]


def show_import(
    request: Request,
    page: ImportPage,
    *,
    errors: FormErrors | None = None,
    text: str = "",
    result: Imported | None = None,
    summary: str = "",
) -> HTMLResponse:
    """Show the form, and what became of what was pasted."""
    errors = errors or FormErrors()
    if result and result.errors and not result.applied:
        errors.add("csv", "Nothing was imported: correct the rows that are listed, or take the valid rows only")
    return render(
        request,
        "accounts/import.html",
        422 if errors else 200,
        page=page,
        errors=errors,
        result=result,
        summary=summary,
        text=text if errors else "",
    )
