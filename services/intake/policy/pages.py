"""The page `/policy`."""

from collections import Counter
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.intake.policy.clauses_yaml import the_policy
from services.intake.policy.domain import State, by_part
from shared.auth.guard import Anyone
from shared.auth.permissions import Permission
from shared.runtime import WebParts, parts_of
from shared.web.dependencies import Now
from shared.web.pages import render
from shared.web.times import UK

router = APIRouter()


@dataclass(frozen=True, kw_only=True)
class PolicyParts(WebParts):
    """What the page needs besides the parts of every web application."""

    policy_url: str | None
    """Where the policy itself is published."""


@router.get("/policy", response_class=HTMLResponse, include_in_schema=False)
def policy_page(request: Request, principal: Anyone, now: Now, state: State | None = None) -> HTMLResponse:
    """Show each clause with what Signpost does about it; `/policy#S3` is the address of a clause."""
    policy = the_policy()
    return render(
        request,
        "policy.html",
        policy=policy,
        parts=by_part(policy.in_state(state)),
        counts=Counter(clause.state for clause in policy.clauses),
        shown=state,
        with_places=principal is not None and principal.may(Permission.SEE_OPERATIONS),
        policy_url=parts_of(request, PolicyParts).policy_url,
        overdue=policy.is_overdue(now.astimezone(UK).date()),
    )
