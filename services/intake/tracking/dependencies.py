"""What the routes of tracking ask for."""

from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Header, Path, Request
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.reports.dependencies import Sender
from services.intake.reports.queries import ReportKey
from services.intake.tracking.access import Access, ReportNotFound
from services.intake.tracking.passes import pass_of
from shared.auth.guard import Anyone
from shared.auth.principal import Principal
from shared.ids import InvalidReference, Reference
from shared.web.dependencies import Now, Transaction


async def _access(request: Request) -> Access:
    return cast(Access, request.app.state.access)


AccessDep = Annotated[Access, Depends(_access)]
ReferencePath = Annotated[str, Path(max_length=40)]


def client_of(request: Request) -> str:
    """Return who sends the request as far as counting wrong codes goes."""
    return request.client.host if request.client else ""


async def _by_client(
    request: Request,
    reference: ReferencePath,
    sender: Sender,
    session: Transaction,
    access: AccessDep,
    receipt_code: Annotated[str | None, Header(alias="Receipt-Code", max_length=100)] = None,
) -> ReportKey:
    """Give the report to its reporter's token, or to its receipt code in the header `Receipt-Code`."""
    if receipt_code is not None:
        return await access.with_receipt(session, reference, receipt_code, client_of(request))
    if sender is None:
        raise ReportNotFound
    return await access.as_reporter(session, reference, sender.subject)


async def _by_visitor(
    request: Request, reference: ReferencePath, visitor: Anyone, session: Transaction, access: AccessDep, now: Now
) -> ReportKey:
    """Give the report to its reporter, or to a browser where its code was given."""
    return await followed(request, reference, visitor, session, access, now)


async def followed(
    request: Request, reference: str, visitor: Principal | None, session: AsyncSession, access: Access, now: datetime
) -> ReportKey:
    """Return the report that somebody at a page may follow.

    Raises:
        ReportNotFound: there is none, or it is not theirs.
    """
    try:
        passed = pass_of(request, now) == Reference.parse(reference)
    except InvalidReference:
        raise ReportNotFound from None
    return await access.allowed(session, reference, visitor.subject if visitor else None, passed=passed)


ByClient = Annotated[ReportKey, Depends(_by_client)]
ByVisitor = Annotated[ReportKey, Depends(_by_visitor)]
