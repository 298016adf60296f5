"""Prepares the documents of a case, and records that someone exports or prints it."""

import asyncio
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile

from services.triage.cases import handlers as case_handlers
from services.triage.cases import queries as cases
from services.triage.cases import views as case_views
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.evidence import handlers as evidence
from services.triage.evidence.domain import TIME_TO_ADD
from services.triage.export import domain, views
from services.triage.export.domain import Choice, ExportTooLarge, Masked, Word
from services.triage.export.views import Document
from services.triage.exposure import handlers as exposure
from services.triage.reports.domain import Evidence
from services.triage.whole import queries as whole
from services.triage.whole.queries import Piece, Whole
from shared.audit import chain, exports
from shared.auth.grants import MOST_DOCUMENTS, MOST_UNPACKED, Grant, GrantedAction
from shared.events.vocabulary import Scan
from shared.people import Names, names_of

PRINTED = "case_printed"
PDF, RECORD, TIMELINE, README = "case.pdf", "case.json", "timeline.json", "README.txt"
_INTERNAL = "what the team wrote for itself, its tasks, support, who was told, and all that happened of that kind"
_RECORD = "the activity record but for the entry that says what this export is"
"""Left out of every export, also where nothing in it is kept from who exports: its absence says nothing."""
HOW_TO_CHECK = """\
This is an export of one case of Signpost.

case.pdf       the case, for people to read
case.json      the same, for programs
timeline.json  what happened, for programs
evidence-...   the files that were chosen, as they were kept
chain.json     the entry of the case's activity record that says what this export is, with its hash
manifest.json  what this export holds, what is masked, what is left out and why, and the SHA-256 of every other file

A label in square brackets, such as [name 1], stands for a name, an account or an address of another person. Files of
evidence are never masked.

To check that nothing was changed: signpost audit verify-export FILE.zip

By hand: the SHA-256 of each file is in manifest.json. The entry in chain.json says what the SHA-256 of the statement in
manifest.json is: the statement as JSON in UTF-8 with sorted keys, indented by two spaces, and a line feed at its end.
Ask the department whether its record of the case has that entry: only that shows that nothing was put in its place.
"""


@dataclass(frozen=True, slots=True)
class Found:
    """A case as it was read: its documents are prepared when no transaction is open, beside other work."""

    whole: Whole
    names: Names
    """Of the people in it who are given by their number alone."""
    by: str
    """Who reads it."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Prepared:
    """The documents of a case, with what is masked in them."""

    case: Case
    choice: Choice
    document: Document
    timeline: Sequence[Document]
    words: Sequence[Word]
    """All that can be masked."""
    masked: Sequence[Masked]
    pieces: Sequence[Piece]
    at: str
    """When it was read: later activities are in the chain alone."""
    seen: str
    """What was read, as `views.seen`: nothing leaves that is not in it."""


@dataclass(frozen=True, slots=True)
class Packed:
    """The documents of an export as one archive, without what the record has to say first."""

    archive: bytes = field(repr=False)
    digests: Mapping[str, str]
    """SHA-256 of each document, by name."""


async def show(work: Work, case: Case) -> Found:
    """Return all of a case; record that its content is shown, and count it to what the viewer sees today.

    Who looks again within a visit, to choose other words, is shown nothing new.

    Raises:
        CapReached: a lead is asked before they see more.
    """
    async with work.session.begin_nested():
        if await case_handlers.visit(work, case.case_id, case_handlers.CONTENT_SHOWN):
            await exposure.count(work.session, work.viewer.subject, case.team, case.priority, work.now)
    return await read(work, case)


async def read(work: Work, case: Case) -> Found:
    """Return all of a case that the viewer may see; none of it is shown to them."""
    found = await whole.of_case(work, case, content=True)
    names = await names_of(work.session, [*case_views.nameless(found.report), *views.staff_in(found)])
    return Found(found, names, work.viewer.subject, work.now)


def prepare(found: Found, choice: Choice) -> Prepared:
    """Return the documents of a case, masked. A long case takes a while: call it in a thread."""
    case = found.whole
    staff = views.staff_words(views.staff_in(case), found.names)
    words = domain.people_in(case_views.with_names(case.report, found.names), views.texts_of(case), staff)
    mask = domain.mask_for(choice, words)
    about = views.about(choice, found.by, found.at, len(case.timeline), mask)
    document = views.document(case, about, mask, internal=choice.internal)
    timeline = views.timeline(case, mask, internal=choice.internal)
    at, seen = found.at.isoformat(), views.seen(case)
    return Prepared(case.case, choice, document, timeline, words, mask.masked, case.evidence, at, seen)


def pack(prepared: Prepared, pdf: bytes) -> Packed:
    """Return the documents as one archive. It takes a while: call it in a thread.

    Raises:
        ExportTooLarge: the documents have too many bytes.
    """
    files = {
        PDF: pdf,
        RECORD: exports.written(prepared.document),
        TIMELINE: exports.written(prepared.timeline),
        README: HOW_TO_CHECK.encode(),
    }
    digests = {name: sha256(content).hexdigest() for name, content in files.items()}
    return Packed(_archive(files), digests)


async def record_print(work: Work, prepared: Prepared) -> None:
    """Record that someone prints a case.

    Raises:
        CaseNotFound, CaseChanged: as `export`.
    """
    case = await _unchanged(work, prepared)
    change = chain.Change(PRINTED, work.viewer.subject)
    await chain.append(work.session, [(case.case_id, change)], work.now, work.writer.ids)


async def export(work: Work, prepared: Prepared, packed: Packed) -> tuple[Grant, bytes]:
    """Record who exports a case, for whom and why; return the grant for it, and the documents that go with it.

    Raises:
        CaseNotFound: the viewer may not see the case any more.
        CaseChanged: it is not as it was when the documents were prepared.
        EvidenceNotFound, NothingToExport, TooMuchToExport: of the chosen pieces.
        ExportTooLarge: the documents have too many bytes.
    """
    case = await _unchanged(work, prepared)
    choice = prepared.choice
    visit = await evidence.visit(work, case.case_id)
    chosen = (await evidence.export(visit, choice.reason, choice.evidence))[0] if choice.evidence else []
    statement = _statement(work, prepared, packed.digests, {one.evidence_id for one in chosen})
    says = {"for": str(choice.purpose), exports.STATEMENT: exports.digest(statement)}
    personal = {"reference": choice.reference} if choice.reference else {}
    change = chain.Change(exports.EXPORTED, work.viewer.subject, choice.reason, after=says, personal=personal)
    await chain.append(work.session, [(case.case_id, change)], work.now, work.writer.ids)
    proof = exports.proof(*await chain.last(work.session, case.case_id))
    documents = await asyncio.to_thread(_with_proof, packed, statement, proof)
    return _grant(work, case, [one.evidence_id for one in chosen], documents), documents


def _with_proof(packed: Packed, statement: Mapping[str, Any], proof: bytes) -> bytes:
    return _archive({exports.PROMISED: exports.written(statement), exports.CHAIN: proof}, packed.archive)


async def _unchanged(work: Work, prepared: Prepared) -> Case:
    read = prepared.case
    locked = await cases.lock(work.session, work.viewer, read.case_id)
    if locked.case.version != read.version:
        changes = await cases.since(work.session, read.case_id, read.version)
        raise cases.CaseChanged(changes, locked.case.version)
    now = await whole.of_case(work, locked.case, content=True)
    if await asyncio.to_thread(views.seen, now) != prepared.seen:
        raise cases.CaseChanged([], locked.case.version)
    return locked.case


def _statement(work: Work, prepared: Prepared, digests: Mapping[str, str], chosen: set[UUID]) -> dict[str, Any]:
    """Return what the export holds, what is masked and what is left out: the link in the chain has its digest."""
    case, choice = prepared.case, prepared.choice
    items = [piece.item for piece in prepared.pieces]
    offered = {one.evidence_id for one in domain.offered(items)}
    return {
        "case": case.reference,
        "case_id": str(case.case_id),
        "purpose": str(choice.purpose),
        "internal": choice.internal,
        "withheld": [*(() if choice.internal else [_INTERNAL]), _RECORD],
        "exported_by": work.viewer.subject,
        "exported_at": work.now.isoformat(),
        "prepared_at": prepared.at,
        "documents": dict(digests),
        "evidence": [_described(one) for one in items if one.evidence_id in chosen],
        "evidence_left_out": [
            {**_described(one), "why": _why(one, offered)} for one in items if one.evidence_id not in chosen
        ],
        "masked": [asdict(one) for one in prepared.masked],
    }


def _described(item: Evidence) -> dict[str, Any]:
    return {
        "evidence_id": str(item.evidence_id),
        "sha256": item.sha256,
        "size": item.size,
        "media_type": item.media_type,
        "added_at": item.added_at.isoformat(),
        "added_by": item.added_by,
    }


def _why(item: Evidence, offered: Collection[UUID]) -> str:
    if item.removed_at:
        return "taken back"
    if item.scan == Scan.INFECTED:
        return "infected"
    return "not chosen" if item.evidence_id in offered else "not offered"


def _archive(files: Mapping[str, bytes], before: bytes = b"") -> bytes:
    """Return an archive of files, with those of the one before it."""
    if sum(map(len, files.values())) > MOST_UNPACKED:
        raise ExportTooLarge
    made = io.BytesIO(before)
    with ZipFile(made, "a" if before else "w", ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    if len(made.getbuffer()) > MOST_DOCUMENTS:
        raise ExportTooLarge
    return made.getvalue()


def _grant(work: Work, case: Case, evidence_ids: Sequence[UUID], documents: bytes) -> Grant:
    return Grant(
        grant_id=work.writer.ids.uuid(),
        action=GrantedAction.EXPORT,
        report_id=case.report_id,
        expires_at=work.now + TIME_TO_ADD,
        responder=work.viewer.subject,
        case_id=case.case_id,
        evidence_ids=tuple(evidence_ids),
        documents=sha256(documents).hexdigest(),
    )
