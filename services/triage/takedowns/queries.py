"""Reads take-downs: of a case, for the figures, and for the audit."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ARRAY, Uuid, any_, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.takedowns.domain import MachineForm, Takedown, TakedownState
from services.triage.takedowns.tables import MachineFormRow, TakedownRow
from shared.audit import chain
from shared.messaging.auditor import Step

_TAKEDOWN, _FORM = TypeAdapter(Takedown), TypeAdapter(MachineForm)
STATE = "takedowns"
"""What activity records call the fingerprint of a case's take-downs."""
FORMS = "takedown_forms"
"""And of their machine forms."""
_NOT_PROVED = frozenset({"attempts", "next_at"})
"""What changes with each attempt to send a form, without a link of the chain."""


STEPS = (Step("takedown", TakedownRow.look_at), Step("machine_form", MachineFormRow.next_at))
"""What the sweep of take-downs owes in the course of time, for the auditor to find without it."""


async def of_case(session: AsyncSession, case_id: UUID) -> list[Takedown]:
    """Return the take-downs of a case, oldest first."""
    return (await of_cases(session, [case_id]))[case_id]


async def of_cases(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, list[Takedown]]:
    """Return the take-downs of each case, oldest first, in one statement."""
    table = TakedownRow.table()
    wanted = select(table).where(table.c.case_id == any_(literal(list(case_ids), ARRAY(Uuid))))
    found: dict[UUID, list[Takedown]] = {case_id: [] for case_id in case_ids}
    for row in (await session.execute(wanted.order_by(table.c.reported_at, table.c.takedown_id))).mappings():
        found[row["case_id"]].append(_TAKEDOWN.validate_python(dict(row)))
    return found


class Progress(NamedTuple):
    """How far a take-down is, without what it is about."""

    takedown_id: UUID
    case_id: UUID
    platform: str
    reported_at: datetime
    state: TakedownState
    overdue: bool
    settled_at: datetime | None


_PROGRESS = TypeAdapter(Progress)


async def progress(session: AsyncSession, case_ids: Collection[UUID]) -> list[Progress]:
    """Return how far the take-downs of these cases are, in one statement."""
    row = TakedownRow
    columns = (row.takedown_id, row.case_id, row.platform, row.reported_at, row.state, row.overdue, row.settled_at)
    wanted = select(*columns).where(row.case_id == any_(literal(list(case_ids), ARRAY(Uuid))))
    found = await session.execute(wanted.order_by(row.takedown_id))
    return [_PROGRESS.validate_python(tuple(one)) for one in found]


async def due(session: AsyncSession, now: datetime, limit: int) -> list[UUID]:
    """Return cases with a take-down to look at, the one that is due longest first; a case may be in it twice."""
    table = TakedownRow.table()
    wanted = select(table.c.case_id).where(table.c.look_at <= now).order_by(table.c.look_at).limit(limit)
    return list(await session.scalars(wanted))


def fingerprint_of(takedowns: Sequence[Takedown]) -> str:
    """Return the fingerprint of a case's take-downs, which its activity record holds; empty if there are none."""
    kept = {str(one.takedown_id): chain.fingerprint(asdict(one)) for one in takedowns}
    return chain.fingerprint(kept) if kept else ""


async def forms_of_cases(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, list[MachineForm]]:
    """Return the machine forms of each case, oldest first, in one statement."""
    table = MachineFormRow.table()
    wanted = select(table).where(table.c.case_id == any_(literal(list(case_ids), ARRAY(Uuid))))
    found: dict[UUID, list[MachineForm]] = {case_id: [] for case_id in case_ids}
    for row in (await session.execute(wanted.order_by(table.c.made_at, table.c.form_id))).mappings():
        found[row["case_id"]].append(_FORM.validate_python(dict(row)))
    return found


async def lock_form_due(session: AsyncSession, now: datetime) -> MachineForm | None:
    """Lock the machine form that is to be sent next; skip one that another process has locked."""
    table = MachineFormRow.table()
    wanted = select(table).where(table.c.next_at <= now).order_by(table.c.next_at).limit(1)
    row = (await session.execute(wanted.with_for_update(skip_locked=True))).mappings().first()
    return _FORM.validate_python(dict(row)) if row else None


def fingerprint_of_forms(forms: Sequence[MachineForm]) -> str:
    """Return the fingerprint of a case's machine forms; empty if there are none."""
    kept = {
        str(one.form_id): chain.fingerprint({k: v for k, v in asdict(one).items() if k not in _NOT_PROVED})
        for one in forms
    }
    return chain.fingerprint(kept) if kept else ""


async def fingerprints(session: AsyncSession, case_ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, str]]:
    """Return the fingerprint of each case's take-downs, for `verify`."""
    kept, forms = await of_cases(session, case_ids), await forms_of_cases(session, case_ids)
    return {
        case_id: {STATE: fingerprint_of(takedowns), FORMS: fingerprint_of_forms(forms[case_id])}
        for case_id, takedowns in kept.items()
    }
