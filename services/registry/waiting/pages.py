"""The page "What waits for you"."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.registry.accounts.views import name_of
from services.registry.approvals.views import request_view
from services.registry.context.dependencies import WorkDep
from services.registry.operators.views import REASON_LABELS
from services.registry.waiting.queries import waiting_for
from shared.web.pages import render

router = APIRouter(prefix="/accounts/waiting", include_in_schema=False)


@router.get("", response_class=HTMLResponse)
async def show_waiting(request: Request, work: WorkDep) -> HTMLResponse:
    """Show what waits for whoever is signed in."""
    found = await waiting_for(work)
    return render(
        request,
        "waiting/waiting.html",
        nothing=found.nothing,
        requests=[request_view(one) for one in found.requests],
        removals=[(name_of(account), one.operator, REASON_LABELS[one.because]) for account, one in found.removals],
        gates=[(name_of(account), operator) for account, operator in found.gates],
        exceptions=[(name_of(account), operator) for account, operator in found.exceptions],
        recoveries=[(name_of(account), account) for account in found.recoveries],
        reviews=[(name_of(account), account) for account in found.reviews],
        checks=[(name_of(account), account) for account in found.checks],
        today=work.today,
    )
