"""Dependencies of the case routes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request

from services.triage.cases.access import Viewer
from services.triage.cases.handlers import Work
from services.triage.cases.writer import CaseWriter, Forget
from services.triage.deadlines.domain import DeadlinePolicy
from services.triage.routing.domain import RuleBook
from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal
from shared.runtime import Parts, parts_of
from shared.web.dependencies import Now, Transaction


@dataclass(frozen=True, kw_only=True)
class CaseParts(Parts):
    """What the case routes need besides the parts of every service."""

    deadlines: DeadlinePolicy
    rules: Callable[[], RuleBook]
    """Gives the rule book in use."""
    incident_grace: timedelta
    forgets: Sequence[Forget]
    """Whoever derives something from the words of cases."""


async def _viewer(principal: Annotated[Principal, requires(Permission.WORK_CASES)]) -> Viewer:
    return Viewer.of(principal)


ViewerDep = Annotated[Viewer, Depends(_viewer)]
"""A responder; anyone else is refused."""


async def _work(request: Request, session: Transaction, viewer: ViewerDep, now: Now) -> Work:
    parts = parts_of(request, CaseParts)
    return Work(session, viewer, now, CaseWriter(parts.deadlines, parts.ids, parts.outbox, parts.forgets))


WorkDep = Annotated[Work, Depends(_work)]
