"""The page `/policy`."""

from collections import Counter

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.intake.policy.clauses_yaml import the_policy
from services.intake.policy.domain import State, by_part
from shared.auth.guard import Anyone
from shared.web.dependencies import Now
from shared.web.pages import render
from shared.web.times import UK

router = APIRouter()


@router.get("/policy", response_class=HTMLResponse, include_in_schema=False)
def policy_page(request: Request, _principal: Anyone, now: Now, state: State | None = None) -> HTMLResponse:
    """Show each clause with what Signpost does about it; `/policy#S3` is the address of a clause."""
    policy = the_policy()
    return render(
        request,
        "policy.html",
        policy=policy,
        parts=by_part(policy.in_state(state)),
        counts=Counter(clause.state for clause in policy.clauses),
        shown=state,
        overdue=policy.is_overdue(now.astimezone(UK).date()),
    )
