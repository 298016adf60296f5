"""What routes need to take a report, in one dependency."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Annotated, cast

from fastapi import Depends, Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.idempotency.dependencies import IdempotencyDep, IdempotencyKey
from services.intake.idempotency.handlers import Idempotency
from services.intake.reports.bodies import AcceptedBody, ReportBody
from services.intake.reports.domain import Accepted, Report, check_found_by
from services.intake.reports.handlers import submit_report
from services.intake.reports.receipts import Receipts
from shared.auth.guard import Anyone, current_session, requires
from shared.auth.permissions import Permission
from shared.auth.principal import Principal
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction

Submit = Callable[[Report], Awaitable[Accepted]]


async def _receipts(request: Request) -> Receipts:
    return cast(Receipts, request.app.state.receipts)


ReceiptsDep = Annotated[Receipts, Depends(_receipts)]


async def _submit(session: Transaction, now: Now, ids: IdsDep, outbox: OutboxDep, receipts: ReceiptsDep) -> Submit:
    return partial(submit_report, session, now=now, ids=ids, outbox=outbox, receipts=receipts)


SubmitDep = Annotated[Submit, Depends(_submit)]
"""`submit_report` in the request's transaction."""


async def sender(request: Request, _anyone: Anyone) -> Principal | None:
    """Give who sends the report, None for nobody.

    A token that is not accepted is refused: its owner did not mean to be anonymous.

    Raises:
        NotSignedIn: a token or session was sent and is not acceptable.
    """
    session = current_session(request)
    return session.principal if session else None


Sender = Annotated[Principal | None, Depends(sender)]
SignedInSender = Annotated[Principal, requires(Permission.REPORT)]


@dataclass(frozen=True, slots=True)
class Take:
    """Takes a report that came as a body, once for each `Idempotency-Key`."""

    request: Request
    response: Response
    session: AsyncSession
    now: datetime
    submit: Submit
    idempotency: Idempotency
    key: str | None

    async def __call__(self, body: ReportBody, report: Report, who: Principal | None) -> AcceptedBody:
        """Take `report`, which `body` asked for.

        Raises:
            MonitoringRoleRequired: somebody else says that monitoring found it.
            ReportRefused: something in it is wrong.
            KeyUsedForAnotherRequest: the key came with another request.
        """
        check_found_by(report, may_monitor=who is not None and who.may(Permission.REPORT_FROM_MONITORING))
        accepted = AcceptedBody.model_validate_json(await self._answer(body, report, who.subject if who else ""))
        self.response.headers["location"] = accepted.status_url
        return accepted

    async def _answer(self, body: ReportBody, report: Report, client: str) -> bytes:
        async def work() -> bytes:
            public_url = self.request.app.state.settings.public_url
            return AcceptedBody.of(await self.submit(report), public_url).model_dump_json().encode()

        if not self.key:
            return await work()
        asked = f"{self.request.url.path}\n{body.model_dump_json()}".encode()
        return await self.idempotency.once(self.session, (self.key, client), asked, self.now, work)


async def _take(
    request: Request,
    response: Response,
    session: Transaction,
    now: Now,
    submit: SubmitDep,
    idempotency: IdempotencyDep,
    key: IdempotencyKey = None,
) -> Take:
    return Take(request, response, session, now, submit, idempotency, key)


TakeDep = Annotated[Take, Depends(_take)]
