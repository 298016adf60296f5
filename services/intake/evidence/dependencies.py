"""What the routes of evidence ask for: its parts, and the report that a client may add to."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, TypeAlias
from uuid import UUID

from fastapi import Depends, Header, Request
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.evidence.domain import WAITS_IN_FORM, Limits
from services.intake.evidence.objects import Objects, StoreUnavailable
from services.intake.media import media
from services.intake.media.clamd import Scanner
from services.intake.reports.access import ReferencePath, TrackingParts, client_of
from services.intake.reports.dependencies import Sender
from services.intake.reports.queries import ReportKey
from shared.auth.guard import NotSignedIn
from shared.auth.permissions import Principal
from shared.encryption import Keys, bytes_of_hex
from shared.runtime import parts_of
from shared.text import size_in_words

LONGEST_TURN = LONGEST_REST = 0.1
"""Seconds."""
MOST_ORIGINALS = 3
"""At once: one that the store gives slowly keeps two others from waiting."""
MOST_IN_QUEUE = 20


class Tickets:
    """Lets a page of ours begin uploads for a form that is not sent yet: signed, and counted together."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def issue(self, now: datetime) -> str:
        """Return a ticket for one form, good for as long as its files may wait."""
        claim = f"{secrets.token_hex(16)}.{int((now + WAITS_IN_FORM).timestamp())}"
        return f"{claim}.{self._keys.sign(claim.encode()).hex()}"

    def read(self, text: str, now: datetime) -> bytes | None:
        """Return the hash that counts the ticket's uploads; None if it has expired, or is not ours."""
        claim, _, signature = text.rpartition(".")
        if not self._keys.is_signed(claim.encode(), bytes_of_hex(signature)):
            return None
        nonce, _, until = claim.partition(".")
        return sha256(nonce.encode()).digest() if datetime.fromtimestamp(int(until), UTC) > now else None


class Turns:
    """Lets files take turns, a part each, and leaves twice the time between two: pages do not wait behind files.

    A turn is given away after `LONGEST_TURN`: a store that hangs over one file keeps no other waiting.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """Wait for a turn; the next one comes when this one is over, and twice its time has passed."""
        await self._lock.acquire()
        loop = asyncio.get_running_loop()
        began, given_away = loop.time(), loop.call_later(LONGEST_TURN, self._lock.release)
        try:
            yield
        finally:
            ended = loop.time()
            if ended < given_away.when():
                given_away.cancel()
                loop.call_later(min(2 * (ended - began), LONGEST_REST), self._lock.release)


class NoPlace(StoreUnavailable):
    """As many files of one report wait to be opened as may."""


@dataclass(slots=True)
class _Queue:
    """The files of one report that wait to be opened."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    count: int = 0


class Places:
    """Where files are opened, one at a time in each place: what strangers send keeps no team waiting.

    The folder for temporary files may be in memory, so a file is copied there only by who has a place.
    """

    def __init__(self) -> None:
        self._reports: dict[UUID, _Queue] = {}
        self.cleaning = asyncio.Semaphore()
        """Of a file of an anonymous reporter, until its copy is in the store."""
        self.originals = asyncio.Semaphore(MOST_ORIGINALS)
        """Of files that a team looks at, while they come from the store."""
        self.showing = asyncio.Semaphore()
        """Of a process that makes a preview, or a copy for a manager."""
        self.copies = asyncio.Semaphore()
        """Of a copy for a manager, from its making until it is sent."""

    @asynccontextmanager
    async def turn_of(self, report_id: UUID) -> AsyncIterator[None]:
        """Wait until no other file of this report is cleaned or waits for it: so reports take turns.

        Raises:
            NoPlace: too many files of this report wait already.
        """
        queue = self._reports.setdefault(report_id, _Queue())
        if queue.count >= MOST_IN_QUEUE:
            raise NoPlace
        queue.count += 1
        try:
            async with queue.lock:
                yield
        finally:
            queue.count -= 1
            if not queue.count:
                del self._reports[report_id]


IsExempt: TypeAlias = Callable[[AsyncSession, UUID], Awaitable[bool]]


@dataclass(frozen=True, kw_only=True)
class EvidenceParts(TrackingParts):
    """What evidence needs besides the parts of every service."""

    objects: Objects
    is_exempt: IsExempt
    """Says of a report whether every case of it is exempt (C-j)."""
    evidence_limits: Limits
    scanner: Scanner
    tickets: Tickets
    turns: Turns = field(default_factory=Turns)
    places: Places = field(default_factory=Places)

    @property
    def files_in_words(self) -> str:
        """Say which files may be sent at once, as pages do."""
        limits = self.evidence_limits
        return f"Up to {limits.most_files} files of up to {size_in_words(limits.most_bytes)} each: {media.IN_WORDS}."


def evidence_parts(request: Request) -> EvidenceParts:
    """Return the parts of evidence, to receive and attach files."""
    return parts_of(request, EvidenceParts)


async def _evidence_parts(request: Request) -> EvidenceParts:
    return evidence_parts(request)


EvidencePartsDep = Annotated[EvidenceParts, Depends(_evidence_parts)]
ReceiptCodeHeader = Annotated[str | None, Header(alias="Receipt-Code", max_length=100)]


async def _report_of_client(
    request: Request,
    reference: ReferencePath,
    sender: Sender,
    parts: EvidencePartsDep,
    receipt_code: ReceiptCodeHeader = None,
) -> ReportKey:
    return await reported_by(request, parts, reference, sender, receipt_code)


async def reported_by(
    request: Request, parts: EvidenceParts, reference: str, sender: Principal | None, receipt_code: str | None
) -> ReportKey:
    """Return the report to its reporter's token or its receipt code, in a transaction that ends before bytes come.

    A file may take minutes to arrive; a request that held a connection meanwhile would keep others out.

    Raises:
        NotSignedIn: neither was sent.
        ReportNotFound: there is no such report, or it is not theirs.
        TooManyAttempts: too many wrong codes were sent.
    """
    async with parts.database.transaction() as session:
        if receipt_code is not None:
            return await parts.access.with_receipt(session, reference, receipt_code, client_of(request))
        if sender is None:
            raise NotSignedIn
        return await parts.access.as_reporter(session, reference, sender.subject)


ReportOfClient = Annotated[ReportKey, Depends(_report_of_client)]
