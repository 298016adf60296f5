"""Lists of cases that a responder may see: filtered, in an order, a page at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Self, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, Select, Subquery, func, not_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import views
from services.triage.cases.access import Viewer
from services.triage.cases.domain import FINISHED, Case
from services.triage.cases.queries import evidence_seen, to_case, visible_to
from services.triage.cases.tables import CaseRow, not_finished
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import Behaviour, CaseState, Effect, MisuseBehaviour, Priority, ReportType, Team
from shared.ids import Reference
from shared.people import known_person, named

E = TypeVar("E", bound=StrEnum)

PAGE_SIZE = 50
HAPPENED = tuple(dict.fromkeys(str(one) for kind in (Behaviour, MisuseBehaviour, Effect) for one in kind))
"""What a queue can be filtered by."""
MOST_ANNOUNCED = 99
"""New arrivals and unread replies are counted up to this number."""
URGENT = (Priority.P1, Priority.P2)
NO_CASE_YET = UUID(int=0)


class QueueView(StrEnum):
    """The views of the queue."""

    ALL = "all"
    MINE = "mine"
    UNCLAIMED = "unclaimed"
    REPLIES = "replies"
    AT_RISK = "at-risk"
    RESTRICTED = "restricted"
    REVIEWS = "reviews"
    FINISHED = "finished"


COUNTED = (QueueView.REPLIES, QueueView.REVIEWS)
"""Views that say how many cases they have."""


def of_view(viewer: Viewer, view: QueueView, now: datetime) -> list[ColumnElement[bool]]:
    """Return the conditions of a view. *Replies*, *At risk* and *Look again* have finished cases too."""
    conditions: Mapping[QueueView, ColumnElement[bool]] = {
        QueueView.MINE: CaseRow.assignee == viewer.subject,
        QueueView.UNCLAIMED: CaseRow.assignee.is_(None),
        QueueView.REPLIES: CaseRow.replied_at.is_not(None),
        QueueView.AT_RISK: CaseRow.at_risk_at <= now,  # of the clocks that run, which may be that of a finished case
        QueueView.RESTRICTED: CaseRow.restricted.is_(True),
        QueueView.REVIEWS: CaseRow.review_asked_at.is_not(None),
        QueueView.FINISHED: CaseRow.state.in_(sorted(FINISHED)),
    }
    in_any_state = view in {QueueView.REPLIES, QueueView.AT_RISK, QueueView.REVIEWS, QueueView.FINISHED}
    found = [conditions[view]] if view in conditions else []
    return found if in_any_state else [not_finished(), *found]


class Sort(StrEnum):
    """The orders of a list."""

    NEWEST = "newest"
    OLDEST = "oldest"


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a client asks for."""

    report_id: UUID | None = None
    team: Team | None = None
    state: CaseState | None = None
    text: str | None = None
    """Part of a reference, or a platform or behaviour."""
    view: tuple[QueueView, datetime] | None = None
    """A view of the queue, and the time now, which decides what is at risk."""
    sort: Sort = Sort.NEWEST
    after: UUID | None = None
    """The id that the last page ended with."""


async def listed(session: AsyncSession, viewer: Viewer, wanted: CaseFilter, limit: int) -> list[Case]:
    """Return up to `limit` cases, in the order asked for."""
    newest = wanted.sort is Sort.NEWEST
    order = CaseRow.case_id.desc() if newest else CaseRow.case_id
    query = select(CaseRow).where(visible_to(viewer)).order_by(order).limit(limit)
    if wanted.view:
        query = query.where(*of_view(viewer, *wanted.view))
    if wanted.report_id:
        query = query.where(CaseRow.report_id == wanted.report_id)
    if wanted.team:
        query = query.where(CaseRow.team == wanted.team)
    if wanted.state:
        query = query.where(CaseRow.state == wanted.state)
    if wanted.text:
        query = query.where(_matches(wanted.text))
    if wanted.after:
        query = query.where(CaseRow.case_id < wanted.after if newest else CaseRow.case_id > wanted.after)
    return [to_case(row) for row in await session.scalars(query)]


def _matches(text: str) -> ColumnElement[bool]:
    word, start = text.lower().replace(" ", "_"), Reference.start(text)
    named = (CaseRow.platform == word, CaseRow.behaviours.contains([word]))
    return or_(*named, CaseRow.reference.startswith(start, autoescape=True)) if start else or_(*named)


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """The filters of a queue, as in its URL."""

    view: QueueView = QueueView.ALL
    team: Team | None = None
    priority: Priority | None = None
    report_type: ReportType | None = None
    platform: str | None = None
    behaviour: str | None = None
    """A behaviour of abuse or misuse, or an effect of an incident."""
    after: tuple[str, UUID] | None = None
    """Priority and id of the last row seen: where the next page begins."""
    before: tuple[str, UUID] | None = None
    """Priority and id of the first row seen: where the previous page ends."""

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read a URL's parameters; ignore those that make no sense."""
        return cls(
            view=_member(QueueView, parameters.get("view")) or QueueView.ALL,
            team=_member(Team, parameters.get("team")),
            priority=_member(Priority, parameters.get("priority")),
            platform=platform if (platform := parameters.get("platform")) in PLATFORMS else None,
            report_type=_member(ReportType, parameters.get("type")),
            behaviour=said if (said := parameters.get("behaviour")) in HAPPENED else None,
            after=_position(parameters.get("after", "")),
            before=_position(parameters.get("before", "")),
        )

    def url(self, **changes: object) -> str:
        """Return the address of this queue with `changes`; a change of filter begins at the first page."""
        wanted = replace(self, **{"after": None, "before": None, **changes})  # type: ignore[arg-type] # replace checks the names
        parameters = {
            "view": None if wanted.view is QueueView.ALL else wanted.view.value,
            "team": wanted.team,
            "priority": wanted.priority,
            "type": wanted.report_type,
            "platform": wanted.platform,
            "behaviour": wanted.behaviour,
            "after": "_".join(map(str, wanted.after)) if wanted.after else None,
            "before": "_".join(map(str, wanted.before)) if wanted.before else None,
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
    assignee: str
    manager: str
    """Who works on it, by name as far as it is known; empty if there is no such person."""
    evidence: int
    """How many pieces the viewer may see."""

    def about(self, with_team: bool) -> list[str]:  # noqa: FBT001 - called by a template
        """Return the row's second line: platform, team if the viewer has several, and anything special."""
        case = self.case
        said = [
            views.platform(self.platform) if self.platform else "",
            views.SHORT_TEAM_NAMES[case.team] if with_team else "",
            "Restricted" if case.restricted else "",
            "Evidence" if self.evidence else "",
            "Withdrawal requested" if case.withdrawn_at else "",
            "Look again" if case.review_asked_at else "",
        ]
        return [text for text in said if text]


async def page(session: AsyncSession, viewer: Viewer, wanted: QueueFilter, now: datetime) -> list[Queued]:
    """Return a page of cases in their order, plus one more if there are more in the direction of reading."""
    query = _queue(viewer).where(*_conditions(viewer, wanted, now))
    if wanted.after:
        query = query.where(tuple_(CaseRow.priority, CaseRow.case_id) > tuple_(*wanted.after))
    order = (CaseRow.priority, CaseRow.case_id)
    if wanted.before:
        query = query.where(tuple_(*order) < tuple_(*wanted.before)).order_by(*(column.desc() for column in order))
    rows = (await session.execute(query.order_by(*order).limit(PAGE_SIZE + 1))).all()
    return [_queued(*row) for row in (reversed(rows) if wanted.before else rows)]


async def chosen(
    session: AsyncSession, viewer: Viewer, wanted: QueueFilter, now: datetime, limit: int
) -> dict[UUID, int]:
    """Return the first cases of a queue, up to `limit`, each with its version."""
    query = select(CaseRow.case_id, CaseRow.version).where(visible_to(viewer), *_conditions(viewer, wanted, now))
    rows = await session.execute(query.order_by(CaseRow.priority, CaseRow.case_id).limit(limit))
    return {row.case_id: row.version for row in rows}


def _queue(viewer: Viewer) -> Select[CaseRow, str | None, str | None, int]:
    assignee, manager = known_person.alias(), known_person.alias()
    return (
        select(CaseRow, assignee.c.name, manager.c.name, evidence_seen(viewer))
        .outerjoin(assignee, assignee.c.staff_id == func.lower(CaseRow.assignee))
        .outerjoin(manager, manager.c.staff_id == func.lower(CaseRow.manager))
        .where(visible_to(viewer))
    )


async def to_hand_over(session: AsyncSession, viewer: Viewer, soon: datetime, limit: int) -> list[Queued]:
    """Return open cases that are urgent or due until `soon`, those that are due first at the top."""
    wanted = or_(CaseRow.priority.in_(URGENT), CaseRow.due_at <= soon)
    query = _queue(viewer).where(not_finished(), wanted).order_by(CaseRow.due_at, CaseRow.case_id).limit(limit)
    return [_queued(*row) for row in (await session.execute(query)).all()]


async def count_to_hand_over(
    session: AsyncSession, teams: Sequence[Team], soon: datetime
) -> dict[Team, tuple[int, int]]:
    """Return how many open cases of each team are urgent, and how many others are due until `soon`, in one statement.

    For emails to a whole team: without restricted cases, and without those kept from someone.
    """
    everyone = (not_finished(), not_(CaseRow.restricted), CaseRow.kept_from == [])
    urgent = CaseRow.priority.in_(URGENT)
    kinds = ((urgent,), (not_(urgent), CaseRow.due_at <= soon))
    counts = [
        select(func.count()).select_from(_some(CaseRow.team == team, *everyone, *kind)).scalar_subquery()
        for team in teams
        for kind in kinds
    ]
    found = list((await session.execute(select(*counts))).one())
    return {team: (found[2 * i], found[2 * i + 1]) for i, team in enumerate(teams)}


def _some(*conditions: ColumnElement[bool]) -> Subquery:
    return select(CaseRow.case_id).where(*conditions).limit(MOST_ANNOUNCED + 1).subquery()


async def count_arrivals(session: AsyncSession, viewer: Viewer, wanted: QueueFilter, since: UUID, now: datetime) -> int:
    """Count cases of a queue that were opened after case `since`, up to a limit."""
    query = select(CaseRow.case_id).where(
        visible_to(viewer), CaseRow.case_id > since, *_conditions(viewer, wanted, now)
    )
    return len((await session.scalars(query.limit(MOST_ANNOUNCED))).all())


async def beside(
    session: AsyncSession, viewer: Viewer, wanted: QueueFilter, now: datetime
) -> tuple[UUID, dict[QueueView, int]]:
    """Return the id of the newest case that the viewer may see, and how many cases views have; in one statement.

    Ids of later cases are greater. Views are counted with the same filters, up to one more than are said.
    """
    newest = select(CaseRow.case_id).where(visible_to(viewer)).order_by(CaseRow.case_id.desc()).limit(1)
    counted = [_count(viewer, replace(wanted, view=view), now) for view in COUNTED]
    found = (await session.execute(select(newest.scalar_subquery(), *counted))).one()
    last: UUID | None = found[0]
    return last or NO_CASE_YET, dict(zip(COUNTED, found[1:], strict=True))


def _count(viewer: Viewer, wanted: QueueFilter, now: datetime) -> ScalarSelect[int]:
    some = select(CaseRow.case_id).where(visible_to(viewer), *_conditions(viewer, wanted, now))
    return select(func.count()).select_from(some.limit(MOST_ANNOUNCED + 1).subquery()).scalar_subquery()


def _queued(row: CaseRow, assignee: str | None, manager: str | None, evidence: int) -> Queued:
    return Queued(
        to_case(row),
        row.platform,
        tuple(row.behaviours),
        row.due_at,
        row.at_risk_at,
        assignee=row.assignee_name or named(assignee, row.assignee),
        manager=named(manager, row.manager),
        evidence=evidence,
    )


def _conditions(viewer: Viewer, wanted: QueueFilter, now: datetime) -> list[ColumnElement[bool]]:
    conditions = of_view(viewer, wanted.view, now)
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


def _member(kind: type[E], text: str | None) -> E | None:
    return next((member for member in kind if member == text), None)


def _position(text: str) -> tuple[str, UUID] | None:
    priority, _, case_id = text.partition("_")
    try:
        return Priority(priority).value, UUID(case_id)
    except ValueError:
        return None
