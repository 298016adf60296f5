"""Dependencies of the case routes."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Protocol

from fastapi import Depends, Request
from sqlalchemy import Select, select

from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.writer import CaseWriter, Follow, Forget
from services.triage.deadlines.domain import DeadlinePolicy
from services.triage.routing.domain import RuleBook
from shared.audit.chain import Activity
from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal
from shared.runtime import Parts, parts_of
from shared.web.dependencies import Now, Transaction

_REFERENCE = re.compile(r"SP-[0-9A-Z]{4}-[0-9A-Z]{4}(-[0-9]{1,4})?")
History = Callable[[Work, Case], Awaitable[Sequence[Activity]]]
"""Reads the activities of a case, as far as the viewer may know of them."""
Said = Callable[[Work, Case], Awaitable[str]]
"""Says in a line what another capability knows of a case; empty if there is nothing to say."""


class Queues(Protocol):
    """The queues that cases are opened from; `opened_from` is what the address of a case's page says of its queue."""

    def address(self, opened_from: str) -> str:
        """Return the address of the queue, or of another list, at the page from which the case was opened."""
        ...

    async def following(self, work: Work, opened_from: str, case: Case) -> Case | None:
        """Return the case to do after `case` in that queue; None if it has no other, or is no queue."""
        ...


@dataclass(frozen=True, slots=True)
class Section:
    """A part of casework, in the navigation of its pages."""

    text: str
    href: str
    count: Callable[[Viewer, datetime], Select[int]] | None = None
    """How many things there are for the viewer to do, up to a limit."""


@dataclass(frozen=True, kw_only=True)
class CaseParts(Parts):
    """What the case routes need besides the parts of every service."""

    deadlines: DeadlinePolicy
    rules: Callable[[], RuleBook]
    """Gives the rule book in use."""
    incident_grace: timedelta
    queues: Queues
    repeated: Said
    """Whether the person whom it is about was targeted before."""
    second_opinion: Said
    """What a second person decided."""
    personal_links: timedelta
    """How long cases are linked by an account that may be a private person's."""
    history: History
    sections: Sequence[Section]
    forgets: Sequence[Forget]
    """What forgets things that other capabilities derive from the words of cases."""
    follows: Sequence[Follow]
    """What changes the things that other capabilities keep about cases, when a case changes."""
    printing: asyncio.Semaphore
    """How many PDFs of cases are made at once."""

    def writer(self) -> CaseWriter:
        """Return what stores cases and their changes."""
        return CaseWriter(self.deadlines, self.ids, self.outbox, self.forgets, self.follows)


async def _viewer(principal: Annotated[Principal, requires(Permission.WORK_CASES)]) -> Viewer:
    return Viewer.of(principal)


ViewerDep = Annotated[Viewer, Depends(_viewer)]
"""A responder; anyone else is refused."""


async def _work(request: Request, session: Transaction, viewer: ViewerDep, now: Now) -> Work:
    return Work(session, viewer, now, parts_of(request, CaseParts).writer())


async def _sections(request: Request, session: Transaction, viewer: ViewerDep, now: Now) -> None:
    """Let the layout know the parts of casework and, where a page is read, how much each has to do; one statement."""
    sections, path = parts_of(request, CaseParts).sections, request.url.path
    here = max((one.href for one in sections if f"{path}/".startswith(f"{one.href}/")), key=len)
    asked = {one.href: one.count(viewer, now).scalar_subquery() for one in sections if one.count}
    read = asked and request.method == "GET"
    counts = dict(zip(asked, (await session.execute(select(*asked.values()))).one(), strict=True)) if read else {}
    current = {here: "page" if here == path else "true"}
    request.state.sections = [(one, current.get(one.href), counts.get(one.href)) for one in sections]
    request.state.notice = _notice(request)


def _notice(request: Request) -> tuple[str, str] | None:
    """Return what a list says was just done, and the reference of the case that it was done to; None for nothing."""
    done, reference = (request.query_params.get(name, "") for name in ("done", "case"))
    return (done, reference) if _REFERENCE.fullmatch(reference) else None


NAVIGATION = Depends(_sections)
"""For the routers of casework's pages: their navigation."""

WorkDep = Annotated[Work, Depends(_work)]
