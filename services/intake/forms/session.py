"""Who is filling in which form: a draft, found by a cookie that says nothing about them.

Each form's cookie goes to its own pages only, so that two forms can be half-filled side by side.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request
from fastapi.responses import Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.forms.domain import Answers, Draft, DraftFile
from services.intake.forms.forms import Form
from services.intake.forms.handlers import find_draft, keep_draft, lock_draft, new_cookie
from services.intake.reports.access import WrongCodeLimit
from services.intake.settings import OfficialChannel
from shared.auth.guard import Anyone
from shared.auth.permissions import Principal
from shared.runtime import Parts, parts_of
from shared.web.cookies import Cookie
from shared.web.dependencies import Now, Transaction


def draft_cookie(form: Form) -> Cookie:
    """Return the cookie that finds the draft of `form`."""
    return Cookie("signpost_draft", form.base)


@dataclass(frozen=True, kw_only=True)
class FormParts(Parts):
    """What the pages of forms need besides the parts of every service."""

    forms: Mapping[str, Form]
    """Each form by its name."""
    official_channels: Mapping[str, OfficialChannel]
    """Name of a form → where else such a report must be sent."""
    wrong_draft_codes: WrongCodeLimit


def routes_of(form: Form) -> Callable[[Request], None]:
    """Return the dependency that says which form the routes below belong to."""

    def of_this_form(request: Request) -> None:
        request.state.form = form

    return of_this_form


@dataclass(frozen=True, slots=True)
class FormSession:
    """One request of a person who fills in a form."""

    form: Form
    transaction: AsyncSession
    now: datetime
    principal: Principal | None
    secure: bool
    cookie: str | None = field(repr=False)
    draft: Draft = field(repr=False)
    begun: bool
    """Whether the cookie opens a draft, or what was sent."""

    @property
    def answers(self) -> Answers:
        return self.draft.answers

    @property
    def done(self) -> frozenset[str]:
        return self.draft.done

    @property
    def is_sent(self) -> bool:
        """Whether the report was sent, so that no answers are left."""
        return self.draft.sent is not None

    async def locked(self) -> "FormSession":
        """Return the session with its draft as it is now; another request that changes the draft waits."""
        draft = await lock_draft(self.transaction, self.cookie, self.now)
        return replace(self, draft=draft or Draft(), begun=draft is not None)

    async def keep(
        self, answers: Answers, done: Collection[str], files: Sequence[DraftFile] | None = None
    ) -> "FormSession":
        """Keep the answers and, if they changed, the files.

        A first answer, and the first after a report was sent, begins a new draft.
        """
        goes_on = self.cookie and self.begun and not self.is_sent
        cookie = self.cookie if self.cookie and goes_on else new_cookie()
        waiting = self.draft.files if files is None and goes_on else files or ()
        draft = Draft(answers, frozenset(done), form=self.form.name, files=tuple(waiting))
        await keep_draft(self.transaction, cookie, draft, self.now)
        return replace(self, cookie=cookie, draft=draft, begun=True)

    def give_cookie(self, response: Response) -> None:
        """Let this browser open the draft, on the pages of this form alone."""
        if self.cookie:
            draft_cookie(self.form).give(response, self.cookie, secure=self.secure)

    def forget_cookie(self, response: Response) -> None:
        """Let this browser forget how to open the draft."""
        draft_cookie(self.form).take(response, secure=self.secure)


def _form(request: Request) -> Form:
    return cast(Form, request.state.form)


async def session_of(
    request: Request, principal: Principal | None, transaction: AsyncSession, now: datetime
) -> FormSession:
    """Return the session of a request, in a transaction."""
    form, secure = _form(request), parts_of(request, FormParts).settings.secure
    cookie = draft_cookie(form).value(request, secure=secure)
    draft = await find_draft(transaction, cookie, now)
    return FormSession(form, transaction, now, principal, secure, cookie, draft or Draft(), begun=draft is not None)


async def _session(request: Request, principal: Anyone, transaction: Transaction, now: Now) -> FormSession:
    return await session_of(request, principal, transaction, now)


FormDep = Annotated[Form, Depends(_form)]
FormSessionDep = Annotated[FormSession, Depends(_session)]
