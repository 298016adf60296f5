"""The queue: which cases a responder looks at, most urgent and oldest first, page by page without counting."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import wording
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.queries import to_case, visible_to
from services.triage.cases.tables import CaseRow, not_finished
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import Behaviour, CaseState, Effect, MisuseBehaviour, Priority, ReportType, Team

PAGE_SIZE = 50
HAPPENED = tuple(dict.fromkeys(str(one) for kind in (Behaviour, MisuseBehaviour, Effect) for one in kind))
"""What a queue can be filtered by."""
MOST_ANNOUNCED = 99
"""New arrivals are counted up to here."""


E = TypeVar("E", bound=StrEnum)


class View(StrEnum):
    """What the left side of the queue offers."""

    ALL = "all"
    MINE = "mine"
    UNCLAIMED = "unclaimed"
    AT_RISK = "at-risk"
    RESTRICTED = "restricted"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A queue as its URL says it."""

    view: View = View.ALL
    team: Team | None = None
    priority: Priority | None = None
    report_type: ReportType | None = None
    platform: str | None = None
    behaviour: str | None = None
    """A behaviour of abuse or misuse, or an effect of an incident."""
    after: tuple[str, UUID] | None = None
    """Priority and id of the last row seen: where the next page begins."""

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read a URL's parameters; what makes no sense is left out, as if it were not there."""
        return cls(
            view=_member(View, parameters.get("view")) or View.ALL,
            team=_member(Team, parameters.get("team")),
            priority=_member(Priority, parameters.get("priority")),
            platform=platform if (platform := parameters.get("platform")) in PLATFORMS else None,
            report_type=_member(ReportType, parameters.get("type")),
            behaviour=said if (said := parameters.get("behaviour")) in HAPPENED else None,
            after=_position(parameters.get("after", "")),
        )

    def url(self, **changes: object) -> str:
        """Return the address of this queue with `changes`; a change of filter begins at the first page."""
        wanted = replace(self, **{"after": None, **changes})  # type: ignore[arg-type] # replace checks the names
        parameters = {
            "view": None if wanted.view is View.ALL else wanted.view.value,
            "team": wanted.team,
            "priority": wanted.priority,
            "type": wanted.report_type,
            "platform": wanted.platform,
            "behaviour": wanted.behaviour,
            "after": "_".join(map(str, wanted.after)) if wanted.after else None,
        }
        query = urlencode({name: value for name, value in parameters.items() if value})
        return f"/cases?{query}" if query else "/cases"


@dataclass(frozen=True, slots=True)
class Queued:
    """A case as a row of the queue."""

    case: Case
    platform: str
    behaviours: tuple[str, ...]
    due_at: datetime | None
    at_risk_at: datetime | None

    def about(self, with_team: bool) -> list[str]:  # noqa: FBT001 - called by a template
        """Return what is said below the row: platform, team where there are several, and what is special."""
        case = self.case
        said = [
            wording.platform(self.platform) if self.platform else "",
            wording.SHORT_TEAM_NAMES[case.team] if with_team else "",
            "Restricted" if case.restricted else "",
            "Withdrawal asked" if case.withdrawn_at else "",
        ]
        return [text for text in said if text]


async def page(session: AsyncSession, viewer: Viewer, wanted: Wanted, now: datetime) -> list[Queued]:
    """Return a page of cases and, where there are more, one beyond it."""
    query = select(CaseRow).where(visible_to(viewer), *_conditions(viewer, wanted, now))
    if wanted.after:
        query = query.where(tuple_(CaseRow.priority, CaseRow.case_id) > tuple_(*wanted.after))
    rows = await session.scalars(query.order_by(CaseRow.priority, CaseRow.case_id).limit(PAGE_SIZE + 1))
    return [Queued(to_case(row), row.platform, tuple(row.behaviours), row.due_at, row.at_risk_at) for row in rows]


async def arrivals(session: AsyncSession, viewer: Viewer, wanted: Wanted, since: UUID, now: datetime) -> int:
    """Count cases of a queue that were opened after case `since`, up to a limit."""
    query = select(CaseRow.case_id).where(
        visible_to(viewer), CaseRow.case_id > since, *_conditions(viewer, wanted, now)
    )
    return len((await session.scalars(query.limit(MOST_ANNOUNCED))).all())


async def newest(session: AsyncSession, viewer: Viewer) -> UUID | None:
    """Return the id of the newest case that the viewer may see: ids of later ones are greater."""
    query = select(CaseRow.case_id).where(visible_to(viewer)).order_by(CaseRow.case_id.desc()).limit(1)
    found: UUID | None = await session.scalar(query)
    return found


def _conditions(viewer: Viewer, wanted: Wanted, now: datetime) -> list[ColumnElement[bool]]:
    finished = CaseRow.state.in_([CaseState.RESOLVED, CaseState.CLOSED])
    conditions: list[ColumnElement[bool]] = [finished if wanted.view is View.FINISHED else not_finished()]
    conditions += _view(viewer, wanted.view, now)
    if wanted.team:
        conditions.append(CaseRow.team == wanted.team)
    if wanted.priority:
        conditions.append(CaseRow.priority == wanted.priority)
    if wanted.report_type:
        conditions.append(CaseRow.report_type == wanted.report_type)
    if wanted.platform:
        conditions.append(CaseRow.platform == wanted.platform)
    if wanted.behaviour:
        conditions.append(CaseRow.behaviours.contains([wanted.behaviour]))
    return conditions


def _view(viewer: Viewer, view: View, now: datetime) -> list[ColumnElement[bool]]:
    if view is View.MINE:
        return [CaseRow.assignee == viewer.subject]
    if view is View.UNCLAIMED:
        return [CaseRow.assignee.is_(None)]
    if view is View.AT_RISK:
        return [CaseRow.at_risk_at <= now]
    if view is View.RESTRICTED:
        return [CaseRow.restricted.is_(True)]
    return []


def _member(kind: type[E], text: str | None) -> E | None:
    return next((member for member in kind if member == text), None)


def _position(text: str) -> tuple[str, UUID] | None:
    priority, _, case_id = text.partition("_")
    try:
        return Priority(priority).value, UUID(case_id)
    except ValueError:
        return None
