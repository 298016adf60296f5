"""What the routes of rules ask for."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from services.triage.cases.access import Viewer
from services.triage.rules.reload import RunningBook
from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal
from shared.runtime import Parts, parts_of
from shared.web.dependencies import Now


@dataclass(frozen=True, kw_only=True)
class RuleParts(Parts):
    """What the routes of rules need beside the parts of every service."""

    rules: RunningBook


async def _viewer(principal: Annotated[Principal, requires(Permission.SEE_RULES)]) -> Viewer:
    return Viewer.of(principal)


async def _running(request: Request, now: Now) -> RunningBook:
    running = parts_of(request, RuleParts).rules
    running.look(now)  # a process that only serves pages has no role that looks
    return running


ReaderDep = Annotated[Viewer, Depends(_viewer)]
"""A person who may read the rules; which cases they may see is another matter."""
Running = Annotated[RunningBook, Depends(_running)]
"""The book that decides, and what became of its file."""
