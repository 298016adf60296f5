"""The page "Is it official?", and the public list of official accounts (D-official).

The form sends the question in the body of a POST, so that a handle is in a URL, and in the browser's history, only if
someone made a link to the answer (`?account=…&platform=…`).
"""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import CLASS_LABELS, Account
from services.registry.lookup.domain import Answer, LookupResult, read_question, sentence_of
from services.registry.lookup.queries import look_up, official_list
from shared import text as rule
from shared.auth.guard import Anyone
from shared.events.platforms import PLATFORMS, platform_label, profile_url
from shared.events.vocabulary import AccountClass
from shared.web.dependencies import Transaction
from shared.web.forms import FormReader
from shared.web.pages import render

router = APIRouter(prefix="/accounts", include_in_schema=False)
_PAGE = "lookup/lookup.html"
_LONGEST = 2048
_MUCH_TOO_LONG = 4096


@dataclass(frozen=True, slots=True)
class Shown:
    """An account, as the page shows it: never its status."""

    platform: str
    handle: str
    title: str | None
    account_class: str
    profile: str | None


@router.get("/lookup", response_class=HTMLResponse)
async def ask(
    request: Request,
    session: Transaction,
    principal: Anyone,
    account: Annotated[str, Query(max_length=_MUCH_TOO_LONG)] = "",
    platform: Annotated[str, Query(max_length=_MUCH_TOO_LONG)] = "",
) -> HTMLResponse:
    """Show the question, or the answer to the question in the link."""
    if not account.strip():
        return render(request, _PAGE)
    form = FormReader({"account": [account], "platform": [platform]})
    return await _answer(request, session, form, signed_in=principal is not None)


@router.post("/lookup", response_class=HTMLResponse)
async def answer(request: Request, session: Transaction, principal: Anyone) -> HTMLResponse:
    """Answer the question."""
    form = await FormReader.posted(request)
    return await _answer(request, session, form, signed_in=principal is not None)


async def _answer(request: Request, session: AsyncSession, form: FormReader, *, signed_in: bool) -> HTMLResponse:
    typed, platform = rule.line(form.first("account")), form.first("platform").strip() or None
    if not typed:
        form.errors.add("account", "Enter an account's address or name")
    if len(typed) > _LONGEST:
        form.errors.add("account", f"Enter an address or a name of at most {_LONGEST} characters")
    if platform is not None and platform not in PLATFORMS:
        form.errors.add("account", "Enter the account again: the link names a platform that is not known here")
    if form.errors:
        return render(request, _PAGE, 422, errors=form.errors, typed=typed)
    found = await look_up(session, read_question(typed, platform), signed_in=signed_in)
    return render(
        request,
        _PAGE,
        typed=typed,
        answer=found,
        said=sentence_of(found),
        link=_link(found),
        accounts=[_shown(account) for account in found.accounts],
        resembles=[_shown(account) for account in found.resembles],
    )


def _link(found: Answer) -> str | None:
    """Return the link to an answer that everybody may have: that an account is the department's own."""
    if found.result is not LookupResult.SANCTIONED or found.account_class is not AccountClass.OFFICIAL:
        return None
    kept = found.accounts[0].registration
    return f"/accounts/lookup?{urlencode({'account': kept.handle, 'platform': kept.platform})}"


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
