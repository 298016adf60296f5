"""Reads what people were shown: a person their own figures, a lead their team's totals and its requests."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.triage.exposure.domain import Exposure, TeamTotal, day_of
from services.triage.exposure.tables import ExposureRequest, ExposureRow
from shared.events.vocabulary import Team
from shared.ids import folded_id

MOST_REQUESTS = 50


@dataclass(frozen=True, slots=True)
class Request:
    """A colleague's request to see more content today."""

    subject: str
    team: Team
    asked_at: datetime


async def of_person(session: AsyncSession, subject: str, now: datetime) -> Exposure:
    """Return what a person was shown today, in one statement."""
    today = and_(ExposureRow.day == day_of(now), ExposureRow.subject == folded_id(subject))
    row, asked = ExposureRow, ExposureRequest
    theirs = and_(asked.day == day_of(now), asked.subject == folded_id(subject))
    shown = select(
        func.coalesce(func.sum(row.items), 0), func.coalesce(func.sum(row.seconds), 0), func.max(row.last_at)
    ).where(today)
    said = (func.min(asked.asked_at), func.max(asked.allowed_at), func.array_agg(asked.team))
    found = shown.add_columns(*(select(one).where(theirs).scalar_subquery() for one in said))
    items, seconds, last_at, asked_at, allowed_at, teams = (await session.execute(found)).one()
    of = frozenset(map(Team, teams or ()))
    return Exposure(items, timedelta(seconds=seconds), last_at, asked_at, of, allowed=allowed_at is not None)


async def totals(session: AsyncSession, teams: Collection[Team], now: datetime) -> list[TeamTotal]:
    """Return what these teams were shown today; a day has one row for each person and team."""
    row = ExposureRow
    sums = select(row.team, func.count(), func.sum(row.items), func.sum(row.seconds))
    today = sums.where(row.day == day_of(now), row.team.in_(sorted(teams))).group_by(row.team).order_by(row.team)
    return [
        TeamTotal(Team(team), people, items, timedelta(seconds=seconds))
        for team, people, items, seconds in await session.execute(today)
    ]


async def requests(session: AsyncSession, teams: Collection[Team], but: str, now: datetime) -> list[Request]:
    """Return who asks the leads of these teams to see more today, other than `but`; the first requests first.

    Those whom the lead of another team let see more do not ask any longer.
    """
    rows = await session.execute(_waiting(teams, but, now).limit(MOST_REQUESTS))
    return [Request(subject, Team(team), asked_at) for subject, team, asked_at in rows]


def count_requests(teams: Collection[Team], but: str, now: datetime, most: int) -> Select[int]:
    """Return the statement that counts these requests, up to `most`."""
    return select(func.count()).select_from(_waiting(teams, but, now).limit(most).subquery())


def _waiting(teams: Collection[Team], but: str, now: datetime) -> Select[str, str, datetime]:
    asked, other = ExposureRequest, aliased(ExposureRequest)
    let = exists().where(other.day == asked.day, other.subject == asked.subject, other.allowed_at.is_not(None))
    waiting = select(asked.subject, asked.team, asked.asked_at).where(
        asked.day == day_of(now),
        asked.team.in_(sorted(teams)),
        ~let,
        asked.subject != folded_id(but),
    )
    return waiting.order_by(asked.asked_at, asked.subject)
