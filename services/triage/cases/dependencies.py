"""What the routes of cases ask for."""

from typing import Annotated, cast

from fastapi import Depends, Request

from services.triage.cases.access import Viewer
from services.triage.cases.handlers import Work
from services.triage.cases.writer import CaseWriter
from services.triage.deadlines.domain import DeadlinePolicy
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction


async def _viewer(principal: Annotated[Principal, requires(Permission.WORK_CASES)]) -> Viewer:
    return Viewer.of(principal)


ViewerDep = Annotated[Viewer, Depends(_viewer)]
"""A responder; any other person is turned away."""


async def _work(
    request: Request, session: Transaction, viewer: ViewerDep, now: Now, ids: IdsDep, outbox: OutboxDep
) -> Work:
    deadlines = cast(DeadlinePolicy, request.app.state.clocks)
    return Work(session, viewer, now, CaseWriter(deadlines, ids, outbox))


WorkDep = Annotated[Work, Depends(_work)]
