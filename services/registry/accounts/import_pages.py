"""Pages that import from pasted CSV; the accounts' own, and what other imports share with it."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.registry.accounts.csv_file import COLUMNS, NEEDED
from services.registry.accounts.importing import import_csv
from services.registry.context.forms import ImportPage, read_import, show_import
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction
from shared.web.forms import FormErrors, read_form

router = APIRouter(prefix="/accounts/import", include_in_schema=False)

Manager = Annotated[Principal, requires(Permission.MANAGE_REGISTER)]


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
