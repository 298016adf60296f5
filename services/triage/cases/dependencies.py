"""Dependencies of the case routes."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Request

from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.writer import CaseWriter, Forget
from services.triage.deadlines.domain import DeadlinePolicy
from services.triage.routing.domain import RuleBook
from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal
from shared.runtime import Parts, parts_of
from shared.web.dependencies import Now, Transaction

Repeated = Callable[[Work, Case], Awaitable[str]]
"""Says of a case whether the person whom it is about was targeted before; empty if not."""


class Queues(Protocol):
    """The queues that cases are opened from; `opened_from` is what the address of a case's page says of its queue."""

    def address(self, opened_from: str) -> str:
        """Return the address of the queue, at the page from which the case was opened."""
        ...

    async def following(self, work: Work, opened_from: str, case_id: UUID) -> Case | None:
        """Return the case to do next in that queue, other than `case_id`; None if it has no other."""
        ...


@dataclass(frozen=True, kw_only=True)
class CaseParts(Parts):
    """What the case routes need besides the parts of every service."""

    deadlines: DeadlinePolicy
    rules: Callable[[], RuleBook]
    """Gives the rule book in use."""
    incident_grace: timedelta
    queues: Queues
    repeated: Repeated
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
