"""The page that imports accounts from pasted CSV."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.registry.accounts.csv_file import COLUMNS, NEEDED
from services.registry.accounts.importing import import_csv
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction
from shared.web.forms import LONGEST_VALUE, FormErrors, read_form, refuse_null_characters
from shared.web.pages import render

router = APIRouter(prefix="/accounts/import", include_in_schema=False)
_PAGE = "accounts/import.html"

Manager = Annotated[Principal, requires(Permission.MANAGE_REGISTER)]


@router.get("", response_class=HTMLResponse)
async def ask(request: Request, _manager: Manager) -> HTMLResponse:
    """Show the form."""
    return render(request, _PAGE, columns=COLUMNS, needed=NEEDED)


@router.post("", response_class=HTMLResponse)
async def post_import(
    request: Request, session: Transaction, manager: Manager, now: Now, ids: IdsDep, outbox: OutboxDep
) -> HTMLResponse:
    """Import what was pasted; with any error nothing changes, unless the valid rows are asked for."""
    errors = FormErrors()
    answers = refuse_null_characters(await read_form(request), errors)
    text = answers.get("csv", [""])[0]
    accept_valid = answers.get("accept_valid") == ["yes"]
    if not text.strip():
        errors.add("csv", "Paste the lines of a CSV file, its header first")
    if len(text) > LONGEST_VALUE:
        errors.add("csv", "Paste fewer lines at once, or import the file with the command `signpost accounts import`")
    if errors:
        return render(request, _PAGE, 422, errors=errors, columns=COLUMNS, needed=NEEDED, text=text)
    result = await import_csv(
        session, text, accept_valid=accept_valid, outbox=outbox, now=now, ids=ids, actor=manager.subject
    )
    if result.errors and not result.applied:
        errors.add("csv", "Nothing was imported: correct the rows that are listed, or take the valid rows only")
    status = 422 if errors else 200
    return render(
        request,
        _PAGE,
        status,
        errors=errors,
        columns=COLUMNS,
        needed=NEEDED,
        result=result,
        text=text if errors else "",
    )
