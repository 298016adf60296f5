"""The registry's form reader, and the page that imports pasted CSV."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from fastapi import Request
from fastapi.responses import HTMLResponse

from services.registry.context.domain import FIRST_DAY, LAST_DAY, unreadable_handle
from shared import text as rule
from shared.csv import RowError
from shared.events.platforms import PLATFORMS, InvalidHandle, canonical_handle
from shared.ids import StaffId
from shared.web.forms import LONGEST_VALUE, FormReader
from shared.web.pages import render


class RegistryForm(FormReader):
    """A form about accounts and their people."""

    def staff_id(self, name: str, needed: str | None = None) -> StaffId | None:
        """Return a staff id."""
        text = self.line(name, needed)
        return StaffId(text) if text else None

    def register_day(self, name: str, called: str, needed: str | None = None) -> date | None:
        """Return a day that the register accepts."""
        return self.day_between(name, called, (FIRST_DAY, LAST_DAY), needed)

    def platform(self) -> str | None:
        """Return the chosen platform."""
        return self.one_of("platform", PLATFORMS, "Choose a platform")

    def handle(self, platform: str | None) -> str | None:
        """Return the canonical handle on `platform`; without a platform, only a missing handle is an error."""
        typed = rule.line(self.first("handle"))
        if platform is None:
            if not typed:
                self.errors.add("handle", "Enter a handle, or the address of a profile")
            return None
        try:
            return canonical_handle(platform, typed)
        except InvalidHandle as why:
            self.errors.add("handle", unreadable_handle(why))
            return None


@dataclass(frozen=True, slots=True)
class ImportPage:
    """What is imported, and its columns."""

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


def read_import(form: FormReader, page: ImportPage) -> tuple[str, bool]:
    """Read the pasted rows, and whether to import the valid ones despite errors."""
    text = form.first("csv")
    if rule.is_blank(text):
        form.errors.add("csv", "Paste the lines of a CSV file, its header first")
    if len(text) > LONGEST_VALUE:
        form.errors.add("csv", f"Paste fewer lines at once, or import the file with the command `{page.command}`")
    return text, form.ticked("accept_valid")


def show_import(
    request: Request, page: ImportPage, form: FormReader, result: Imported | None = None, summary: str = ""
) -> HTMLResponse:
    """Show the form, and the result of the import."""
    if result and result.errors and not result.applied:
        form.errors.add("csv", "Nothing was imported: correct the rows listed, or import only the valid rows")
    return render(
        request,
        "accounts/import.html",
        422 if form.errors else 200,
        page=page,
        errors=form.errors,
        result=result,
        summary=summary,
        text=form.first("csv") if form.errors else "",
    )
