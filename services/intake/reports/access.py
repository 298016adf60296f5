"""Who may follow a report: its reporter, the holder of its receipt code, or a browser in which the code was entered.

Everyone else gets the same refusal. Wrong codes are counted only in memory: nothing about who asks is stored.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Header, Path, Request, Response
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.reports.dependencies import Sender
from services.intake.reports.domain import ReceiptCodes
from services.intake.reports.queries import ReportKey, find_report, whole_report
from shared.auth.guard import Anyone
from shared.auth.permissions import Principal
from shared.encryption import Keys, bytes_of_hex
from shared.ids import InvalidReference, ReceiptCode, Reference
from shared.runtime import Parts, parts_of
from shared.web.cookies import Cookie
from shared.web.dependencies import Now, Transaction
from shared.web.limits import address_of

WRONG_PER_MINUTE = 20
"""Of one address for one report."""
WRONG_FROM_EVERYWHERE_PER_MINUTE = 100
"""For one report: many addresses, real or made up, are no way round the limit."""


class WrongCodeLimit:
    """Limits wrong receipt codes by report: of each address, and of all together.

    Many people share the address of a proxy, so wrong codes for one report close only that report. Addresses and
    references are known by a hash that dies with the process.
    """

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._of_one = RateLimitItemPerMinute(WRONG_PER_MINUTE)
        self._of_all = RateLimitItemPerMinute(WRONG_FROM_EVERYWHERE_PER_MINUTE)
        self._key = secrets.token_bytes(32)

    def wait(self, client: str, reference: str) -> int:
        """Return after how many seconds, at most, `client` may try another code for `reference`; 0 for now."""
        used_up = (limit for limit, name in self._counts(client, reference) if not self._limiter.test(limit, name))
        return max((limit.get_expiry() for limit in used_up), default=0)

    def failed(self, client: str, reference: str) -> None:
        """Count a wrong code."""
        for limit, name in self._counts(client, reference):
            self._limiter.hit(limit, name)

    def _counts(self, client: str, reference: str) -> tuple[tuple[RateLimitItemPerMinute, str], ...]:
        return (self._of_one, self._name("one", client, reference)), (self._of_all, self._name("all", reference))

    def _name(self, *parts: str) -> str:
        return hmac.new(self._key, "\0".join(parts).encode(), sha256).hexdigest()


class ReportNotFound(Exception):
    """There is no such report, or it is not theirs; the answer never says which."""


class TooManyAttempts(Exception):
    """Too many wrong codes for one report; `wait` says for how many seconds."""

    def __init__(self, wait: int) -> None:
        super().__init__()
        self.wait = wait


class Access:
    """Decides who may follow a report."""

    def __init__(self, codes: ReceiptCodes, limit: WrongCodeLimit) -> None:
        self._codes = codes
        self._limit = limit

    async def as_reporter(self, session: AsyncSession, reference: str, subject: str) -> ReportKey:
        """Return the report if `subject` made it.

        Raises:
            ReportNotFound: there is none, or another person made it.
        """
        return await self.allowed(session, reference, subject, with_token=False)

    async def allowed(
        self, session: AsyncSession, reference: str, subject: str | None, *, with_token: bool
    ) -> ReportKey:
        """Return the report if `subject` made it, or its code was given before (`with_token`).

        Raises:
            ReportNotFound: neither, or there is no such report.
        """
        report = await _find(session, reference)
        if report is None or not (with_token or (subject is not None and report.reporter_subject == subject)):
            raise ReportNotFound
        return report

    async def with_receipt(self, session: AsyncSession, reference: str, code: str, client: str) -> ReportKey:
        """Return the report if `code` is its receipt code.

        Raises:
            ReportNotFound: there is none, or the code is not its code.
            TooManyAttempts: `client`, or all together, sent too many wrong codes for this report.
        """
        counted = _counted_as(reference)
        if wait := self._limit.wait(client, counted):
            raise TooManyAttempts(wait)
        report = await _find(session, reference)
        matches = self._codes.match(ReceiptCode.parse(code), report.receipt_hash if report else None)
        if report is None or not matches:
            self._limit.failed(client, counted)
            raise ReportNotFound
        return report


def _counted_as(reference: str) -> str:
    """Return one name for every way to write a reference, so that no spelling starts a new count."""
    try:
        return whole_report(Reference.parse(reference))
    except InvalidReference:
        return ""


async def _find(session: AsyncSession, reference: str) -> ReportKey | None:
    try:
        return await find_report(session, Reference.parse(reference))
    except InvalidReference:
        return None


TOKEN_LIFETIME = timedelta(minutes=30)
PATH = "/report/track"
COOKIE = Cookie("signpost_report", PATH)


class StatusTokens:
    """Issues and reads tokens for one report's status page: signed, short, and without the receipt code."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def issue(self, reference: Reference, now: datetime) -> str:
        """Return a token for `reference`, valid for half an hour."""
        claim = f"{reference}.{int((now + TOKEN_LIFETIME).timestamp())}"
        return f"{claim}.{self._keys.sign(claim.encode()).hex()}"

    def read(self, text: str | None, now: datetime) -> Reference | None:
        """Return the report of a token; None if it has expired, or is not ours."""
        claim, _, signature = (text or "").rpartition(".")
        if not self._keys.is_signed(claim.encode(), bytes_of_hex(signature)):
            return None
        reference, _, until = claim.partition(".")
        if datetime.fromtimestamp(int(until), UTC) <= now:
            return None
        try:
            return Reference.parse(reference)
        except InvalidReference:
            return None


@dataclass(frozen=True, kw_only=True)
class TrackingParts(Parts):
    """What the tracking routes need besides the parts of every service."""

    access: Access
    status_tokens: StatusTokens


def give_status_token(request: Request, response: Response, reference: Reference, now: datetime) -> None:
    """Let the browser that gets `response` see the status page of `reference`."""
    parts = parts_of(request, TrackingParts)
    text = parts.status_tokens.issue(reference, now)
    COOKIE.give(response, text, secure=parts.settings.secure)


def remove_status_token(response: Response, *, secure: bool) -> None:
    """Let this browser forget its token."""
    COOKIE.take(response, secure=secure)


def _status_token_of(request: Request, now: datetime) -> Reference | None:
    """Return the report that the request brings a token for."""
    parts = parts_of(request, TrackingParts)
    return parts.status_tokens.read(COOKIE.value(request, secure=parts.settings.secure), now)


async def _access(request: Request) -> Access:
    return parts_of(request, TrackingParts).access


AccessDep = Annotated[Access, Depends(_access)]
ReferencePath = Annotated[str, Path(max_length=40)]


def client_of(request: Request) -> str:
    """Return who sends the request as far as counting wrong codes goes."""
    return address_of(request.scope)


async def _by_client(
    request: Request,
    reference: ReferencePath,
    sender: Sender,
    session: Transaction,
    access: AccessDep,
    receipt_code: Annotated[str | None, Header(alias="Receipt-Code", max_length=100)] = None,
) -> ReportKey:
    """Return the report to its reporter's token, or to its receipt code in the header `Receipt-Code`."""
    if receipt_code is not None:
        return await access.with_receipt(session, reference, receipt_code, client_of(request))
    if sender is None:
        raise ReportNotFound
    return await access.as_reporter(session, reference, sender.subject)


async def _by_visitor(
    request: Request, reference: ReferencePath, visitor: Anyone, session: Transaction, access: AccessDep, now: Now
) -> ReportKey:
    """Return the report to its reporter, or to a browser where its code was given."""
    return await followed(request, reference, visitor, session, access, now)


async def followed(
    request: Request, reference: str, visitor: Principal | None, session: AsyncSession, access: Access, now: datetime
) -> ReportKey:
    """Return the report that the visitor of a page may follow.

    Raises:
        ReportNotFound: there is none, or it is not theirs.
    """
    try:
        with_token = _status_token_of(request, now) == Reference.parse(reference)
    except InvalidReference:
        raise ReportNotFound from None
    return await access.allowed(session, reference, visitor.subject if visitor else None, with_token=with_token)


ByClient = Annotated[ReportKey, Depends(_by_client)]
ByVisitor = Annotated[ReportKey, Depends(_by_visitor)]
