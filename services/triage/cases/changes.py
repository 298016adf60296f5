"""What changed: between two versions of a case, and since the version that somebody read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.clocks import ClockRules
from services.triage.cases.domain import Case
from shared.audit import chain
from shared.events.triage import CaseResolved, CaseTransferred
from shared.events.vocabulary import Outcome
from shared.ids import Reference

_COMPARED = ("version", "state", "team", "assignee", "outcome", "priority")


@dataclass(frozen=True, slots=True)
class Changed:
    """One change, without anybody's words."""

    version: int
    at: datetime
    action: str
    actor: str


class CaseChanged(Exception):
    """Somebody changed the case since it was read."""

    def __init__(self, changes: list[Changed], version: int) -> None:
        super().__init__(version)
        self.changes = changes
        self.version = version


async def since(session: AsyncSession, case_id: UUID, version: int) -> list[Changed]:
    """Return what happened to a case after `version`, oldest first."""
    activities = await chain.read(session, case_id)
    changes = [Changed(int(a.after.get("version", 0)), a.at, a.action, a.actor) for a in activities]
    return [change for change in changes if change.version > version]


def differences(before: Case, after: Case) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return what a step changed, as it was and as it is, in texts for the activity record."""
    changed = [name for name in _COMPARED if getattr(before, name) != getattr(after, name)]
    return _texts(before, changed), _texts(after, changed)


def _texts(case: Case, names: list[str]) -> Mapping[str, str]:
    return {name: "" if getattr(case, name) is None else str(getattr(case, name)) for name in names}


class EventIds(TypedDict):
    """What every event of a case carries."""

    case_id: UUID
    report_id: UUID
    reference: str
    at: datetime


def event_ids(case: Case, now: datetime) -> EventIds:
    """Return the ids of an event that tells of `case`."""
    return EventIds(case_id=case.case_id, report_id=case.report_id, reference=case.reference, at=now)


def resolved(case: Case, outcome: Outcome, now: datetime) -> CaseResolved:
    """Return the event that says how a case ended."""
    return CaseResolved(
        **event_ids(case, now),
        team=case.team,
        outcome=outcome,
        report_type=case.report_type,
        linked=is_linked(case.reference),
    )


def handed_over(before: Case, after: Case, now: datetime, clocks: ClockRules) -> CaseTransferred:
    """Return the event that says that another team has the case, and whether anybody of it is at work."""
    return CaseTransferred(
        **event_ids(after, now),
        from_team=before.team,
        to_team=after.team,
        priority=after.priority,
        staffed=clocks.at_work(after.team, now),
    )


def is_linked(reference: str) -> bool:
    """Tell whether a reference is a linked case's: `SP-7K3M-Q9XC-2`."""
    return reference.count("-") > _OF_A_REPORT


def of_report(reference: str) -> Reference:
    """Return the reference of the report that a case is about: without the number of a linked case."""
    return Reference("-".join(reference.split("-")[: _OF_A_REPORT + 1]))


_OF_A_REPORT = 2
"""Hyphens in a report's own reference."""
