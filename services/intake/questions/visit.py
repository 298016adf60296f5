"""Who is filling in which form: a draft, found by a cookie that says nothing about them.

Each form's cookie goes to its own pages only, so that two forms can be half-filled side by side.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.drafts.domain import Answers, Draft
from services.intake.drafts.handlers import find_draft, keep_draft, lock_draft, new_cookie
from services.intake.questions.definition import Form
from shared.auth.guard import Anyone
from shared.auth.principal import Principal
from shared.web.dependencies import Now, Transaction

COOKIE = "signpost_draft"


def filling_in(form: Form) -> Callable[[Request], None]:
    """Return the dependency that tells the routes below which form they are of."""

    def of_this_form(request: Request) -> None:
        request.state.form = form

    return of_this_form


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who fills in a form."""

    form: Form
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
            self.give_cookie(response, cookie)

    async def begin(self, response: Response, answers: Answers, done: Collection[str]) -> None:
        """Keep the answers as a new draft of the visit's form."""
        cookie = new_cookie()
        await keep_draft(self.session, cookie, Draft(answers, frozenset(done)), self.now)
        self.give_cookie(response, cookie)

    def give_cookie(self, response: Response, cookie: str) -> None:
        """Let this browser, on the pages of this form alone, open the draft."""
        response.set_cookie(COOKIE, cookie, path=self.form.base, httponly=True, samesite="lax", secure=self.secure)


def form_of(request: Request) -> Form:
    """Return the form whose page is asked for."""
    return cast(Form, request.state.form)


async def _visit(request: Request, principal: Anyone, session: Transaction, now: Now) -> Visit:
    cookie = request.cookies.get(COOKIE)
    draft = await find_draft(session, cookie, now) or Draft()
    secure = bool(request.app.state.settings.secure)
    return Visit(form_of(request), session, now, principal, secure, cookie, draft)


FormDep = Annotated[Form, Depends(form_of)]
VisitDep = Annotated[Visit, Depends(_visit)]
