"""What the routes of rules ask for."""

from typing import Annotated, cast

from fastapi import Depends, Request

from services.triage.cases.access import Viewer
from services.triage.rules.reload import RunningBook
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.web.dependencies import Now


async def _viewer(principal: Annotated[Principal, requires(Permission.SEE_RULES)]) -> Viewer:
    return Viewer.of(principal)


async def _running(request: Request, now: Now) -> RunningBook:
    running = cast(RunningBook, request.app.state.rules)
    running.look(now)  # a process that only serves pages has no role that looks
    return running


ReaderDep = Annotated[Viewer, Depends(_viewer)]
"""Somebody who may read the rules; what cases they may see is another matter."""
Running = Annotated[RunningBook, Depends(_running)]
"""The book that decides, and what became of its file."""
