"""Pages that import from pasted CSV; the accounts' own, and what other imports share with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.registry.accounts.answers import Answers
from services.registry.accounts.csv_file import COLUMNS, NEEDED
from services.registry.accounts.csv_rows import RowError
from services.registry.accounts.importing import import_csv
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction
from shared.web.forms import LONGEST_VALUE, FormErrors, read_form, refuse_null_characters
from shared.web.pages import render

router = APIRouter(prefix="/accounts/import", include_in_schema=False)

Manager = Annotated[Principal, requires(Permission.MANAGE_REGISTER)]


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


PAGE = ImportPage(
    title="Import accounts",
    action="/accounts/import",
    back=("All accounts", "/accounts"),
    needed=NEEDED,
    possible=COLUMNS[len(NEEDED) :],
    command="signpost accounts import",
)


@router.get("", response_class=HTMLResponse)
async def ask(request: Request, _manager: Manager) -> HTMLResponse:
    """Show the form."""
    return show_import(request, PAGE)


@router.post("", response_class=HTMLResponse)
async def post_import(
    request: Request, session: Transaction, manager: Manager, now: Now, ids: IdsDep, outbox: OutboxDep
) -> HTMLResponse:
    """Import what was pasted; with any error nothing changes, unless the valid rows are asked for."""
    errors = FormErrors()
    text, accept_valid = read_import(await read_form(request), errors, PAGE)
    if errors:
        return show_import(request, PAGE, errors=errors, text=text)
    result = await import_csv(
        session, text, accept_valid=accept_valid, outbox=outbox, now=now, ids=ids, actor=manager.subject
    )
    summary = f"{result.registered} registered, {result.unchanged} already on the register"
    return show_import(request, PAGE, errors=errors, text=text, result=result, summary=summary)


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
