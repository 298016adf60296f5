"""Pieces of evidence as intake announces them."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from uuid import UUID

from services.triage.evidence.handlers import add_evidence, note_scan, remove_evidence
from shared.db.database import Database
from shared.events.intake import EvidenceAdded, EvidenceRemoved, EvidenceScanned
from tests.services.triage.builders import IDS, NOW, WRITER, Submitted, envelope

LATER = NOW + timedelta(hours=1)
Said = EvidenceAdded | EvidenceRemoved | EvidenceScanned
_HANDLERS: Mapping[type[Said], Callable[..., Awaitable[None]]] = {
    EvidenceAdded: add_evidence,
    EvidenceRemoved: remove_evidence,
    EvidenceScanned: note_scan,
}


def piece(of: Submitted, **changes: object) -> EvidenceAdded:
    """Return a picture that the reporter sent together with the report, with `changes`."""
    evidence_id = IDS.uuid()
    answers: dict[str, object] = {
        "report_id": of.report_id,
        "reference": of.reference,
        "at": NOW,
        "evidence_id": evidence_id,
        "sha256": evidence_id.hex * 2,
        "sha256_sent": evidence_id.hex * 2,
        "size": 123_456,
        "media_type": "image/png",
        "scan": "clean",
        "added_by": "reporter",
    }
    return EvidenceAdded.model_validate({**answers, **changes})


def of_team(of: Submitted, case_id: UUID, **changes: object) -> EvidenceAdded:
    """Return a picture that a responder added to a case, with `changes`."""
    return piece(of, **{"added_by": "team", "responder": "S4001", "case_id": case_id, **changes})


def taken_back(one: EvidenceAdded) -> EvidenceRemoved:
    """Return that the reporter took it back."""
    return EvidenceRemoved(report_id=one.report_id, reference=one.reference, at=LATER, evidence_id=one.evidence_id)


def scanned(one: EvidenceAdded, scan: str) -> EvidenceScanned:
    """Return what the virus scanner said of it later."""
    about = {"report_id": one.report_id, "reference": one.reference, "at": LATER, "evidence_id": one.evidence_id}
    return EvidenceScanned.model_validate({**about, "scan": scan})


async def announce(database: Database, *said: Said) -> None:
    """Let triage hear these, each in a batch of its own."""
    for one in said:
        async with database.transaction() as session:
            await _HANDLERS[type(one)](session, [envelope(one)], LATER, writer=WRITER)
