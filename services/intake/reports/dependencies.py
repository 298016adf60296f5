"""What the routes of several capabilities ask for to take a report, and who sends it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

from fastapi import Depends, Request

from services.intake.reports.domain import Accepted, ReceiptCodes, Report
from services.intake.reports.handlers import submit_report
from shared.auth.guard import Anyone, current_session, requires
from shared.auth.permissions import Permission, Principal
from shared.runtime import Parts, parts_of
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction

Submit = Callable[[Report], Awaitable[Accepted]]


@dataclass(frozen=True, kw_only=True)
class ReportParts(Parts):
    """What taking a report needs beside the parts of every service."""

    receipts: ReceiptCodes


async def _receipt_codes(request: Request) -> ReceiptCodes:
    return parts_of(request, ReportParts).receipts


ReceiptCodesDep = Annotated[ReceiptCodes, Depends(_receipt_codes)]


async def _submit(session: Transaction, now: Now, ids: IdsDep, outbox: OutboxDep, receipts: ReceiptCodesDep) -> Submit:
    return partial(submit_report, session, now=now, ids=ids, outbox=outbox, receipts=receipts)


SubmitDep = Annotated[Submit, Depends(_submit)]
"""`submit_report` in the request's transaction."""


async def sender(request: Request, _anyone: Anyone) -> Principal | None:
    """Return who sends the report; None for a sender without a token or session.

    A token that is not accepted is refused: its owner did not mean to be anonymous.

    Raises:
        NotSignedIn: a token or session was sent and is not acceptable.
    """
    session = current_session(request)
    return session.principal if session else None


Sender = Annotated[Principal | None, Depends(sender)]
SignedInSender = Annotated[Principal, requires(Permission.REPORT)]
