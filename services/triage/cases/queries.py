"""Reads cases: those a viewer may see, and what other capabilities count."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    ScalarSelect,
    Select,
    Subquery,
    Text,
    Uuid,
    and_,
    any_,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from services.triage.cases.access import Viewer, conflicts
from services.triage.cases.domain import UNION_ACTIVITY, Case, CaseNotFound, facts
from services.triage.cases.tables import CaseAccess, CaseRow, Note, not_finished
from services.triage.reports import queries as reports
from shared.audit import chain
from shared.audit.verification import Current
from shared.events.vocabulary import Outcome, Team

REPORTER = "reporter"
"""The actor in activities and notes about what a reporter said; it never names them."""
_CASE = TypeAdapter(Case)
_MORE = ("link_number", "platform", "behaviours", "links", "kept_from", "kept_from_alone")
_PROVED = (*(one.name for one in fields(Case)), *_MORE)
"""The columns of a case that change only with its activity record."""
_FETCH = 500


def to_case(row: CaseRow) -> Case:
    """Return the case that a row holds."""
    return _CASE.validate_python(vars(row))


@dataclass(frozen=True, slots=True)
class LockedCase:
    """A case whose row is locked until the transaction ends."""

    case: Case
    row: CaseRow


def visible_to(viewer: Viewer, row: type[CaseRow] = CaseRow, *, in_list: bool = False) -> ColumnElement[bool]:
    """Return the condition of every read: the case is in a queue of the viewer and not kept from them.

    The leads of the team that has it, and the people they name, see a restricted case (decision 0018). An exempt case
    no longer says who to keep it from, because who it was about is erased: only the person who decided sees it (C-j).
    In a list the few cases that are kept from the viewer are looked up once, not each row.
    """
    kept = row.case_id.in_(hidden_from(viewer)) if in_list else row.kept_from.overlap(sorted(viewer.keys))
    named = exists().where(CaseAccess.case_id == row.case_id, CaseAccess.subject == viewer.subject)
    open_to_leads = or_(not_(row.restricted), row.team.in_(sorted(viewer.leads)))
    return and_(
        row.team.in_(sorted(viewer.teams)),
        not_(kept),
        or_(and_(row.outcome.is_distinct_from(Outcome.EXEMPT.value), open_to_leads), named),
    )


def is_seen(
    viewer: Viewer, case_id: ColumnElement[UUID], conditions: Sequence[ColumnElement[bool]] = ()
) -> ScalarSelect[bool]:
    """Return whether the viewer may see a case that a statement found, and it meets `conditions`.

    Each case is looked up by its id: for thousands of them, PostgreSQL might otherwise read all there are.
    """
    one = select(literal(True)).where(CaseRow.case_id == case_id, visible_to(viewer), *conditions)  # noqa: FBT003 - SQL's own
    return one.limit(1).correlate_except(CaseRow).scalar_subquery()


def evidence_seen(viewer: Viewer) -> ScalarSelect[int]:
    """Return how many pieces of evidence the viewer may see on a case (decision 0058), to be selected with the case.

    What a responder added to another case of the report counts for those who may see that case too.
    """
    one = aliased(CaseRow)
    seen = select(one.case_id).where(one.report_id == CaseRow.report_id, visible_to(viewer, one)).correlate(CaseRow)
    return reports.evidence_count(CaseRow.report_id, seen)


async def lock(session: AsyncSession, viewer: Viewer, case_id: UUID) -> LockedCase:
    """Lock a case for a write.

    Raises:
        CaseNotFound: there is no such case, or the viewer may not see it.
    """
    for locked in await _locked(session, CaseRow.case_id == case_id, visible_to(viewer)):
        return locked
    raise CaseNotFound


async def lock_reports(session: AsyncSession, report_ids: Collection[UUID]) -> list[LockedCase]:
    """Lock all cases of reports, to record what reporters say or to open linked cases."""
    return await _locked(session, CaseRow.report_id.in_(report_ids))


async def lock_visible(session: AsyncSession, viewer: Viewer, case_ids: Collection[UUID]) -> dict[UUID, LockedCase]:
    """Lock those of the cases that the viewer may see, in the order of their ids, for writes by the viewer."""
    seen = await _locked(session, CaseRow.case_id.in_(case_ids), visible_to(viewer))
    return {locked.case.case_id: locked for locked in seen}


async def lock_cases(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, LockedCase]:
    """Lock cases by id, to record what others say about them."""
    return {locked.case.case_id: locked for locked in await _locked(session, CaseRow.case_id.in_(case_ids))}


async def lock_free(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, LockedCase]:
    """Lock those of the cases that no other process has locked, for a sweep."""
    found = select(CaseRow).where(CaseRow.case_id.in_(case_ids)).order_by(CaseRow.case_id)
    return {locked.case.case_id: locked for locked in await _lock(session, found, skip_locked=True)}


async def lock_due(
    session: AsyncSession, due: InstrumentedAttribute[datetime | None], now: datetime, limit: int
) -> list[LockedCase]:
    """Lock up to `limit` cases whose time `due` has come, oldest first; skip those that another process has locked."""
    return await _lock(session, select(CaseRow).where(due <= now).order_by(due).limit(limit), skip_locked=True)


async def _locked(session: AsyncSession, *which: ColumnElement[bool]) -> list[LockedCase]:
    """Lock cases, and first all that they are merged with, in one order for all who lock some of these."""
    family = (await session.execute(select(_merged_with(which)))).all()
    if any(into for _, into in family):
        ids = literal([case_id for case_id, _ in family], ARRAY(Uuid))
        all_of_it = select(CaseRow.case_id).where(CaseRow.case_id == any_(ids)).order_by(CaseRow.case_id)
        await session.execute(all_of_it.with_for_update(key_share=True))
    return await _lock(session, select(CaseRow).where(*which).order_by(CaseRow.case_id))


def _merged_with(which: Sequence[ColumnElement[bool]]) -> CTE:
    """Return these cases, those that they are merged into, and all that are merged into any of these."""
    row, other = CaseRow, aliased(CaseRow)
    tree = select(row.case_id, row.merged_into).where(*which).cte("own_and_above", recursive=True)
    tree = tree.union(select(other.case_id, other.merged_into).join(tree, other.case_id == tree.c.merged_into))
    whole = select(tree.c.case_id, tree.c.merged_into).cte("merged_with", recursive=True)
    return whole.union(select(other.case_id, other.merged_into).join(whole, other.merged_into == whole.c.case_id))


async def _lock(session: AsyncSession, found: Select[CaseRow], *, skip_locked: bool = False) -> list[LockedCase]:
    found = found.with_for_update(key_share=True, of=CaseRow, skip_locked=skip_locked)
    rows = await session.scalars(found.execution_options(populate_existing=True))
    return [LockedCase(to_case(row), row) for row in rows]


async def lock_below(session: AsyncSession, case_ids: Collection[UUID]) -> list[tuple[UUID, LockedCase]]:
    """Lock all cases that are merged into these, however deep; return each with the one of these above it."""
    tree = below(case_ids)
    found = select(tree.c.main, CaseRow).join(CaseRow, CaseRow.case_id == tree.c.case_id)
    locked = found.order_by(CaseRow.case_id).with_for_update(of=CaseRow, key_share=True)
    rows = await session.execute(locked.execution_options(populate_existing=True))
    return [(main, LockedCase(to_case(row), row)) for main, row in rows]


def below(case_ids: Collection[UUID]) -> CTE:
    """Return the ids of all cases merged into these, each with the one of these above it."""
    first = select(CaseRow.merged_into.label("main"), CaseRow.case_id).where(CaseRow.merged_into.in_(case_ids))
    tree, under = first.cte("below", recursive=True), aliased(CaseRow)
    return tree.union(select(tree.c.main, under.case_id).join(under, under.merged_into == tree.c.case_id))


async def lock_mains(session: AsyncSession, case_ids: Collection[UUID]) -> list[LockedCase]:
    """Lock the cases that are worked instead of these merged ones."""
    mains = (CaseRow.case_id.in_(select(over(case_ids).c.main)), CaseRow.merged_into.is_(None))
    return await _lock(session, select(CaseRow).where(*mains).order_by(CaseRow.case_id))


def over(case_ids: Collection[UUID]) -> CTE:
    """Return the ids of all cases that these are merged into, and nothing for one that is in none."""
    first = select(CaseRow.merged_into.label("main")).where(CaseRow.case_id.in_(case_ids))
    tree, higher = first.cte("above", recursive=True), aliased(CaseRow)
    return tree.union(select(higher.merged_into).join(tree, higher.case_id == tree.c.main))


async def get(session: AsyncSession, viewer: Viewer, case_id: UUID) -> Case:
    """Return one case.

    Raises:
        CaseNotFound: there is no such case, or the viewer may not see it.
    """
    return _found(await session.scalar(select(CaseRow).where(CaseRow.case_id == case_id, visible_to(viewer))))


async def visible(session: AsyncSession, viewer: Viewer, case_ids: Collection[UUID]) -> list[Case]:
    """Return those of the cases that the viewer may see."""
    query = select(CaseRow).where(CaseRow.case_id.in_(case_ids), visible_to(viewer)).order_by(CaseRow.case_id)
    return [to_case(row) for row in await session.scalars(query)]


async def references(
    session: AsyncSession, viewer: Viewer, case_ids: Collection[UUID], own: Collection[UUID] = ()
) -> Mapping[UUID, str]:
    """Return the references of those of the cases that the viewer may see, and of `own`, which they worked on."""
    query = select(CaseRow.case_id, CaseRow.reference).where(CaseRow.case_id.in_(case_ids))
    rows = await session.execute(query.where(or_(visible_to(viewer), CaseRow.case_id.in_(own))))
    return {row.case_id: row.reference for row in rows}


async def by_reference(session: AsyncSession, viewer: Viewer, reference: str) -> Case:
    """Return the case with that reference.

    Raises:
        CaseNotFound: there is no such case, or the viewer may not see it.
    """
    return _found(await session.scalar(select(CaseRow).where(CaseRow.reference == reference, visible_to(viewer))))


async def beginning_with(
    session: AsyncSession, viewer: Viewer, start: str, conditions: Sequence[ColumnElement[bool]], limit: int
) -> list[UUID]:
    """Return the cases whose references begin with `start`, the newest first, as far as the viewer may see them."""
    query = select(CaseRow.case_id).where(*begins(start), visible_to(viewer), *conditions)
    return sorted(await session.scalars(query.order_by(CaseRow.reference).limit(limit)), reverse=True)


def begins(start: str) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions of cases whose references begin with `start`.

    Where letters are sorted as in a language, an index has no order for `LIKE`; it always has one for a range.
    """
    last = f"{start}{'Z' * len('XXXX-XXXX-99')}"
    return CaseRow.reference.between(start, last), CaseRow.reference.startswith(start, autoescape=True)


async def ids_of_report(session: AsyncSession, reference: str) -> dict[str, UUID]:
    """Return the reference and id of every case of the report that `reference` belongs to, linked ones last.

    For the command line, which has no viewer and gets nothing else about the cases.
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


async def sees_all_of_report(session: AsyncSession, viewer: Viewer, report_id: UUID) -> bool:
    """Return whether the viewer may see every case of a report."""
    hidden = exists().where(CaseRow.report_id == report_id, not_(visible_to(viewer)))
    return not await session.scalar(select(hidden))


async def conflicts_in(session: AsyncSession, case_id: UUID) -> tuple[str, ...]:
    """Return the keys of the people from whom a case is kept because they declared a conflict of interest."""
    own = select(func.coalesce(CaseRow.kept_from_alone, CaseRow.kept_from)).where(CaseRow.case_id == case_id)
    return conflicts(await session.scalar(own) or ())


async def said_by_reporters(session: AsyncSession, report_ids: Collection[UUID]) -> set[tuple[UUID, datetime]]:
    """Return the reports, and the moments at which their reporters wrote what a case of them has as a note."""
    wanted = select(CaseRow.report_id, Note.at).join(Note, Note.case_id == CaseRow.case_id)
    found = await session.execute(wanted.where(CaseRow.report_id.in_(report_ids), Note.author == REPORTER))
    return {(report_id, at) for report_id, at in found}


async def exempt_reports(session: AsyncSession, report_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the reports that have an exempt case, which takes nothing more."""
    exempt = CaseRow.outcome == Outcome.EXEMPT
    return set(await session.scalars(select(CaseRow.report_id).where(CaseRow.report_id.in_(report_ids), exempt)))


async def union_reports(session: AsyncSession, report_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the reports that have a case which may be trade union activity, or was (C-j)."""
    union = or_(CaseRow.category == UNION_ACTIVITY, CaseRow.outcome == Outcome.EXEMPT)
    return set(await session.scalars(select(CaseRow.report_id).where(CaseRow.report_id.in_(report_ids), union)))


async def cases_of(session: AsyncSession, case_ids: Collection[UUID]) -> list[Case]:
    """Return cases by id, no matter who may see them: only for what sweeps derive from them."""
    wanted = CaseRow.case_id == any_(literal(list(case_ids), ARRAY(Uuid)))
    return [to_case(row) for row in await session.scalars(select(CaseRow).where(wanted))]


def fingerprint_of(row: Mapping[str, object]) -> str:
    """Return the fingerprint of a case's row, which its activity record holds."""
    return chain.fingerprint({name: row[name] for name in _PROVED})


def access(people: Collection[str]) -> str:
    """Return the access list of a restricted case as its activity record holds it."""
    return ",".join(sorted(people))


MoreFacts = Callable[[AsyncSession, Collection[UUID]], Awaitable[Mapping[UUID, Mapping[str, str]]]]
"""What another capability keeps of cases, as their activity records say it."""


async def records(
    session: AsyncSession, others: Sequence[MoreFacts] = (), states: Sequence[MoreFacts] = ()
) -> AsyncIterator[tuple[UUID, Current]]:
    """Yield every case for `verify`: what its row, access list, report and evidence say now, and others keep of it.

    Args:
        session: the transaction.
        others: facts, as `after` of the activity record says them.
        states: fingerprints of what can be erased, as `state` of the activity record says them.
    """
    table, last = CaseRow.table(), UUID(int=0)
    page = select(table).order_by(table.c.case_id).limit(_FETCH)
    while rows := [dict(row) for row in (await session.execute(page.where(table.c.case_id > last))).mappings()]:
        ids = [row["case_id"] for row in rows]
        people, evidence = await people_named(session, ids), await reports.evidence_fingerprints(session, ids)
        told = await reports.fingerprints(session, [row["report_id"] for row in rows if row["link_number"] == 1])
        more, kept = [[await find(session, ids) for find in finders] for finders in (others, states)]
        for row in rows:
            report = told[row["report_id"]] if row["link_number"] == 1 else ""
            case_id = row["case_id"]
            state = {"case": fingerprint_of(row), "access": access(people[case_id]), "report": report}
            said, also = _merged(more, case_id), _merged(kept, case_id)
            yield case_id, Current({**facts(row), **said}, {**state, **also, "evidence": evidence[case_id]})
        last = rows[-1]["case_id"]


def _merged(found: Sequence[Mapping[UUID, Mapping[str, str]]], case_id: UUID) -> Mapping[str, str]:
    return {name: value for one in found for name, value in one.get(case_id, {}).items()}


async def people_named(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, set[str]]:
    """Return the staff ids of the people named to see each case, in one statement."""
    named = await session.execute(
        select(CaseAccess.case_id, CaseAccess.subject).where(CaseAccess.case_id.in_(case_ids))
    )
    people: dict[UUID, set[str]] = {case_id: set() for case_id in case_ids}
    for case_id, subject in named:
        people[case_id].add(subject)
    return people


async def of_manager(session: AsyncSession, staff_id: str, reference: str) -> Case:
    """Return the case that a line manager works on; they may read it only while they do.

    Raises:
        CaseNotFound: they do not, or no longer, work on a case with that reference.
    """
    theirs = (CaseRow.manager == staff_id, CaseRow.team == Team.LINE_MANAGER, not_finished())
    return _found(await session.scalar(select(CaseRow).where(CaseRow.reference == reference, *theirs)))


class NoteKind(StrEnum):
    """What a note is, where its author and its readers do not say it. A message of the reporter has a `MessageKind`."""

    QUESTION = "question"
    """It asks the reporter for something."""
    WITHDRAWAL = "withdrawal"
    REVIEW = "review"
    """Why the reporter asks for the outcome to be looked at again."""


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """A note as a page shows it."""

    note_id: UUID
    at: datetime
    author: str
    author_name: str | None
    shared: bool
    by_reporter: bool
    """If so, its text is content, shown only on request."""
    kind: str
    message_id: UUID | None
    text: str


_WRITTEN = TypeAdapter(WrittenNote)


async def text_of_note(session: AsyncSession, note_id: UUID) -> str | None:
    """Return what a note says; None if it was erased."""
    text: str | None = await session.scalar(select(Note.text).where(Note.note_id == note_id))
    return text


async def last_notes(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, WrittenNote]:
    """Return what a responder wrote last on each of the cases, without those that are restricted.

    Opening a restricted case is recorded, so its notes are read there.
    """
    ours = select(Note).join(CaseRow, CaseRow.case_id == Note.case_id).where(Note.case_id.in_(case_ids))
    ours = ours.where(Note.author != REPORTER, not_(CaseRow.restricted)).distinct(Note.case_id)
    rows = await session.scalars(ours.order_by(Note.case_id, Note.at.desc(), Note.note_id.desc()))
    return {row.case_id: _written(row) for row in rows}


async def notes(session: AsyncSession, case_id: UUID) -> list[WrittenNote]:
    """Return the notes of a case, oldest first."""
    return (await notes_of(session, [case_id]))[case_id]


async def notes_of(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, list[WrittenNote]]:
    """Return the notes of each case, oldest first, in one statement."""
    found: dict[UUID, list[WrittenNote]] = {case_id: [] for case_id in case_ids}
    of_cases = select(Note).where(Note.case_id.in_(case_ids)).order_by(Note.at, Note.note_id)
    for row in await session.scalars(of_cases):
        found[row.case_id].append(_written(row))
    return found


def _written(row: Note) -> WrittenNote:
    return _WRITTEN.validate_python({**vars(row), "by_reporter": row.author == REPORTER})


@dataclass(frozen=True, slots=True)
class Changed:
    """One change, without what anyone wrote."""

    version: int
    at: datetime
    action: str
    actor: str


class CaseChanged(Exception):
    """The case has changed since it was read."""

    def __init__(self, changes: list[Changed], version: int) -> None:
        super().__init__(version)
        self.changes = changes
        self.version = version


async def since(session: AsyncSession, case_id: UUID, version: int) -> list[Changed]:
    """Return what happened to a case after `version`, oldest first."""
    activities = await chain.read(session, case_id)
    changes = [Changed(int(a.after.get("version", 0)), a.at, a.action, a.actor) for a in activities]
    return [change for change in changes if change.version > version]


def _found(row: CaseRow | None) -> Case:
    if row is None:
        raise CaseNotFound
    return to_case(row)


def shown_to(viewer: Viewer) -> Subquery:
    """Return the cases that a viewer may see, with what a list says of them, to be joined by other capabilities."""
    row = CaseRow
    ids = (row.case_id, row.report_id, row.reference, row.version)
    about = (row.report_type, row.team, row.state, row.priority, row.outcome, row.restricted)
    who = (row.submitted_at, row.assignee, row.assignee_name)
    return select(*ids, *about, *who).where(visible_to(viewer)).subquery("shown")


def hidden_from(viewer: Viewer) -> Select[UUID]:
    """Return the cases that are kept from a viewer by name."""
    some = text("kept_from <> '{}'")  # the same words as in the partial index, or PostgreSQL would not use it
    return select(CaseRow.case_id).where(CaseRow.kept_from.overlap(literal(sorted(viewer.keys), ARRAY(Text))), some)


def present(viewer: Viewer | None) -> Subquery:
    """Return cases without those kept from `viewer`, who may not even see them counted.

    `named` says whether the viewer may see the reference here: they may see the case, and it is not restricted.
    Without a viewer (a command at the database) nothing is left out.
    """
    kept = not_(CaseRow.kept_from.overlap(sorted(viewer.keys))) if viewer else true()
    named = and_(visible_to(viewer), not_(CaseRow.restricted)) if viewer else true()
    columns = (
        CaseRow.case_id,
        CaseRow.report_id,
        CaseRow.link_number,
        CaseRow.reference,
        CaseRow.report_type,
        CaseRow.team,
        CaseRow.transfers,
        CaseRow.restricted,
        named.label("named"),
    )
    return select(*columns).where(kept).subquery("present")
