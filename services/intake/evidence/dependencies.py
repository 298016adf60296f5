"""What the routes of evidence ask for: its parts, and the report that a client may add to."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request

from services.intake.evidence.domain import Limits
from services.intake.evidence.objects import Objects
from services.intake.media.clamd import Scanner
from services.intake.reports.access import ReferencePath, TrackingParts, client_of
from services.intake.reports.dependencies import Sender
from services.intake.reports.queries import ReportKey
from shared.auth.guard import NotSignedIn
from shared.runtime import parts_of


@dataclass(frozen=True, kw_only=True)
class EvidenceParts(TrackingParts):
    """What evidence needs besides the parts of every service."""

    objects: Objects
    evidence_limits: Limits
    scanner: Scanner


def evidence_parts(request: Request) -> EvidenceParts:
    """Return the parts of evidence, to receive and attach files."""
    return parts_of(request, EvidenceParts)


async def _evidence_parts(request: Request) -> EvidenceParts:
    return evidence_parts(request)


EvidencePartsDep = Annotated[EvidenceParts, Depends(_evidence_parts)]
ReceiptCodeHeader = Annotated[str | None, Header(alias="Receipt-Code", max_length=100)]


async def report_of_client(
    request: Request,
    reference: ReferencePath,
    sender: Sender,
    parts: EvidencePartsDep,
    receipt_code: ReceiptCodeHeader = None,
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


ReportOfClient = Annotated[ReportKey, Depends(report_of_client)]
