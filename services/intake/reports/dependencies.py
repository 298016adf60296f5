"""The dependencies of routes that take a report, and who sends it."""

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.idempotency.handlers import Idempotency, refuse_weak
from services.intake.reports.bodies import AcceptedBody, ReportBody
from services.intake.reports.domain import Accepted, ReceiptCodes, Report, check_found_by
from services.intake.reports.handlers import submit_report
from shared.auth.guard import Anyone, NotPermitted, current_session, requires, signed_in
from shared.auth.permissions import Permission, Principal
from shared.events.vocabulary import ReportType
from shared.runtime import Parts, parts_of
from shared.web.dependencies import Now, Transaction

Submit = Callable[[Report], Awaitable[Accepted]]


@dataclass(frozen=True, kw_only=True)
class ReportParts(Parts):
    """What routes that take a report need besides the parts of every service."""

    receipts: ReceiptCodes
    idempotency: Idempotency
    anonymous: Collection[ReportType]
    """The kinds that people may report without saying who they are."""


async def _receipt_codes(request: Request) -> ReceiptCodes:
    return parts_of(request, ReportParts).receipts


ReceiptCodesDep = Annotated[ReceiptCodes, Depends(_receipt_codes)]


def submit_in(request: Request, session: AsyncSession, now: datetime) -> Submit:
    """Return `submit_report` in a transaction that the route opens itself, because more follows after its commit."""
    parts = parts_of(request, ReportParts)
    return partial(
        submit_report,
        session,
        now=now,
        ids=parts.ids,
        outbox=parts.outbox,
        receipts=parts.receipts,
        anonymous=parts.anonymous,
    )


async def _submit(request: Request, session: Transaction, now: Now) -> Submit:
    return submit_in(request, session, now)


SubmitDep = Annotated[Submit, Depends(_submit)]
"""`submit_report` in the request's transaction."""


async def sender(request: Request, _anyone: Anyone) -> Principal | None:
    """Return the sender of the report; None without a token or session.

    A token that is not accepted is refused: its owner did not mean to be anonymous.

    Raises:
        NotSignedIn: a token or session was sent and is not acceptable.
    """
    session = current_session(request)
    return session.principal if session else None


Sender = Annotated[Principal | None, Depends(sender)]
SignedInSender = Annotated[Principal, requires(Permission.REPORT)]


def _sender_of(kind: ReportType) -> Callable[..., Awaitable[Principal | None]]:
    async def named_unless_allowed(request: Request, anyone: Anyone) -> Principal | None:
        """Return the sender; None without a token or session, where reports of this kind may be anonymous.

        Raises:
            NotSignedIn: they have to sign in.
            NotPermitted: they may not report.
        """
        allowed = kind in parts_of(request, ReportParts).anonymous
        who = await sender(request, anyone) if allowed else await signed_in(request)
        if who is not None and not who.may(Permission.REPORT):
            raise NotPermitted(Permission.REPORT)
        return who

    return named_unless_allowed


MisuseSender = Annotated[Principal | None, Depends(_sender_of(ReportType.MISUSE))]
IncidentSender = Annotated[Principal | None, Depends(_sender_of(ReportType.SECURITY_INCIDENT))]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern=r"^[\x21-\x7e]+$",
        description="The same key and body within 24 hours get the same answer, and one report. Without a token, make "
        "a UUID, or at least 32 random hexadecimal digits or 22 random characters: no one else may use the same key.",
    ),
]


@dataclass(frozen=True, slots=True)
class SubmitReport:
    """Takes a report that came as a body, once for each `Idempotency-Key`."""

    request: Request
    response: Response
    session: AsyncSession
    now: datetime
    submit: Submit
    key: str | None

    async def __call__(self, body: ReportBody, report: Report, who: Principal | None) -> AcceptedBody:
        """Take `report`, which `body` asked for.

        Raises:
            MonitoringRoleRequired: another sender than monitoring says that monitoring found it.
            ReportRefused: something in it is wrong.
            KeyUsedForAnotherRequest: the key came with another request.
            WeakKey: an anonymous sender's key is one that others could make too.
        """
        if self.key and who is None:
            refuse_weak(self.key)
        check_found_by(report, may_monitor=who is not None and who.may(Permission.REPORT_FROM_MONITORING))
        accepted = AcceptedBody.model_validate_json(await self._answer(body, report, who.subject if who else ""))
        self.response.headers["location"] = accepted.status_url
        return accepted

    async def _answer(self, body: ReportBody, report: Report, client: str) -> bytes:
        parts = parts_of(self.request, ReportParts)

        async def work() -> bytes:
            return AcceptedBody.of(await self.submit(report), parts.settings.public_url).model_dump_json().encode()

        if not self.key:
            return await work()
        asked = f"{self.request.url.path}\n{body.model_dump_json()}".encode()
        return await parts.idempotency.once(self.session, (self.key, client), asked, self.now, work)


async def _submit_report(
    request: Request,
    response: Response,
    session: Transaction,
    now: Now,
    submit: SubmitDep,
    key: IdempotencyKey = None,
) -> SubmitReport:
    return SubmitReport(request, response, session, now, submit, key)


SubmitReportDep = Annotated[SubmitReport, Depends(_submit_report)]
