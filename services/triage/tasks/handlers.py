"""What responders record about tasks, support and a threat to life, and what the sweep notices."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import case as sql_case
from sqlalchemy import or_, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import changes
from services.triage.cases import queries as case_queries
from services.triage.cases.access import is_kept_from
from services.triage.cases.domain import Case
from services.triage.cases.handlers import BATCH, Command, Work, colleague, execute
from services.triage.cases.queries import LockedCase
from services.triage.cases.writer import SYSTEM, CaseWriter, Transition, event_ids
from services.triage.deadlines.domain import UK
from services.triage.tasks import domain, queries, tables, tasks_yaml
from services.triage.tasks.domain import Rung, SupportState, Task, ThreatRecord
from services.triage.tasks.queries import Kept
from shared.audit import chain
from shared.events import triage
from shared.events.envelope import Event
from shared.ids import Ids, folded_id

_MORNING = time(9)
"""When a follow-up of a day is due, in UK local time. Our choice."""


@dataclass(frozen=True, slots=True)
class NewTask:
    """A task as a responder asks for it: of a template by its code, or a free one by its title."""

    code: str = ""
    title: str = ""
    assignee: str | None = None
    due_at: datetime | None = None
    done: bool = False


class Threat(NamedTuple):
    """An answer of the threat protocol, as a responder gives it."""

    threat: bool
    rung: Rung | None = None
    rung_at: datetime | None = None
    police_reference: str | None = None
    reason: str | None = None


class _Made(NamedTuple):
    """What the record of a case says of tasks that were made: their codes, and all that is kept then."""

    after: dict[str, str]
    state: dict[str, str]


async def add(work: Work, case_id: UUID, read: int, new: NewTask) -> Case:
    """Add a task, or tick off one of the case's kind, or say who does that one by when.

    Someone else who is given it is told.

    Raises:
        TaskNotFound: no template has that code.
        TooManyTasks, NotWithinReach, TaskDone: as their names say.
        NoSuchColleague, MayNotHave: as for who is given the case.
        NotForThisCase, CaseNotFound, CaseChanged: as for every change of a case.
    """
    await case_queries.lock(work.session, work.viewer, case_id)
    kept = await queries.of_case(work.session, case_id)
    if new.code and new.code not in {one.code for one in tasks_yaml.templates()}:
        raise domain.TaskNotFound
    if new.assignee:
        new = replace(new, assignee=(await colleague(work.session, work.viewer, case_id, new.assignee))[0])
    before = next((one for one in kept.tasks if new.code and one.code == new.code and not one.done), None)
    task = _given(before, new, work.now) if before else domain.added(_task(work, case_id, new), kept.tasks, work.now)
    task = domain.finished(task, work.viewer.subject, work.now) if new.done else task
    action = "task_done" if new.done else "task_given" if before else "task_added"
    after = kept._replace(tasks=[*(one for one in kept.tasks if one is not before), task])
    told = {"task": new.title} if new.title else {}
    given_to = new.assignee if _is_given(work, before, new) else None
    return await _execute(work, case_id, read, after, action, _says(task), told, given_to)


async def finish(work: Work, case_id: UUID, read: int, task_id: UUID, *, done: bool, note: str | None = None) -> Case:
    """Tick a task off, or take the tick back.

    Raises:
        TaskNotFound: the case has no such task.
        TaskDone: it is done already.
        NotForThisCase, CaseNotFound, CaseChanged: as for every change of a case.
    """
    locked = await case_queries.lock(work.session, work.viewer, case_id)
    kept = await queries.of_case(work.session, case_id)
    before = next((one for one in kept.tasks if one.task_id == task_id), None)
    if before is None:
        raise domain.TaskNotFound
    task = domain.finished(before, work.viewer.subject, work.now) if done else domain.undone(before)
    if task.assignee and is_kept_from(locked.row.kept_from, task.assignee, None):
        task = replace(task, assignee=None)
    after = kept._replace(tasks=[task if one.task_id == task_id else one for one in kept.tasks])
    action = "task_done" if done else "task_undone"
    return await _execute(work, case_id, read, after, action, _says(task), {"note": note} if note else {})


async def support(
    work: Work, case_id: UUID, read: int, state: SupportState, follow_up_on: date | None, note: str | None
) -> Case:
    """Record that support was offered, or what the person said; a day to ask again becomes a task.

    That task is over with another day, or if support is declined.

    Raises:
        AnswerWithoutOffer, NotWithinReach: as their names say.
        NotForThisCase, CaseNotFound, CaseChanged: as for every change of a case.
    """
    await case_queries.lock(work.session, work.viewer, case_id)
    kept = await queries.of_case(work.session, case_id)
    by = work.viewer.subject
    given = domain.supported(kept.support, case_id, state, by, work.now, follow_up_on)
    ends = follow_up_on or state is SupportState.DECLINED
    tasks = _done_of_code(kept.tasks, "follow_up", by, work.now) if ends else kept.tasks
    if follow_up_on:
        tasks = [*tasks, domain.added(_follow_up(work, case_id, follow_up_on), tasks, work.now)]
    says = {"support": str(state)} | ({"follow_up_on": follow_up_on.isoformat()} if follow_up_on else {})
    after = kept._replace(tasks=tasks, support=given)
    return await _execute(work, case_id, read, after, f"support_{state}", says, {"note": note} if note else {})


async def answer_threat(work: Work, case_id: UUID, read: int, answer: Threat) -> Case:
    """Record whether there is a threat to life, and who was rung about it; after that the case can be resolved.

    Raises:
        NotYetRung, RungBeforeReport: as their names say.
        NotForThisCase, CaseNotFound, CaseChanged: as for every change of a case.
    """
    locked = await case_queries.lock(work.session, work.viewer, case_id)
    kept = await queries.of_case(work.session, case_id)
    given = answer._asdict()
    reason = given.pop("reason")
    record = ThreatRecord(work.writer.ids.uuid(), case_id, work.now, work.viewer.subject, **given)
    domain.require_rung(record, locked.case.submitted_at, work.now)
    says = {"threat": "yes" if answer.threat else "no"}
    if record.rung and record.rung_at:
        says |= {"rung": str(record.rung), "rung_at": record.rung_at.isoformat()}
    told = {name: text for name, text in (("note", reason), ("police_reference", answer.police_reference)) if text}
    after = kept._replace(threat=[*kept.threat, record])
    return await _execute(work, case_id, read, after, "threat_answered", says, told, threat_open=False)


async def follow(
    session: AsyncSession, transitions: Sequence[Transition], now: datetime, ids: Ids
) -> Sequence[Transition]:
    """Make the tasks of the kinds of cases on which work starts, and bring the tasks of cases that move along.

    It returns the transitions, those that start work with what their records then say of tasks.
    """
    starting = [one for one in transitions if domain.starts(one.locked.case, one.after)]
    moved = [one.after.case_id for one in transitions if domain.moves(one.locked.case, one.after)]
    made = await _make_of_kind(session, [(one.after, one.locked) for one in starting], now, ids)
    if moved:
        await session.flush()
        await _list(session, moved)
    return [_with_tasks(one, made[one.after.case_id]) if one.after.case_id in made else one for one in transitions]


async def catch_up(session: AsyncSession, now: datetime, *, writer: CaseWriter) -> int:
    """Make the tasks of cases on which work had started before their tasks were kept; return how many were looked at.

    No case changes for that.
    """
    if not (case_ids := await changes.take(session, changes.Reader.TASKS)):
        return 0
    locked = await case_queries.lock_cases(session, case_ids)
    had = [(one.case, one) for one in locked.values() if domain.started(one.case)]
    made = await _make_of_kind(session, had, now, writer.ids)
    links = [(case_id, chain.Change("tasks_made", SYSTEM, **one._asdict())) for case_id, one in made.items()]
    await chain.append(session, links, now, writer.ids)
    return len(case_ids)


async def _make_of_kind(
    session: AsyncSession, cases: Sequence[tuple[Case, LockedCase]], now: datetime, ids: Ids
) -> dict[UUID, _Made]:
    """Make the tasks of the kinds of these cases that are not there, in one statement; return what was made."""
    templates, table = tasks_yaml.templates(), tables.TaskRow.table()
    made_by = {"made_at": now, "made_by": SYSTEM}
    rows = [
        {**asdict(one), **made_by, "task_id": ids.uuid(), "listed_for": domain.listed_for(case)}
        for case, locked in cases
        for one in domain.by_kind(case, locked.row.said, templates)
    ]
    if not rows:
        return {}
    of_kind = text(tables.OF_KIND)
    new = insert(table).on_conflict_do_nothing(index_elements=["case_id", "code"], index_where=of_kind)
    codes: dict[UUID, list[str]] = {}
    for case_id, code in await session.execute(new.returning(table.c.case_id, table.c.code), rows):
        codes.setdefault(case_id, []).append(code)
    kept = await queries.of_cases(session, list(codes)) if codes else {}
    return {case_id: _Made({"tasks": ", ".join(codes[case_id])}, one.state) for case_id, one in kept.items()}


def _with_tasks(one: Transition, made: _Made) -> Transition:
    return replace(one, says={**one.says, **made.after}, state={**one.state, **made.state})


async def _list(session: AsyncSession, case_ids: Collection[UUID]) -> None:
    """Put the tasks of cases into the lists of those who see the cases, and mark those of which one is overdue.

    Of a case that has ended, or that is new again, what its kind asks for is in no list.
    """
    task, case = tables.TaskRow.table(), changes.stands()
    outlives = task.c.code.in_([domain.BY_HAND, *domain.CODE_TITLES])
    listed_for = sql_case((or_(case.c.worked, outlives), case.c.seen_by))
    placed = update(task).where(task.c.case_id == case.c.case_id, task.c.case_id.in_(case_ids))
    await session.execute(placed.where(task.c.listed_for.is_distinct_from(listed_for)).values(listed_for=listed_for))
    await changes.mark_overdue(session, case_ids, queries.overdue_among(case_ids))


async def make(
    session: AsyncSession, wanted: Mapping[UUID, Sequence[Task]], now: datetime, *, writer: CaseWriter
) -> None:
    """Make tasks about cases whose rows the caller has locked, where no open task is about the same thing."""
    kept = await queries.of_cases(session, list(wanted))
    links: list[tuple[UUID, chain.Change]] = []
    for case_id, tasks in wanted.items():
        there = {(one.code, one.about) for one in kept[case_id].tasks if not one.done}
        new = [
            replace(one, task_id=writer.ids.uuid(), made_at=now, made_by=SYSTEM)
            for one in tasks
            if (one.code, one.about) not in there
        ]
        after = kept[case_id]._replace(tasks=[*kept[case_id].tasks, *new])
        await store(session, after)
        links += [(case_id, chain.Change("task_added", SYSTEM, after=_says(one), state=after.state)) for one in new]
    await chain.append(session, links, now, writer.ids)


async def settled(work: Work, case_id: UUID, about: UUID, codes: Collection[str]) -> Kept:
    """Return what is kept about a case with the tasks of these codes about a take-down ticked off, to be stored."""
    kept = await queries.of_case(work.session, case_id)
    by, now = work.viewer.subject, work.now
    return kept._replace(
        tasks=[
            domain.finished(one, by, now) if one.about == about and one.code in codes and not one.done else one
            for one in kept.tasks
        ]
    )


async def handed_on(work: Work, case_ids: Collection[UUID]) -> dict[UUID, Kept]:
    """Return what is kept about the cases of which the viewer has open tasks, now for the person who has the case.

    The caller has locked the cases, says so in their records, and stores what this returns.
    """
    mine = folded_id(work.viewer.subject)
    changed = {}
    for case_id, kept in (await queries.of_cases(work.session, case_ids)).items():
        theirs = [one for one in kept.tasks if not one.done and one.assignee and folded_id(one.assignee) == mine]
        if theirs:
            tasks = [replace(one, assignee=None) if one in theirs else one for one in kept.tasks]
            changed[case_id] = kept._replace(tasks=tasks)
    return changed


async def note_overdue(session: AsyncSession, now: datetime, *, writer: CaseWriter) -> int:
    """Note tasks whose time has passed, once each; return how many cases have some. No case changes for that.

    Cases that another process has locked are skipped.
    """
    due = await queries.due(session, now, BATCH)
    locked = await case_queries.lock_free(session, sorted(set(due.values())))
    links: list[tuple[UUID, chain.Change]] = []
    for case_id, kept in (await queries.of_cases(session, list(locked))).items():
        late = [one for one in kept.tasks if one.task_id in due and domain.is_late(one, now)]
        after = kept._replace(tasks=[replace(one, overdue=True) if one in late else one for one in kept.tasks])
        await store(session, after)
        links += [(case_id, chain.Change("task_overdue", SYSTEM, after=_says(one), state=after.state)) for one in late]
    await chain.append(session, links, now, writer.ids)
    return len(locked)


async def _execute(
    work: Work,
    case_id: UUID,
    read: int,
    after: Kept,
    action: str,
    says: Mapping[str, str],
    told: Mapping[str, str],
    given_to: str | None = None,
    **changed: object,
) -> Case:
    def events(_before: Case, case: Case) -> list[Event]:
        if given_to is None:
            return []
        ids = event_ids(case, work.now)
        return [triage.CaseTaskGiven(**ids, team=case.team, priority=case.priority, assignee=given_to)]

    command = Command(
        action,
        lambda case, actor: replace(domain.worked_on(case, actor, work.now), **changed),  # type: ignore[arg-type]  # names are checked by replace
        events,
        says=says,
        personal=told,
        state=after.state,
        while_merged=True,
    )
    case = await execute(work, case_id, read, command)
    await store(work.session, after)
    return case


async def store(session: AsyncSession, kept: Kept) -> None:
    """Store what is kept about a case whose row the caller has locked."""
    for row, key, values in (
        (tables.TaskRow, "task_id", [asdict(one) for one in kept.tasks]),
        (tables.SupportRow, "case_id", [asdict(kept.support)] if kept.support else []),
        (tables.ThreatRecordRow, "record_id", [asdict(one) for one in kept.threat]),
    ):
        if values:
            new = insert(row.table())
            changed = {name: new.excluded[name] for name in values[0] if name != key}
            await session.execute(new.on_conflict_do_update(index_elements=[key], set_=changed), values)
    if kept.tasks:
        await session.flush()
        await _list(session, [kept.tasks[0].case_id])


def _task(work: Work, case_id: UUID, new: NewTask) -> Task:
    return Task(
        case_id,
        new.code,
        new.title,
        task_id=work.writer.ids.uuid(),
        assignee=new.assignee,
        due_at=new.due_at,
        made_at=work.now,
        made_by=work.viewer.subject,
    )


def _given(before: Task, new: NewTask, now: datetime) -> Task:
    """Return a task that is there, with who does it and by when, as far as that is said."""
    if not (new.done or new.assignee or new.due_at):
        raise domain.TaskDone
    domain.require_within_reach(new.due_at, now)
    due_at = new.due_at or before.due_at
    overdue = before.overdue and new.due_at is None
    return replace(before, assignee=new.assignee or before.assignee, due_at=due_at, overdue=overdue)


def _is_given(work: Work, before: Task | None, new: NewTask) -> bool:
    """Return whether someone else is to do a task who was not before."""
    had = {folded_id(one) for one in (work.viewer.subject, before and before.assignee) if one}
    return new.assignee is not None and not new.done and folded_id(new.assignee) not in had


def _follow_up(work: Work, case_id: UUID, day: date) -> Task:
    due_at = datetime.combine(day, _MORNING, UK)
    return _task(work, case_id, NewTask("follow_up", assignee=work.viewer.subject, due_at=due_at))


def _done_of_code(tasks: Sequence[Task], code: str, by: str, now: datetime) -> list[Task]:
    return [domain.finished(one, by, now) if one.code == code and not one.done else one for one in tasks]


def _says(task: Task) -> dict[str, str]:
    return {"task": str(task.task_id), **({"task_code": task.code} if task.code else {})}
