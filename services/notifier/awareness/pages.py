"""`/alerts/awareness`: everybody says what they have read; a new text of the policy asks again (R-a, R-b, X2)."""

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.notifier.awareness.domain import DOCUMENTS, KEYS, Awareness
from services.notifier.awareness.handlers import acknowledge
from services.notifier.awareness.queries import awareness_of
from services.notifier.directory.signed_in import AsListed
from shared.ids import StaffId
from shared.web.dependencies import Now, Transaction
from shared.web.forms import FormErrors, read_form
from shared.web.pages import render

router = APIRouter(prefix="/alerts/awareness", include_in_schema=False)
_TEMPLATE = "awareness/page.html"
_CHOOSE = "Choose what you have read"


async def policy_version(request: Request) -> str:
    """Return the text of the policy that is in force."""
    return cast(str, request.app.state.policy_version)


Version = Annotated[str, Depends(policy_version)]


@router.get("", response_class=HTMLResponse)
async def page(request: Request, principal: AsListed, session: Transaction, version: Version) -> HTMLResponse:
    """Show what this person has read, and what is due."""
    return _shown(request, version, await _mine(session, principal.staff_id, version))


@router.post("")
async def say(request: Request, principal: AsListed, session: Transaction, version: Version, now: Now) -> Response:
    """Take what they say."""
    fields = await read_form(request, FormErrors())
    read = set(fields.get("read", ()))
    mine = await _mine(session, principal.staff_id, version)
    if not read or not read <= KEYS or principal.staff_id is None:
        return _shown(request, version, mine, errors=FormErrors({"read": _CHOOSE}))
    await acknowledge(session, principal.staff_id, read, version, now)
    return RedirectResponse("/alerts/awareness", status_code=303)


def _shown(request: Request, version: str, mine: Awareness | None, *, errors: FormErrors | None = None) -> HTMLResponse:
    context: dict[str, object] = {"version": version, "mine": mine, "documents": DOCUMENTS}
    return render(request, _TEMPLATE, 422 if errors else 200, **context, **({"errors": errors} if errors else {}))


async def _mine(session: Transaction, staff_id: StaffId | None, version: str) -> Awareness | None:
    """Return nothing for somebody whom no directory knows: a client, a person without a staff number."""
    return (await awareness_of(session, [staff_id], version))[staff_id] if staff_id else None
