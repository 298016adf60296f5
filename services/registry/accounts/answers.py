"""Reads a posted form of the registry, field by field, with every error beside its field."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import TypeVar

from services.registry.accounts.domain import FIRST_DAY, LAST_DAY
from shared.events.platforms import PLATFORMS, InvalidHandle, canonical_handle
from shared.ids import StaffId
from shared.web.forms import FormErrors, refuse_null_characters

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
