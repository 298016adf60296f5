"""Reads who stepped back from a case, and second reviews of outcomes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ARRAY, Select, Text, Uuid, any_, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import lists
from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer, conflict_key
from services.triage.cases.domain import FINISHED, Case
from services.triage.exposure import queries as exposure
from services.triage.wellbeing.domain import NoSuchReview, SecondReview
from services.triage.wellbeing.tables import HandOver, SecondReviewRow
from shared.audit import chain
from shared.events.vocabulary import Priority, Team
from shared.ids import folded_id

MOST_OFFERED = 50
MOST_COUNTED = 1_000
"""Agreement is of the newest reviews of a team, up to this number."""
RECENT = timedelta(days=90)
_REVIEW = TypeAdapter(SecondReview)


@dataclass(frozen=True, slots=True)
class Conflict:
    """A conflict of interest that stands."""

    staff_id: str
    declared_at: datetime


async def conflicts(session: AsyncSession, case_id: UUID) -> list[Conflict]:
    """Return the conflicts of interest that stand on a case, oldest first; for its leads alone."""
    keys = await cases.conflicts_in(session, case_id)
    if not keys:
        return []
    declared = [one for one in await chain.read(session, case_id) if one.action == "conflict_declared"]
    newest = {conflict_key(one.actor): Conflict(one.actor, one.at) for one in declared}
    return [conflict for key, conflict in newest.items() if key in keys]


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A case that was handed over, no questions asked, and that no lead has noted yet."""

    hand_over_id: UUID
    case_id: UUID
    subject: str
    at: datetime


async def handed_over(session: AsyncSession, viewer: Viewer) -> list[tuple[HandedOver, Case]]:
    """Return what colleagues handed over in the teams that the viewer leads, with the cases, the oldest first."""
    found = [HandedOver(*one) for one in await session.execute(_unseen(viewer).limit(MOST_OFFERED))]
    seen = await _cases_of(session, viewer, [one.case_id for one in found])
    return [(one, seen[one.case_id]) for one in found if one.case_id in seen]


def count_for_leads(viewer: Viewer, now: datetime) -> Select[int]:
    """Return the statement that counts what waits for a lead: cases that were handed over, and requests to see more.

    Each is counted up to one more than is said. Nothing waits for anyone else.
    """
    if not viewer.leads:
        return select(literal(0))
    most = lists.MOST_COUNTED + 1
    handed = select(func.count()).select_from(_unseen(viewer).limit(most).subquery())
    asked = exposure.count_requests(viewer.leads, viewer.subject, now, most)
    return select(handed.scalar_subquery() + asked.scalar_subquery())


def _unseen(viewer: Viewer) -> Select[UUID, UUID, str, datetime]:
    row, shown = HandOver, cases.shown_to(viewer)
    theirs = (row.team.in_(sorted(viewer.leads)), func.lower(row.subject) != folded_id(viewer.subject))
    query = select(row.hand_over_id, row.case_id, row.subject, row.at).where(row.seen_at.is_(None), *theirs)
    return query.join(shown, shown.c.case_id == row.case_id).order_by(row.at)


async def _cases_of(session: AsyncSession, viewer: Viewer, case_ids: Collection[UUID]) -> dict[UUID, Case]:
    return {case.case_id: case for case in await cases.visible(session, viewer, case_ids)}


@dataclass(frozen=True, slots=True)
class Agreement:
    """In how many second reviews of a team both people came to the same."""

    team: Team
    decided: int
    agree: int

    @property
    def share(self) -> int:
        """In whole per cent."""
        return round(100 * self.agree / self.decided)


async def waiting(session: AsyncSession, viewer: Viewer) -> list[tuple[SecondReview, Case]]:
    """Return second reviews that the viewer may decide, with their cases, those that wait longest first."""
    row = SecondReviewRow.table()
    query = _theirs(viewer, select(row)).order_by(row.c.chosen_at, row.c.review_id)
    return await _with_cases(session, viewer, query)


def count_waiting(viewer: Viewer, _now: datetime) -> Select[int]:
    """Return the statement that counts the second reviews that the viewer may decide, up to one more than is said."""
    some = _theirs(viewer, select(SecondReviewRow.table().c.review_id)).limit(lists.MOST_COUNTED + 1).subquery()
    return select(func.count()).select_from(some)


def _theirs(viewer: Viewer, query: Select[Any]) -> Select[Any]:
    """Return those that wait and that the viewer may decide; the query reads the table of second reviews."""
    row, shown = SecondReviewRow.table(), cases.shown_to(viewer)
    of_teams = row.c.team.in_(sorted(viewer.teams)) & row.c.decided_at.is_(None)
    by_others = func.lower(row.c.resolved_by).is_distinct_from(folded_id(viewer.subject))
    query = query.join(shown, (shown.c.case_id == row.c.case_id) & shown.c.state.in_(sorted(FINISHED)))
    return query.where(of_teams, by_others)


async def differing(session: AsyncSession, viewer: Viewer, now: datetime) -> list[tuple[SecondReview, Case]]:
    """Return the newest second reviews that differ, in the teams that the viewer leads, with their cases."""
    row, shown = SecondReviewRow.table(), cases.shown_to(viewer)
    recent = row.c.team.in_(sorted(viewer.leads)) & (row.c.decided_at > now - RECENT)
    query = select(row).join(shown, shown.c.case_id == row.c.case_id)
    query = query.where(recent, row.c.second_outcome != row.c.outcome).order_by(row.c.decided_at.desc())
    return await _with_cases(session, viewer, query)


async def _with_cases(session: AsyncSession, viewer: Viewer, query: Select[Any]) -> list[tuple[SecondReview, Case]]:
    rows = (await session.execute(query.limit(MOST_OFFERED))).mappings()
    found = [_REVIEW.validate_python(dict(one)) for one in rows]
    seen = await _cases_of(session, viewer, [one.case_id for one in found])
    return [(one, seen[one.case_id]) for one in found if one.case_id in seen]


async def agreement(session: AsyncSession, viewer: Viewer, teams: Collection[Team], since: datetime) -> list[Agreement]:
    """Return the agreement in these teams since then, without cases that are kept from the viewer.

    Only so many of the newest of each team are looked at.
    """
    row, present = SecondReviewRow, cases.present(viewer)
    asked = select(func.unnest(literal(sorted(teams), ARRAY(Text))).label("team")).subquery("asked")
    newest = (
        select((row.second_outcome == row.outcome).label("agrees"))
        .join(present, present.c.case_id == row.case_id)
        .where(row.team == asked.c.team, row.decided_at > since)
        .order_by(row.decided_at.desc())
        .limit(MOST_COUNTED)
        .lateral()
    )
    counted = select(asked.c.team, func.count(), func.count().filter(newest.c.agrees)).join_from(asked, newest, true())
    rows = await session.execute(counted.group_by(asked.c.team).order_by(asked.c.team))
    return [Agreement(Team(team), decided, agreeing) for team, decided, agreeing in rows]


async def get(session: AsyncSession, viewer: Viewer, review_id: UUID) -> SecondReview:
    """Return one second review.

    Raises:
        NoSuchReview: there is none, or the viewer may not see its case.
    """
    row = SecondReviewRow.table()
    found = (await session.execute(select(row).where(row.c.review_id == review_id))).mappings().one_or_none()
    if found is None or not await cases.visible(session, viewer, [found["case_id"]]):
        raise NoSuchReview
    return _REVIEW.validate_python(dict(found))


async def waiting_on(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, SecondReview]:
    """Return the second review that each of the cases waits for, if it does."""
    found = await of_cases(session, case_ids)
    return {case_id: one for case_id, kept in found.items() for one in kept if one.decided_at is None}


async def were_p1(session: AsyncSession, case_ids: Collection[UUID]) -> set[UUID]:
    """Return those of the cases that were a P1 at any time, or that a case is merged into which was."""
    tree = cases.below(case_ids)
    families = {case_id: {case_id} for case_id in case_ids}
    for main, case_id in await session.execute(select(tree.c.main, tree.c.case_id)):
        families[main].add(case_id)
    urgent = await chain.ever(session, set().union(*families.values()), "priority", Priority.P1)
    return {case_id for case_id, family in families.items() if family & urgent}


async def of_cases(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, list[SecondReview]]:
    """Return the second reviews of each case, oldest first, in one statement."""
    row = SecondReviewRow.table()
    wanted = select(row).where(row.c.case_id == any_(literal(list(case_ids), ARRAY(Uuid))))
    found: dict[UUID, list[SecondReview]] = {case_id: [] for case_id in case_ids}
    for one in (await session.execute(wanted.order_by(row.c.case_id, row.c.resolution))).mappings():
        found[one["case_id"]].append(_REVIEW.validate_python(dict(one)))
    return found


def facts_of(reviews: Iterable[SecondReview]) -> dict[str, str]:
    """Return what the activity record of a case says of its second reviews: a fingerprint, nothing to erase in it."""
    values = {f"{one.review_id} {name}": value for one in reviews for name, value in asdict(one).items()}
    return {"second_reviews": chain.fingerprint(values) if values else ""}


async def facts(session: AsyncSession, case_ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, str]]:
    """Return what the activity record of each case says of its second reviews, for `verify`."""
    return {case_id: facts_of(reviews) for case_id, reviews in (await of_cases(session, case_ids)).items()}
