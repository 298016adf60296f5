"""The page "Is it official?", and the public list of official accounts (D-official).

The question is sent in the body of a POST, because a handle in a URL would be logged.
"""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.registry.accounts.domain import CLASS_LABELS, Account
from services.registry.lookup.domain import more_about, read_question, title_of
from services.registry.lookup.queries import look_up, official_list
from shared.auth.guard import Anyone
from shared.events.platforms import platform_label, profile_url
from shared.web.dependencies import Transaction
from shared.web.forms import FormReader
from shared.web.pages import render

router = APIRouter(prefix="/accounts", include_in_schema=False)
_PAGE = "lookup/lookup.html"
_LONGEST = 2048


@dataclass(frozen=True, slots=True)
class Shown:
    """An account, as the page shows it: never its status."""

    platform: str
    handle: str
    title: str | None
    account_class: str
    profile: str | None


@router.get("/lookup", response_class=HTMLResponse)
async def ask(request: Request, _principal: Anyone) -> HTMLResponse:
    """Show the question."""
    return render(request, _PAGE)


@router.post("/lookup", response_class=HTMLResponse)
async def answer(request: Request, session: Transaction, principal: Anyone) -> HTMLResponse:
    """Answer the question."""
    form = await FormReader.posted(request)
    typed = form.first("account").strip()
    if not typed:
        form.errors.add("account", "Enter an account's address or name")
    if len(typed) > _LONGEST:
        form.errors.add("account", f"Enter an address or a name of at most {_LONGEST} characters")
    if form.errors:
        return render(request, _PAGE, 422, errors=form.errors, typed=typed)
    found = await look_up(session, read_question(typed), signed_in=principal is not None)
    return render(
        request,
        _PAGE,
        typed=typed,
        answer=found,
        title=title_of(found),
        more=more_about(found),
        accounts=[_shown(account) for account in found.accounts],
        resembles=[_shown(account) for account in found.resembles],
    )


@router.get("/official", response_class=HTMLResponse)
async def show_official(request: Request, session: Transaction, _principal: Anyone) -> HTMLResponse:
    """Show the public list."""
    return render(request, "lookup/official.html", accounts=await official_list(session))


def _shown(account: Account) -> Shown:
    kept = account.registration
    return Shown(
        platform=platform_label(kept.platform),
        handle=kept.handle,
        title=kept.title,
        account_class=CLASS_LABELS[kept.account_class],
        profile=profile_url(kept.platform, kept.handle),
    )
