"""What intake says about evidence, a batch at a time; and what people do with it, each recorded in the case's chain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import changes as case_changes
from services.triage.cases import domain as cases
from services.triage.cases import handlers as case_handlers
from services.triage.cases import queries as case_queries
from services.triage.cases.access import Viewer
from services.triage.cases.handlers import Work
from services.triage.cases.queries import REPORTER, LockedCase
from services.triage.cases.writer import CaseWriter, Transition
from services.triage.evidence import queries
from services.triage.evidence.domain import (
    MOST_IN_AN_EXPORT,
    TIME_TO_ADD,
    EvidenceNotFound,
    EvidenceWithheld,
    Form,
    NothingToExport,
    Opening,
    TooMuchToExport,
    has_copies,
    require_open_to_additions,
    require_openable,
)
from services.triage.exposure import handlers as exposure
from services.triage.reporters.handlers import heard
from services.triage.reports import handlers as reports
from services.triage.reports import queries as report_queries
from services.triage.reports.domain import Evidence
from shared.audit import chain
from shared.auth.grants import LIFETIME, Grant, GrantedAction
from shared.auth.permissions import Principal
from shared.events import intake
from shared.events.envelope import Envelope
from shared.events.vocabulary import AddedBy, CaseState, Outcome, Scan
from shared.ids import Ids

INTAKE = "system:intake"
MANAGER_LOOKED, CONTENT_SHOWN = "manager_looked", "content_shown"
_SENDING = timedelta(minutes=10)
"""Files of a new case that come within this time belong to the report, and are no reply. Our choice."""


@dataclass(frozen=True, slots=True)
class _News:
    """What happened to a piece of evidence, for the activity records of the cases that show it."""

    item: Evidence
    action: str
    actor: str
    says: Mapping[str, str] = field(default_factory=dict)

    def is_reply_to(self, case: cases.Case) -> bool:
        """Return whether it is news of the reporter, and did not come together with the report."""
        if self.action != queries.ADDED or not self.item.from_reporter:
            return False
        return case.state is not CaseState.NEW or self.item.added_at - case.submitted_at > _SENDING


async def add_evidence(
    session: AsyncSession, envelopes: Sequence[Envelope[intake.EvidenceAdded]], now: datetime, *, writer: CaseWriter
) -> None:
    """Note what intake keeps, on the cases that show it; an exempt case takes nothing (C-j)."""
    siblings = await _siblings(session, [envelope.data.report_id for envelope in envelopes])
    items = [
        _item(envelope.data, siblings[envelope.data.report_id])
        for envelope in envelopes
        if _takes(envelope.data, siblings.get(envelope.data.report_id, []))
    ]
    await reports.add_evidence(session, items)
    await _record(session, siblings, [_added(item) for item in items], now, writer)


async def remove_evidence(
    session: AsyncSession, envelopes: Sequence[Envelope[intake.EvidenceRemoved]], now: datetime, *, writer: CaseWriter
) -> None:
    """Note what reporters took back before a team opened it."""
    siblings = await _siblings(session, [envelope.data.report_id for envelope in envelopes])
    removed = {envelope.data.evidence_id: envelope.data.at for envelope in envelopes}
    gone = await reports.note_removed(session, removed)
    await _record(session, siblings, [_News(item, queries.REMOVED, REPORTER) for item in gone], now, writer)


async def note_scan(
    session: AsyncSession, envelopes: Sequence[Envelope[intake.EvidenceScanned]], now: datetime, *, writer: CaseWriter
) -> None:
    """Note what the virus scanner said later."""
    siblings = await _siblings(session, [envelope.data.report_id for envelope in envelopes])
    scans = {envelope.data.evidence_id: str(envelope.data.scan) for envelope in envelopes}
    scanned = await reports.note_scanned(session, scans)
    news = [_News(item, queries.SCANNED, INTAKE, {"scan": item.scan}) for item in scanned]
    await _record(session, siblings, news, now, writer)


async def _siblings(session: AsyncSession, report_ids: Sequence[UUID]) -> dict[UUID, list[LockedCase]]:
    """Lock all cases of these reports; return them by report, the first case first."""
    found: dict[UUID, list[LockedCase]] = {}
    for locked in await case_queries.lock_reports(session, report_ids):
        found.setdefault(locked.case.report_id, []).append(locked)
    return {report_id: sorted(some, key=lambda one: one.row.link_number) for report_id, some in found.items()}


def _takes(data: intake.EvidenceAdded, siblings: Sequence[LockedCase]) -> bool:
    """Return whether a case shows it: the one on which a responder added it, or any case of what a reporter sent."""
    showing = [one for one in siblings if data.added_by != AddedBy.TEAM or one.case.case_id == _holder(data, siblings)]
    return any(not _exempt(one) for one in showing)


def _holder(data: intake.EvidenceAdded, siblings: Sequence[LockedCase]) -> UUID:
    ids = [one.case.case_id for one in siblings]
    added_on = data.case_id if data.added_by == AddedBy.TEAM else None
    return next((case_id for case_id in ids if case_id == added_on), ids[0])


def _exempt(locked: LockedCase) -> bool:
    return locked.case.outcome is Outcome.EXEMPT


def _item(data: intake.EvidenceAdded, siblings: Sequence[LockedCase]) -> Evidence:
    return Evidence(
        evidence_id=data.evidence_id,
        report_id=data.report_id,
        case_id=_holder(data, siblings),
        added_at=data.at,
        added_by=str(data.added_by),
        sha256=data.sha256,
        sha256_sent=data.sha256_sent,
        size=data.size,
        media_type=data.media_type,
        scan=str(data.scan),
        cleaned=data.cleaned,
        message_id=data.message_id,
        link=data.link,
        responder=data.responder,
        note=data.note,
    )


def _added(item: Evidence) -> _News:
    says = {"sha256": item.sha256, "size": str(item.size), "media_type": item.media_type, "scan": item.scan}
    actor = REPORTER if item.from_reporter else item.responder or INTAKE
    return _News(item, queries.ADDED, actor, says)


async def _record(
    session: AsyncSession,
    siblings: Mapping[UUID, Sequence[LockedCase]],
    news: Sequence[_News],
    now: datetime,
    writer: CaseWriter,
) -> None:
    """Append to the chain of each case that shows the evidence; the one that proves it says what it now is.

    What a reporter sends later is a reply. Otherwise the case does not change, so no one who works on it has to read it
    again.
    """
    proved = await report_queries.evidence_fingerprints(session, {one.item.case_id for one in news})
    transitions: list[Transition] = []
    changes: list[tuple[UUID, chain.Change]] = []
    for one in news:
        for locked in siblings[one.item.report_id]:
            case = locked.case
            state = {"evidence": proved[case.case_id]} if case.case_id == one.item.case_id else {}
            shown = not _exempt(locked) and (one.item.from_reporter or bool(state))
            says = {"evidence": str(one.item.evidence_id), **one.says} if shown else {}
            if shown and one.is_reply_to(case):
                told = heard(locked, one.action, one.item.added_at, now)
                transitions.append(replace(told, says=says, state=state))
            elif shown or state:
                changes.append((case.case_id, chain.Change(one.action, one.actor, after=says, state=state)))
    await writer.record(session, transitions, now)
    await chain.append(session, changes, now, writer.ids)
    await case_changes.note(session, [case_id for case_id, _ in changes], now)


# What people do.


@dataclass(frozen=True, slots=True)
class Visit:
    """A person at the evidence of a case that they may see; its row is locked unless they only look."""

    session: AsyncSession
    case: cases.Case
    person: str
    """Staff id."""
    viewer: Viewer | None
    """None for the line manager who works on a case of misuse."""
    now: datetime
    ids: Ids

    @property
    def copies(self) -> bool:
        """Whether this person is given copies that do not say who made them: a manager does not learn who reported."""
        return self.viewer is None

    @property
    def only(self) -> str | None:
        """The one colleague whom they may see named in the custody, themselves; None: they may see all."""
        return None if self.viewer else self.person


async def look(work: Work, case_id: UUID) -> Visit:
    """Let a responder see which evidence a case has; if the case is restricted, record that they looked.

    Raises:
        CaseNotFound: there is no such case, or they may not see it.
    """
    case = await case_queries.get(work.session, work.viewer, case_id)
    if case.restricted:
        await case_handlers.open_page(work, case_id)
    return _visit(work, case)


async def visit(work: Work, case_id: UUID) -> Visit:
    """Let a responder to the evidence of a case. No claim is needed.

    Raises:
        CaseNotFound: there is no such case, or they may not see it.
    """
    return _visit(work, (await case_queries.lock(work.session, work.viewer, case_id)).case)


async def visit_as_manager(
    session: AsyncSession, principal: Principal, reference: str, now: datetime, ids: Ids
) -> Visit:
    """Let the line manager who works on a case of misuse to the case.

    Raises:
        CaseNotFound: they do not, or no longer, work on a case with that reference.
    """
    if principal.staff_id is None:
        raise cases.CaseNotFound
    case = await case_queries.of_manager(session, principal.staff_id, reference)
    await case_queries.lock_cases(session, [case.case_id])
    case = await case_queries.of_manager(session, principal.staff_id, reference)
    return Visit(session, case, principal.staff_id, None, now, ids)


async def note_look(visit: Visit, action: str) -> None:
    """Record that the line manager looked: at the case, or at what was written."""
    looked = chain.Change(action, visit.person)
    await chain.append(visit.session, [(visit.case.case_id, looked)], visit.now, visit.ids)


async def open_item(visit: Visit, evidence_id: UUID, opening: Opening) -> tuple[Evidence, Grant]:
    """Record who opens a piece of evidence and why; return it with the grant.

    Raises:
        EvidenceNotFound: the case has no such piece, or this person may not see it.
        EvidenceWithdrawn, EvidenceInfected: it may not be opened.
        EvidenceWithheld: this person is given copies, and none can be made of it.
        CapReached: a lead is asked before this person sees more.
    """
    items = await queries.on_case(visit.session, visit.case, visit.viewer)
    item = next((one for one in items if one.evidence_id == evidence_id), None)
    if item is None:
        raise EvidenceNotFound
    require_openable(item)
    copied = visit.copies and opening.form is Form.ORIGINAL
    if copied and not has_copies(item):
        raise EvidenceWithheld
    says = {"evidence": str(evidence_id), **opening.codes} | ({"form": "copy"} if copied else {})
    if visit.viewer:
        await exposure.count(visit.session, visit.person, visit.case.team, visit.case.priority, visit.now)
    await _note(visit, queries.OPENED, opening.purpose, says)
    action = GrantedAction.PREVIEW if opening.form is Form.PREVIEW else GrantedAction.DOWNLOAD
    grant = _grant(visit, action, [item])
    return item, grant.model_copy(update={"sharp": opening.sharp, "colour": opening.colour})


async def allow_upload(visit: Visit, purpose: str) -> Grant:
    """Record that a person means to add a file, and why; return the grant.

    Raises:
        StateForbids: the case is closed.
    """
    require_open_to_additions(visit.case)
    await _note(visit, queries.UPLOAD_ALLOWED, purpose, {})
    return _grant(visit, GrantedAction.ADD, [])


async def take_files(
    visit: Visit, purpose: str, chosen: Sequence[UUID] = ()
) -> tuple[list[Evidence], list[UUID], Grant]:
    """Let a person take the files of the evidence; a responder's count once to what they are shown today.

    Raises:
        CapReached: a lead is asked before this person sees more.
        EvidenceNotFound, NothingToExport, TooMuchToExport: as for `export`.
    """
    found = await export(visit, purpose, chosen)
    if visit.viewer:
        await exposure.count(visit.session, visit.person, visit.case.team, visit.case.priority, visit.now)
    return found


async def export(visit: Visit, purpose: str, chosen: Sequence[UUID] = ()) -> tuple[list[Evidence], list[UUID], Grant]:
    """Record who takes a copy of the evidence and why; return its pieces, the ids of what is left out, and the grant.

    What was taken back, and what is infected, is left out.

    Raises:
        EvidenceNotFound: one of those chosen is not on the case, or this person may not see it.
        NothingToExport, TooMuchToExport: of all pieces of the case, or of those chosen.
    """
    items = await queries.on_case(visit.session, visit.case, visit.viewer)
    if not set(chosen) <= {one.evidence_id for one in items}:
        raise EvidenceNotFound
    wanted = [one for one in items if _exportable(one) and (not chosen or one.evidence_id in chosen)]
    if not wanted:
        raise NothingToExport
    if len(wanted) > MOST_IN_AN_EXPORT:
        raise TooMuchToExport
    await _note(visit, queries.EXPORTED, purpose, {"evidence": ", ".join(str(one.evidence_id) for one in wanted)})
    left_out = [one.evidence_id for one in items if one not in wanted]
    return wanted, left_out, _grant(visit, GrantedAction.EXPORT, wanted)


def _visit(work: Work, case: cases.Case) -> Visit:
    return Visit(work.session, case, work.viewer.subject, work.viewer, work.now, work.writer.ids)


def _exportable(item: Evidence) -> bool:
    return item.removed_at is None and item.scan != Scan.INFECTED


async def _note(visit: Visit, action: str, purpose: str, says: Mapping[str, str]) -> None:
    change = chain.Change(action, visit.person, after=says, personal={"purpose": purpose})
    await chain.append(visit.session, [(visit.case.case_id, change)], visit.now, visit.ids)


def _grant(visit: Visit, action: GrantedAction, items: Iterable[Evidence]) -> Grant:
    return Grant(
        grant_id=visit.ids.uuid(),
        action=action,
        report_id=visit.case.report_id,
        expires_at=visit.now + (TIME_TO_ADD if action is GrantedAction.ADD else LIFETIME),
        responder=visit.person,
        case_id=visit.case.case_id,
        evidence_ids=tuple(item.evidence_id for item in items),
        copies=visit.copies,
    )
