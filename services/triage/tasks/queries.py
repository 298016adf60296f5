"""Reads tasks, support and answers of the threat protocol."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Uuid,
    and_,
    any_,
    func,
    literal,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import changes
from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from services.triage.cases.lists import Listing
from services.triage.facets import domain as facets
from services.triage.tasks import domain, tables
from services.triage.tasks.domain import Cursor, Support, Task, TaskView, ThreatRecord
from shared.audit import chain
from shared.messaging.auditor import Step

STATE = "tasks"
"""What activity records call the fingerprint of all that is kept here about a case."""
_TASKS, _SUPPORT, _RECORDS = TypeAdapter(list[Task]), TypeAdapter(list[Support]), TypeAdapter(list[ThreatRecord])
_TASK_OF = TypeAdapter(Task)

STEPS = (Step("task", tables.TaskRow.due_at, (tables.not_done(),)),)
"""What the sweep of tasks owes in the course of time, for the auditor to find without it."""


class Kept(NamedTuple):
    """All that is kept here about a case."""

    tasks: Sequence[Task] = ()
    support: Support | None = None
    threat: Sequence[ThreatRecord] = ()

    @property
    def fingerprint(self) -> str:
        """What the activity record of the case says of it; empty if there is nothing."""
        values = {str(one.task_id): chain.fingerprint(asdict(one)) for one in self.tasks}
        values |= {str(one.record_id): chain.fingerprint(asdict(one)) for one in self.threat}
        values |= {"support": chain.fingerprint(asdict(self.support))} if self.support else {}
        return chain.fingerprint(values) if values else ""

    @property
    def state(self) -> dict[str, str]:
        """What an activity record that changes it says."""
        return {STATE: self.fingerprint}


async def of_case(session: AsyncSession, case_id: UUID) -> Kept:
    """Return all that is kept here about a case, oldest first."""
    return (await of_cases(session, [case_id]))[case_id]


async def of_cases(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, Kept]:
    """Return all that is kept here about each case, in three statements."""
    ids = literal(list(case_ids), ARRAY(Uuid))
    task, support, threat = tables.TaskRow.table(), tables.SupportRow.table(), tables.ThreatRecordRow.table()
    found = {}
    for name, query in (
        ("tasks", select(task).where(task.c.case_id == any_(ids)).order_by(task.c.made_at, task.c.task_id)),
        ("support", select(support).where(support.c.case_id == any_(ids))),
        ("threat", select(threat).where(threat.c.case_id == any_(ids)).order_by(threat.c.at, threat.c.record_id)),
    ):
        found[name] = [dict(row) for row in (await session.execute(query)).mappings()]
    tasks, answers = _TASKS.validate_python(found["tasks"]), _RECORDS.validate_python(found["threat"])
    offered = {one.case_id: one for one in _SUPPORT.validate_python(found["support"])}
    return {
        case_id: Kept(
            [one for one in tasks if one.case_id == case_id],
            offered.get(case_id),
            [one for one in answers if one.case_id == case_id],
        )
        for case_id in case_ids
    }


async def due(session: AsyncSession, now: datetime, limit: int) -> dict[UUID, UUID]:
    """Return the tasks whose time has passed and that no one noted yet, those due longest, each with its case."""
    table = tables.TaskRow.table()
    watched = select(table.c.task_id, table.c.case_id).where(table.c.due_at <= now, tables.not_done())
    rows = await session.execute(watched.order_by(table.c.due_at).limit(limit))
    return {row.task_id: row.case_id for row in rows}


async def fingerprints(session: AsyncSession, case_ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, str]]:
    """Return the fingerprint of what is kept about each case, for `verify`."""
    return {case_id: {STATE: kept.fingerprint} for case_id, kept in (await of_cases(session, case_ids)).items()}


# Lists across cases.


class Listed(NamedTuple):
    """A task that is not done, and its case as far as a list shows it."""

    task: Task
    reference: str
    version: int
    report_type: str
    team: str
    restricted: bool
    place: Cursor
    """Where it stands in the list."""

    @property
    def title(self) -> str | None:
        """What a person called the task; None on a restricted case, which has to be opened for that."""
        return None if self.restricted else self.task.title or None


class Counts(NamedTuple):
    """How many tasks each list has, counted up to one more than is said."""

    mine: int
    team: int
    overdue: int


_TASK = tables.TaskRow.table()
_DUE = (_TASK.c.due_at, _TASK.c.task_id)


async def listed(
    session: AsyncSession, viewer: Viewer, view: TaskView, now: datetime, start: Cursor | None, limit: int
) -> list[Listed]:
    """Return tasks of cases that the viewer may see, soonest due first and those without a time last, after `start`."""
    found: list[Listed] = []
    if start is None or start.due_at:
        dated: list[ColumnElement[bool]] = [_TASK.c.due_at.is_not(None)]
        dated += [tuple_(*_DUE) > (start.due_at, start.task_id)] if start else []
        found = await _read(session, _some(viewer, view, now, dated, limit))
    if len(found) < limit and view is not TaskView.OVERDUE:
        rest: list[ColumnElement[bool]] = [_TASK.c.due_at.is_(None)]
        rest += [_TASK.c.task_id > start.task_id] if start and not start.due_at else []
        found += await _read(session, _some(viewer, view, now, rest, limit - len(found)))
    return found


async def counts(session: AsyncSession, viewer: Viewer, now: datetime) -> Counts:
    """Return how many tasks each list has, in one statement."""
    each = [count(view, viewer, now).scalar_subquery() for view in TaskView]
    return Counts(*(await session.execute(select(*each))).one())


def count(view: TaskView, viewer: Viewer, now: datetime) -> Select[int]:
    """Return the statement that counts a list of tasks, up to one more than is said."""
    some = _some(viewer, view, now, [], domain.MOST_COUNTED + 1).subquery()
    return select(func.count()).select_from(some)


def overdue_among(case_ids: Collection[UUID]) -> Select[UUID]:
    """Return those of these cases of which a task is overdue."""
    late = select(_TASK.c.case_id).where(_TASK.c.overdue, _TASK.c.listed_for.is_not(None))
    return late.where(_TASK.c.case_id.in_(case_ids))


def _words(viewer: Viewer) -> list[str]:
    return facets.seen_by(viewer.teams, viewer.leads)


def _some(
    viewer: Viewer, view: TaskView, now: datetime, conditions: Sequence[ColumnElement[bool]], limit: int
) -> Select[UUID]:
    """Return the first tasks of a list that meet `conditions`, soonest due first.

    What may not be seen of a case is not asked for its tasks. Those of each team come from its part of the index.
    """
    seen = cases.shown_to(viewer)
    about = (seen.c.reference, seen.c.version, seen.c.report_type, seen.c.team, seen.c.restricted)
    waiting = select(_TASK, *about).join(seen, seen.c.case_id == _TASK.c.case_id)
    waiting = waiting.where(_TASK.c.done_at.is_(None), _TASK.c.listed_for.is_not(None), *conditions)
    waiting = waiting.where(_TASK.c.due_at <= now) if view is TaskView.OVERDUE else waiting
    firsts = [waiting.where(part).order_by(*_DUE).limit(limit).subquery() for part in _parts(viewer, view)]
    every = union_all(*map(select, firsts)).subquery()
    return select(every).order_by(every.c.due_at, every.c.task_id).limit(limit)


def _parts(viewer: Viewer, view: TaskView) -> list[ColumnElement[bool]]:
    """Return the conditions of the parts of a list, each with its index: no task is in two."""
    if view is TaskView.MINE:
        return [_TASK.c.task_id.in_(_mine(viewer))]
    words, named = _words(viewer), _TASK.c.case_id.in_(changes.named_for(viewer))
    return [*(_TASK.c.listed_for == word for word in words), and_(named, _TASK.c.listed_for.not_in(words))]


def _mine(viewer: Viewer) -> Select[UUID]:
    """Return the tasks for this person: by name, and those of the cases that they have. Each way has its index."""
    row, other = tables.TaskRow, tables.TaskRow.table().alias()
    waiting = (row.done_at.is_(None), row.listed_for.is_not(None))
    by_name = select(row.task_id).where(func.lower(row.assignee) == viewer.subject.lower(), *waiting)
    facets_held = frozenset({facets.held_by(viewer.subject), facets.OPEN})
    held = Listing(viewer=viewer, bands=(), facets=facets_held, only_open=True).indexed().subquery()
    of_cases_held = select(other.c.task_id).join(held, held.c.case_id == other.c.case_id)
    return select(
        by_name.union_all(of_cases_held.where(other.c.assignee.is_(None), other.c.done_at.is_(None))).subquery().c[0]
    )


async def _read(session: AsyncSession, wanted: Select[UUID]) -> list[Listed]:
    rows = (await session.execute(wanted)).mappings()
    of_case = Listed._fields[1:-1]
    return [
        Listed(
            task=_TASK_OF.validate_python({key: row[key] for key in Task.__slots__}),
            place=Cursor(row["due_at"], row["task_id"]),
            **{name: row[name] for name in of_case},
        )
        for row in rows
    ]
