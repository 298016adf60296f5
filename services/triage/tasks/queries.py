"""Reads tasks, support and answers of the threat protocol."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ARRAY, Uuid, any_, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.tasks import tables
from services.triage.tasks.domain import Support, Task, ThreatRecord
from shared.audit import chain
from shared.messaging.auditor import Step

STATE = "tasks"
"""What activity records call the fingerprint of all that is kept here about a case."""
_TASKS, _SUPPORT, _RECORDS = TypeAdapter(list[Task]), TypeAdapter(list[Support]), TypeAdapter(list[ThreatRecord])


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


async def due(session: AsyncSession, now: datetime, limit: int) -> list[UUID]:
    """Return cases with a task whose time has passed, the one that is due longest first; a case may be in it twice."""
    table = tables.TaskRow.table()
    watched = select(table.c.case_id).where(table.c.due_at <= now, tables.not_done())
    return list(await session.scalars(watched.order_by(table.c.due_at).limit(limit)))


async def fingerprints(session: AsyncSession, case_ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, str]]:
    """Return the fingerprint of what is kept about each case, for `verify`."""
    return {case_id: {STATE: kept.fingerprint} for case_id, kept in (await of_cases(session, case_ids)).items()}
