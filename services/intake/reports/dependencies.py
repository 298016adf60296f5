"""What routes need to take a report, in one dependency."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, cast

from fastapi import Depends, Request

from services.intake.reports.domain import AbuseReport, Accepted
from services.intake.reports.handlers import submit_report
from services.intake.reports.receipts import Receipts
from shared.auth.guard import Anyone, current_session
from shared.auth.principal import Principal
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction

Submit = Callable[[AbuseReport], Awaitable[Accepted]]


def _receipts(request: Request) -> Receipts:
    return cast(Receipts, request.app.state.receipts)


ReceiptsDep = Annotated[Receipts, Depends(_receipts)]


def _submit(session: Transaction, now: Now, ids: IdsDep, outbox: OutboxDep, receipts: ReceiptsDep) -> Submit:
    return partial(submit_report, session, now=now, ids=ids, outbox=outbox, receipts=receipts)


SubmitDep = Annotated[Submit, Depends(_submit)]
"""`submit_report` in the request's transaction."""


def sender(request: Request, _anyone: Anyone) -> Principal | None:
    """Give who sends the report, None for nobody.

    A token that is not accepted is refused: its owner did not mean to be anonymous.

    Raises:
        NotSignedIn: a token or session was sent and is not acceptable.
    """
    session = current_session(request)
    return session.principal if session else None


Sender = Annotated[Principal | None, Depends(sender)]
