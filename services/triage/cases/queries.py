"""Reads cases: what a viewer may see of them, for a queue, a client or a page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, not_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case, CaseNotFound
from services.triage.cases.tables import CaseAccess, CaseRow, Note, not_finished
from services.triage.deadlines.domain import Outlook
from shared.events.vocabulary import CaseState, Outcome, Priority, ReportType, Team
from shared.ids import CaseId, ReportId

REPORTER = "reporter"
"""Who acts, in activities and notes of what a reporter said: never who that is."""


def to_case(row: CaseRow) -> Case:
    """Return the case that a row holds."""
    return Case(
        case_id=CaseId(row.case_id),
        report_id=ReportId(row.report_id),
        reference=row.reference,
        report_type=ReportType(row.report_type),
        team=Team(row.team),
        state=CaseState(row.state),
        priority=Priority(row.priority),
        restricted=row.restricted,
        version=row.version,
        transfers=row.transfers,
        held_by=tuple(Team(team) for team in row.held_by),
        submitted_at=row.submitted_at,
        opened_at=row.opened_at,
        assignee=row.assignee,
        assignee_name=row.assignee_name,
        lease_until=row.lease_until,
        outcome=Outcome(row.outcome) if row.outcome else None,
        category=row.category,
        manager=row.manager,
        withdrawn_at=row.withdrawn_at,
        breach_aware_at=row.breach_aware_at,
    )


def write(row: CaseRow, case: Case) -> None:
    """Put what a step changed into the row."""
    row.team = case.team
    row.state = case.state
    row.version = case.version
    row.transfers = case.transfers
    row.held_by = list(case.held_by)
    row.assignee = case.assignee
    row.assignee_name = case.assignee_name
    row.lease_until = case.lease_until
    row.outcome = case.outcome
    row.category = case.category
    row.manager = case.manager
    row.withdrawn_at = case.withdrawn_at
    row.breach_aware_at = case.breach_aware_at


def write_outlook(row: CaseRow, outlook: Outlook) -> None:
    """Put the nearest running clock into the row, for queues and the sweep."""
    row.due_at = outlook.due_at
    row.at_risk_at = outlook.at_risk_at
    row.look_at = outlook.look_at


def visible_to(viewer: Viewer) -> ColumnElement[bool]:
    """Return the condition of every read: a queue of the viewer's, and not kept from them.

    A restricted case is seen by the leads of the team that has it, and by whom they name (decision 0018). An exempt one
    is kept from nobody by name any more, because whom it was about is erased: only whoever decided that sees it (C-j).
    """
    named = exists().where(CaseAccess.case_id == CaseRow.case_id, CaseAccess.subject == viewer.subject)
    open_to_leads = or_(not_(CaseRow.restricted), CaseRow.team.in_(sorted(viewer.leads)))
    return and_(
        CaseRow.team.in_(sorted(viewer.teams)),
        not_(CaseRow.kept_from.overlap(sorted(viewer.keys))),
        or_(and_(CaseRow.outcome.is_distinct_from(Outcome.EXEMPT.value), open_to_leads), named),
    )


async def lock(session: AsyncSession, viewer: Viewer, case_id: UUID) -> CaseRow:
    """Lock a case for a write.

    Raises:
        CaseNotFound: there is none that the viewer may see.
    """
    found = select(CaseRow).where(CaseRow.case_id == case_id, visible_to(viewer)).with_for_update(of=CaseRow)
    row: CaseRow | None = await session.scalar(found.execution_options(populate_existing=True))
    if row is None:
        raise CaseNotFound
    return row


async def lock_reports(session: AsyncSession, report_ids: Collection[UUID]) -> list[CaseRow]:
    """Lock all cases of reports, for what their reporters say and for cases that are linked to them."""
    return await _locked(session, CaseRow.report_id.in_(report_ids))


async def lock_cases(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, CaseRow]:
    """Lock cases by their ids, for what other services say of them."""
    return {row.case_id: row for row in await _locked(session, CaseRow.case_id.in_(case_ids))}


async def _locked(session: AsyncSession, which: ColumnElement[bool]) -> list[CaseRow]:
    found = select(CaseRow).where(which).order_by(CaseRow.case_id).with_for_update()
    return list(await session.scalars(found.execution_options(populate_existing=True)))


async def get(session: AsyncSession, viewer: Viewer, case_id: UUID) -> Case:
    """Return one case.

    Raises:
        CaseNotFound: there is none that the viewer may see.
    """
    return _found(await session.scalar(select(CaseRow).where(CaseRow.case_id == case_id, visible_to(viewer))))


async def by_reference(session: AsyncSession, viewer: Viewer, reference: str) -> Case:
    """Return the case with that reference.

    Raises:
        CaseNotFound: there is none that the viewer may see.
    """
    return _found(await session.scalar(select(CaseRow).where(CaseRow.reference == reference, visible_to(viewer))))


async def ids_of_report(session: AsyncSession, reference: str) -> dict[str, UUID]:
    """Return reference and id of every case of the report that `reference` belongs to, linked ones last.

    For the command line: no viewer, and nothing of the cases but that.
    """
    report = select(CaseRow.report_id).where(CaseRow.reference == reference).scalar_subquery()
    cases = select(CaseRow.reference, CaseRow.case_id).where(CaseRow.report_id == report)
    rows = await session.execute(cases.order_by(CaseRow.link_number))
    return {row.reference: row.case_id for row in rows}


async def related(session: AsyncSession, viewer: Viewer, case: Case, report_ids: Collection[UUID]) -> list[Case]:
    """Return the other cases of the same report, and of reports that belong to it, as far as the viewer may see."""
    of_reports = CaseRow.report_id.in_([case.report_id, *report_ids])
    query = select(CaseRow).where(of_reports, CaseRow.case_id != case.case_id, visible_to(viewer))
    return [to_case(row) for row in await session.scalars(query.order_by(CaseRow.reference))]


async def named_people(session: AsyncSession, case_id: UUID) -> list[str]:
    """Return the staff ids of those who are named to see a restricted case."""
    query = select(CaseAccess.subject).where(CaseAccess.case_id == case_id).order_by(CaseAccess.subject)
    return list(await session.scalars(query))


async def of_manager(session: AsyncSession, staff_id: str, reference: str) -> Case:
    """Return the case that a line manager works; what was written in it is theirs only as long as they do.

    Raises:
        CaseNotFound: they work none of that reference, or no longer.
    """
    theirs = (CaseRow.manager == staff_id, CaseRow.team == Team.LINE_MANAGER, not_finished())
    return _found(await session.scalar(select(CaseRow).where(CaseRow.reference == reference, *theirs)))


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """A note as a page shows it."""

    at: datetime
    author: str
    shared: bool
    by_reporter: bool
    """Then its text is content, which nobody sees before they ask."""
    text: str


async def notes(session: AsyncSession, case_id: UUID) -> list[WrittenNote]:
    """Return the notes of a case, newest first."""
    rows = await session.scalars(select(Note).where(Note.case_id == case_id).order_by(Note.note_id.desc()))
    return [
        WrittenNote(row.at, row.author_name or row.author, row.shared, row.author == REPORTER, row.text) for row in rows
    ]


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a client asks for."""

    report_id: UUID | None = None
    team: Team | None = None
    state: CaseState | None = None
    text: str | None = None
    """Part of a reference, or a platform or behaviour."""
    before: UUID | None = None
    """Where the last page ended."""


async def listed(session: AsyncSession, viewer: Viewer, wanted: CaseFilter, limit: int) -> list[Case]:
    """Return up to `limit` cases, newest first."""
    query = select(CaseRow).where(visible_to(viewer)).order_by(CaseRow.case_id.desc()).limit(limit)
    if wanted.report_id:
        query = query.where(CaseRow.report_id == wanted.report_id)
    if wanted.team:
        query = query.where(CaseRow.team == wanted.team)
    if wanted.state:
        query = query.where(CaseRow.state == wanted.state)
    if wanted.text:
        query = query.where(_matches(wanted.text))
    if wanted.before:
        query = query.where(CaseRow.case_id < wanted.before)
    return [to_case(row) for row in await session.scalars(query)]


def _matches(text: str) -> ColumnElement[bool]:
    word = text.strip().lower().replace(" ", "_")
    return or_(
        CaseRow.reference.startswith(text.strip().upper(), autoescape=True),
        CaseRow.platform == word,
        CaseRow.behaviours.contains([word]),
    )


def _found(row: CaseRow | None) -> Case:
    if row is None:
        raise CaseNotFound
    return to_case(row)
