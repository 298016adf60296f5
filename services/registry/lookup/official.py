"""The public list of official accounts (D-official): as a page, as JSON and as CSV."""

from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import Account
from services.registry.accounts.queries import official_accounts
from shared.auth.guard import Anyone
from shared.csv import line
from shared.events.platforms import platform_label, profile_url
from shared.web.dependencies import Now, Transaction
from shared.web.pages import render

router = APIRouter(prefix="/accounts", tags=["official"])


class OfficialAccount(BaseModel):
    """What the public may know of an official account: never its status, nor who runs it."""

    model_config = ConfigDict(frozen=True)

    platform: str
    platform_name: str
    handle: str
    title: str | None
    url: str | None


class OfficialList(BaseModel):
    """The list, and when it was read from the register."""

    model_config = ConfigDict(frozen=True)

    accounts: tuple[OfficialAccount, ...]
    as_of: datetime


@router.get("/official", response_class=HTMLResponse, include_in_schema=False)
async def show(request: Request, session: Transaction, _principal: Anyone) -> HTMLResponse:
    """Show the list."""
    return render(request, "lookup/official.html", accounts=await _listed(session))


@router.get("/official.json")
async def as_json(session: Transaction, now: Now, _principal: Anyone) -> OfficialList:
    """Return the list as JSON."""
    return OfficialList(accounts=tuple(await _listed(session)), as_of=now)


@router.get("/official.csv", response_class=Response)
async def as_csv(session: Transaction, _principal: Anyone) -> Response:
    """Return the list as CSV, with formulas made harmless."""
    rows = [(entry.platform, entry.handle, entry.title or "", entry.url or "") for entry in await _listed(session)]
    text = "".join(map(line, [("platform", "handle", "title", "url"), *rows]))
    disposition = {"content-disposition": 'attachment; filename="official-accounts.csv"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=disposition)


async def _listed(session: AsyncSession) -> list[OfficialAccount]:
    return [_entry(account) for account in await official_accounts(session)]


def _entry(account: Account) -> OfficialAccount:
    kept = account.registration
    return OfficialAccount(
        platform=kept.platform,
        platform_name=platform_label(kept.platform),
        handle=kept.handle,
        title=kept.title,
        url=profile_url(kept.platform, kept.handle),
    )
