"""What the routes of cases ask for."""

from typing import Annotated, cast

from fastapi import Depends, Request

from services.triage.cases.access import Viewer
from services.triage.cases.clocks import ClockRules
from services.triage.cases.handlers import Work
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction


async def _viewer(principal: Annotated[Principal, requires(Permission.WORK_CASES)]) -> Viewer:
    return Viewer.of(principal)


ViewerDep = Annotated[Viewer, Depends(_viewer)]
"""A responder; anybody else is turned away."""


async def _work(
    request: Request, session: Transaction, viewer: ViewerDep, now: Now, ids: IdsDep, outbox: OutboxDep
) -> Work:
    clocks = cast(ClockRules, request.app.state.clocks)
    return Work(session=session, viewer=viewer, now=now, ids=ids, outbox=outbox, clocks=clocks)


WorkDep = Annotated[Work, Depends(_work)]
