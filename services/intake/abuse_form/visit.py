"""Who is filling in the form: a draft, found by a cookie that says nothing about them."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.drafts.domain import Answers, Draft
from services.intake.drafts.handlers import find_draft, keep_draft, lock_draft, new_cookie
from shared.auth.guard import Anyone
from shared.auth.principal import Principal
from shared.web.dependencies import Now, Transaction

BASE = "/report/abuse"
COOKIE = "signpost_draft"


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who fills in the form."""

    session: AsyncSession
    now: datetime
    principal: Principal | None
    secure: bool
    cookie: str | None = field(repr=False)
    draft: Draft = field(repr=False)

    @property
    def answers(self) -> Answers:
        return self.draft.answers

    @property
    def done(self) -> frozenset[str]:
        return self.draft.done

    @property
    def sent(self) -> bool:
        """Whether all that is left is what was sent."""
        return self.draft.outcome is not None

    async def locked(self) -> "Visit":
        """Return the visit with its draft as it is now, and make whoever else changes the draft wait."""
        return replace(self, draft=await lock_draft(self.session, self.cookie, self.now) or Draft())

    async def keep(self, response: Response, answers: Answers, done: Collection[str]) -> None:
        """Keep the answers; a first answer, and the first after a report was sent, begins a new draft."""
        known = self.cookie if self.done else None
        cookie = known or new_cookie()
        await keep_draft(self.session, cookie, Draft(answers, frozenset(done)), self.now)
        if known is None:
            response.set_cookie(COOKIE, cookie, path=BASE, httponly=True, samesite="lax", secure=self.secure)


async def _visit(request: Request, principal: Anyone, session: Transaction, now: Now) -> Visit:
    cookie = request.cookies.get(COOKIE)
    draft = await find_draft(session, cookie, now) or Draft()
    secure = bool(request.app.state.settings.secure)
    return Visit(session, now, principal, secure, cookie, draft)


VisitDep = Annotated[Visit, Depends(_visit)]
