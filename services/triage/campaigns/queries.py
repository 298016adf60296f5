"""Reads campaigns from the cases that the viewer may see: what they may not see is not counted, and is no reason."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Select,
    Subquery,
    Uuid,
    and_,
    any_,
    exists,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased
from sqlalchemy.sql.selectable import LateralFromClause

from services.triage.campaigns import domain
from services.triage.campaigns.domain import CampaignNotFound, CampaignState, Extent, Key, KeyKind, MemberState, Shared
from services.triage.campaigns.tables import CampaignMember, CampaignRow, CaseKey
from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer
from services.triage.deadlines.domain import UK
from services.triage.reports import queries as reports
from shared.audit import chain
from shared.audit.verification import Current
from shared.events.vocabulary import CaseState, Outcome, Priority, ReportType, Team

_LOOKED_AT = 100
"""Campaigns that one statement looks at: the viewer may not know of some."""
_MOST_LOOKED_AT = 1000
"""Campaigns that are looked at for one page."""
_MOST_SIFTED = 500
"""Of the cases that share a key, the newest among which those that a viewer may see are looked for."""
_FETCH = 500
_MOST_STEPS = 48


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as far as one person may see it."""

    campaign_id: UUID
    state: CampaignState
    version: int
    """How often people changed it."""
    name: str | None
    made_at: datetime
    decided_at: datetime | None
    decided_by: str | None
    dismissed_until: datetime | None
    size: int
    """Reports, counted up to `MOST_REPORTS`."""
    waiting: int
    """Cases that are suggested for it and that no one has confirmed."""
    first_at: datetime
    last_at: datetime
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A case in a campaign, as far as a list shows it."""

    case_id: UUID
    report_id: UUID
    reference: str
    report_type: ReportType
    team: Team
    state: CaseState
    priority: Priority
    outcome: Outcome | None
    version: int
    restricted: bool
    submitted_at: datetime
    assignee: str | None
    assignee_name: str | None
    belongs: MemberState


MEMBER, _CAMPAIGN = TypeAdapter(Member), TypeAdapter(Campaign)


def _known(viewer: Viewer) -> ColumnElement[bool]:
    """Return whether the viewer may know of a campaign.

    They see a case that someone confirmed, or two reports: else they would learn that there is another one. No one who
    is kept from one of its cases sees it, because of what it may be called.
    """
    member, seen = aliased(CampaignMember), cases.shown_to(viewer)
    here = member.campaign_id == CampaignRow.campaign_id
    kept = exists().where(here, member.case_id.in_(cases.hidden_from(viewer)))
    theirs = select(seen.c.report_id).join(member, member.case_id == seen.c.case_id).where(here).correlate(CampaignRow)
    confirmed = theirs.where(member.state == MemberState.CONFIRMED).exists()
    in_it = theirs.where(member.state != MemberState.TAKEN_OUT)
    another = in_it.where(seen.c.report_id != in_it.limit(1).scalar_subquery()).exists()
    return and_(not_(kept), or_(confirmed, another))  # to count distinct ones, it might read all cases in their order


def _cases_of(
    viewer: Viewer, campaign_id: ColumnElement[UUID] | InstrumentedAttribute[UUID], limit: int
) -> LateralFromClause:
    """Return the newest cases of a campaign that the viewer may see, to be joined where `campaign_id` is."""
    seen, member = cases.shown_to(viewer), CampaignMember.table()
    return (
        select(seen, member.c.state.label("belongs"))
        .join_from(member, seen, seen.c.case_id == member.c.case_id)
        .where(member.c.campaign_id == campaign_id, member.c.state != MemberState.TAKEN_OUT)
        .order_by(member.c.case_id.desc())
        .limit(limit)
        .lateral()
    )


async def get(session: AsyncSession, viewer: Viewer, campaign_id: UUID) -> Campaign:
    """Return one campaign.

    Raises:
        CampaignNotFound: there is no such campaign, or the viewer may not know of it.
    """
    row = await session.scalar(select(CampaignRow).where(CampaignRow.campaign_id == campaign_id, _known(viewer)))
    described = await _described(session, viewer, [row] if row else [])
    if not described:
        raise CampaignNotFound
    return described[0]


async def lock(session: AsyncSession, viewer: Viewer, campaign_id: UUID) -> CampaignRow:
    """Lock a campaign for a change.

    Raises:
        CampaignNotFound: there is no such campaign, or the viewer may not know of it.
    """
    wanted = select(CampaignRow).where(CampaignRow.campaign_id == campaign_id, _known(viewer))
    row: CampaignRow | None = await session.scalar(
        wanted.with_for_update(of=CampaignRow).execution_options(populate_existing=True)
    )
    if row is None:
        raise CampaignNotFound
    return row


async def listed(
    session: AsyncSession, viewer: Viewer, states: Collection[CampaignState], after: UUID | None, limit: int
) -> tuple[list[Campaign], UUID | None]:
    """Return a page of campaigns, the newest first, and the id of its last one if there may be more.

    No page begins at one that the viewer may not know of. So the list ends where `_MOST_LOOKED_AT` in a row are such.
    """
    row, found, ended = CampaignRow, list[CampaignRow](), False
    of_teams = (row.teams.overlap(sorted(viewer.teams)), row.state.in_(sorted(states)))
    newest = select(row.campaign_id).where(*of_teams).order_by(row.campaign_id.desc()).limit(_LOOKED_AT)
    for _ in range(0, _MOST_LOOKED_AT, _LOOKED_AT):
        ids = list(await session.scalars(newest.where(row.campaign_id < after) if after else newest))
        known = select(row).where(row.campaign_id.in_(ids), _known(viewer)).order_by(row.campaign_id.desc())
        found += await session.scalars(known.limit(limit + 1 - len(found)))
        ended = len(ids) < _LOOKED_AT
        if ended or len(found) > limit:
            break
        after = ids[-1]
    shown = await _described(session, viewer, found[:limit])
    return shown, shown[-1].campaign_id if shown and (len(found) > limit or not ended) else None


async def _described(session: AsyncSession, viewer: Viewer, rows: Sequence[CampaignRow]) -> list[Campaign]:
    """Return campaigns as the viewer sees them, in two statements."""
    ids = [row.campaign_id for row in rows]
    extents, shared = await _extents(session, viewer, ids), await _shared(session, viewer, ids)
    described = []
    for row in rows:
        if (extent := extents.get(row.campaign_id)) is None:
            continue  # since the rows were read, the last of its cases went where the viewer does not see it
        seen = {**asdict(extent), "size": extent.reports}
        because = domain.reasons(shared[row.campaign_id], extent)
        described.append(_CAMPAIGN.validate_python({**vars(row), **seen, "reasons": because}))
    return described


async def _extents(session: AsyncSession, viewer: Viewer, campaign_ids: Collection[UUID]) -> dict[UUID, Extent]:
    """Return how many reports of each campaign the viewer sees, in what time, and by how many reporters."""
    asked, by = _asked(campaign_ids), reports.reporters()
    seen = _cases_of(viewer, asked.c.campaign_id, domain.MOST_REPORTS)
    counted = func.count(seen.c.report_id.distinct())
    columns = (
        counted.label("reports"),
        func.min(seen.c.submitted_at).label("first_at"),
        func.max(seen.c.submitted_at).label("last_at"),
        func.count(by.c.reporter.distinct()).label("reporters"),
        counted.filter(by.c.reporter.is_(None)).label("anonymous"),
        func.count().filter(seen.c.belongs == MemberState.SUGGESTED).label("waiting"),
    )
    joined = select(asked.c.campaign_id, *columns).join_from(asked, seen, true())
    rows = await session.execute(joined.join(by, by.c.report_id == seen.c.report_id).group_by(asked.c.campaign_id))
    return {campaign_id: Extent(*rest) for campaign_id, *rest in rows}


async def _shared(session: AsyncSession, viewer: Viewer, campaign_ids: Collection[UUID]) -> dict[UUID, list[Shared]]:
    """Return for each campaign, of each kind, the key that most of the reports that the viewer sees have."""
    asked, key = _asked(campaign_ids), CaseKey.table()
    seen = _cases_of(viewer, asked.c.campaign_id, domain.MEMBERS_FOR_REASONS)
    many = func.count(key.c.report_id.distinct())
    shared = (
        select(asked.c.campaign_id, key.c.kind, many.label("reports"), func.min(key.c.at), func.max(key.c.at))
        .join_from(asked, seen, true())
        .join(key, key.c.case_id == seen.c.case_id)
        .group_by(asked.c.campaign_id, key.c.kind, key.c.key)
        .having(many > 1)
        .subquery()
    )
    most = select(shared).ext(distinct_on(shared.c.campaign_id, shared.c.kind))
    rows = await session.execute(most.order_by(shared.c.campaign_id, shared.c.kind, shared.c.reports.desc()))
    found: dict[UUID, list[Shared]] = defaultdict(list)
    for campaign_id, kind, *rest in rows:
        found[campaign_id].append(Shared(KeyKind(kind), *rest))
    return found


def _asked(campaign_ids: Collection[UUID]) -> Subquery:
    return select(func.unnest(literal(list(campaign_ids), ARRAY(Uuid))).label("campaign_id")).subquery("asked")


class Counted(NamedTuple):
    """Campaigns in one state."""

    state: CampaignState
    campaigns: int
    cases: int


async def counted(session: AsyncSession, viewer: Viewer, team: Team | None, since: datetime) -> list[Counted]:
    """Return how many campaigns that the viewer may know of began since then, with the cases that they see of them.

    With a team, those of its cases alone. Only so many of the newest are looked at, and so many cases of each: what a
    viewer may know of is no sum that could be kept.
    """
    row = CampaignRow
    began = select(row.campaign_id).where(row.made_at >= since, row.teams.overlap(sorted(viewer.teams)))
    newest = began.order_by(row.made_at.desc()).limit(domain.MOST_RECENT)
    known = select(row.campaign_id, row.state).where(row.campaign_id.in_(newest), _known(viewer))
    once = known.cte("known").prefix_with("materialized")
    seen = _cases_of(viewer, once.c.campaign_id, domain.MOST_REPORTS)
    numbers = (func.count(once.c.campaign_id.distinct()), func.count())
    query = select(once.c.state, *numbers).join_from(once, seen, true()).group_by(once.c.state)
    rows = await session.execute(query.where(seen.c.team == team) if team else query)
    return [Counted(CampaignState(state), campaigns, of_them) for state, campaigns, of_them in rows]


async def members(
    session: AsyncSession,
    viewer: Viewer,
    campaign_id: UUID,
    *states: MemberState,
    after: UUID | None = None,
    limit: int = domain.MOST_AT_ONCE,
    only: Collection[UUID] = (),
) -> list[Member]:
    """Return the newest members of a campaign that the viewer may see: those in these states, or all that are in it."""
    seen, member = cases.shown_to(viewer), CampaignMember.table()
    in_it = states or (MemberState.SUGGESTED, MemberState.CONFIRMED)
    which = (member.c.case_id.in_(only) if only else true(), member.c.case_id < after if after else true())
    wanted = (
        select(seen, member.c.state.label("belongs"))
        .join_from(member, seen, seen.c.case_id == member.c.case_id)
        .where(member.c.campaign_id == campaign_id, member.c.state.in_(in_it), *which)
        .order_by(member.c.case_id.desc())
        .limit(limit)
    )
    return [MEMBER.validate_python(dict(row)) for row in (await session.execute(wanted)).mappings()]


async def teams_of(session: AsyncSession, viewer: Viewer, case_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the team of each of these cases that the viewer may see."""
    seen = cases.shown_to(viewer)
    rows = await session.execute(select(seen.c.case_id, seen.c.team).where(seen.c.case_id.in_(case_ids)))
    return {case_id: team for case_id, team in rows}  # noqa: C416 - a row is no pair to a type checker


@dataclass(frozen=True, slots=True)
class Common:
    """A key that several reports of a campaign have."""

    key: Key
    reports: int
    expires_at: datetime
    """When the last of them is forgotten."""


async def common(
    session: AsyncSession, viewer: Viewer, campaign_id: UUID, kinds: Collection[KeyKind], limit: int = 20
) -> list[Common]:
    """Return the keys of some kinds that most reports of a campaign have, of those that the viewer may see."""
    key, seen = CaseKey.table(), _cases_of(viewer, literal(campaign_id, Uuid), domain.MEMBERS_FOR_REASONS)
    many = func.count(key.c.report_id.distinct())
    wanted = (
        select(key.c.kind, key.c.key, many, func.max(key.c.expires_at))
        .join_from(seen, key, key.c.case_id == seen.c.case_id)
        .where(key.c.kind.in_(kinds))
        .group_by(key.c.kind, key.c.key)
        .having(many > 1)
        .order_by(many.desc(), key.c.kind, key.c.key)
        .limit(limit)
    )
    return [Common(Key(KeyKind(kind), value), *rest) for kind, value, *rest in await session.execute(wanted)]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """How many reports of a campaign came in an hour or on a day."""

    since: datetime
    reports: int


async def arrivals(session: AsyncSession, viewer: Viewer, campaign: Campaign) -> list[Arrivals]:
    """Return how many reports came by the hour, or by the day if they came in more than two days; newest first."""
    step = "hour" if campaign.last_at - campaign.first_at < timedelta(days=2) else "day"
    seen = _cases_of(viewer, literal(campaign.campaign_id, Uuid), domain.MOST_REPORTS)
    since = func.date_trunc(step, seen.c.submitted_at, UK.key).label("since")
    counted = select(since, func.count(seen.c.report_id.distinct())).group_by(since).order_by(since.desc())
    return [Arrivals(*row) for row in await session.execute(counted.limit(_MOST_STEPS))]


async def shared_keys(session: AsyncSession, viewer: Viewer, campaign_id: UUID) -> list[Key]:
    """Return every key that two reports of a campaign have, of those that the viewer may see."""
    key, member, seen = CaseKey.table(), CampaignMember.table(), cases.shown_to(viewer)
    wanted = (
        select(key.c.kind, key.c.key)
        .join(member, member.c.case_id == key.c.case_id)
        .join(seen, seen.c.case_id == key.c.case_id)
        .where(member.c.campaign_id == campaign_id, member.c.state != MemberState.TAKEN_OUT)
        .group_by(key.c.kind, key.c.key)
        .having(func.count(key.c.report_id.distinct()) > 1)
    )
    return [Key(KeyKind(kind), value) for kind, value in await session.execute(wanted)]


@dataclass(frozen=True, slots=True)
class Related:
    """Another case, and why it is related."""

    case: Member
    why: tuple[str, ...]


async def why(
    session: AsyncSession, viewer: Viewer, campaign_id: UUID, case_ids: Collection[UUID]
) -> dict[UUID, list[str]]:
    """Return what each of these members shares with other reports of the campaign that the viewer sees."""
    key = CaseKey.table()
    seen = _cases_of(viewer, literal(campaign_id, Uuid), domain.MEMBERS_FOR_REASONS)
    shared = (
        select(key.c.kind, key.c.key)
        .join_from(seen, key, key.c.case_id == seen.c.case_id)
        .group_by(key.c.kind, key.c.key)
        .having(func.count(key.c.report_id.distinct()) > 1)
        .subquery()
    )
    having = select(key.c.case_id, func.array_agg(key.c.kind.distinct())).join(
        shared, and_(shared.c.kind == key.c.kind, shared.c.key == key.c.key)
    )
    rows = await session.execute(having.where(key.c.case_id.in_(case_ids)).group_by(key.c.case_id))
    return {case_id: domain.why(map(KeyKind, kinds)) for case_id, kinds in rows}


async def related(session: AsyncSession, viewer: Viewer, case_id: UUID, limit: int) -> list[Related]:
    """Return the newest cases of other reports that share something with a case, as far as the viewer may see."""
    mine, other, seen = CaseKey.table().alias("mine"), CaseKey.table(), cases.shown_to(viewer)
    having = (
        select(other.c.case_id, other.c.at)
        .where(other.c.kind == mine.c.kind, other.c.key == mine.c.key, other.c.report_id != mine.c.report_id)
        .correlate(mine)
        .order_by(other.c.at.desc())
        .limit(_MOST_SIFTED)
        .subquery()
    )
    newest = (
        select(having.c.case_id)
        .where(having.c.case_id.in_(select(cases.shown_to(viewer).c.case_id)))
        .order_by(having.c.at.desc())
        .limit(domain.MOST_SHARERS)
        .lateral()
    )
    sharing = (
        select(newest.c.case_id, func.array_agg(mine.c.kind.distinct()).label("kinds"))
        .join_from(mine, newest, true())
        .where(mine.c.case_id == case_id)
        .group_by(newest.c.case_id)
        .subquery()
    )
    wanted = select(seen, sharing.c.kinds).join(sharing, sharing.c.case_id == seen.c.case_id)
    rows = await session.execute(wanted.order_by(seen.c.submitted_at.desc()).limit(limit))
    return [
        Related(
            MEMBER.validate_python({**row, "belongs": MemberState.CONFIRMED}),
            tuple(domain.why(map(KeyKind, row["kinds"]))),
        )
        for row in rows.mappings()
    ]


async def name_of(session: AsyncSession, viewer: Viewer, campaign_id: UUID) -> str:
    """Return what a campaign is called; empty if it has no name, or the viewer may not know of it."""
    row = CampaignRow
    return await session.scalar(select(row.name).where(row.campaign_id == campaign_id, _known(viewer))) or ""


async def known(session: AsyncSession, viewer: Viewer, campaign_ids: Collection[UUID]) -> set[UUID]:
    """Return those of some campaigns that the viewer may know of."""
    row = CampaignRow
    return set(await session.scalars(select(row.campaign_id).where(row.campaign_id.in_(campaign_ids), _known(viewer))))


async def campaigns_of(session: AsyncSession, viewer: Viewer, case_id: UUID) -> list[Campaign]:
    """Return the campaigns that a case is in, but dismissed ones, as far as the viewer may know of them."""
    member, row = CampaignMember, CampaignRow
    wanted = (
        select(row)
        .join(member, member.campaign_id == row.campaign_id)
        .where(member.case_id == case_id, member.state != MemberState.TAKEN_OUT, row.state != CampaignState.DISMISSED)
        .where(_known(viewer))
        .order_by(row.campaign_id)
    )
    return await _described(session, viewer, list(await session.scalars(wanted)))


async def records(session: AsyncSession, only: UUID | None = None) -> AsyncIterator[tuple[UUID, Current]]:
    """Yield every campaign that people changed, for `verify`: what it is, and what people said of its cases."""
    table, last = CampaignRow.table(), UUID(int=0)
    which = table.c.campaign_id == only if only else table.c.version > 0
    page = select(table).where(which).order_by(table.c.campaign_id).limit(_FETCH)
    while rows := [dict(row) for row in (await session.execute(page.where(table.c.campaign_id > last))).mappings()]:
        decided = await _decided(session, [row["campaign_id"] for row in rows])
        for row in rows:
            campaign = chain.fingerprint({name: value for name, value in row.items() if name != "teams"})
            facts = {"state": row["state"], "version": str(row["version"])}
            yield row["campaign_id"], Current(facts, {"campaign": campaign, "members": decided[row["campaign_id"]]})
        last = rows[-1]["campaign_id"]


async def _decided(session: AsyncSession, campaign_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return a fingerprint of the cases that people put in each campaign or took out; "" where there is none."""
    table = CampaignMember.table()
    by_people = select(table.c.campaign_id, table.c.case_id, table.c.state).where(
        table.c.campaign_id.in_(campaign_ids), table.c.state != MemberState.SUGGESTED
    )
    found: dict[UUID, dict[str, object]] = {campaign_id: {} for campaign_id in campaign_ids}
    for campaign_id, case_id, state in await session.execute(by_people):
        found[campaign_id][str(case_id)] = state
    return {campaign_id: chain.fingerprint(cases) if cases else "" for campaign_id, cases in found.items()}


# What other capabilities ask.


def cases_in(viewer: Viewer, campaign_id: UUID) -> Select[UUID]:
    """Return the cases of a campaign, as a filter of the queue; none of one that the viewer may not know of."""
    row, member = CampaignRow, CampaignMember
    known = select(row.campaign_id).where(row.campaign_id == campaign_id, _known(viewer)).scalar_subquery()
    return select(member.case_id).where(member.campaign_id == known, member.state != MemberState.TAKEN_OUT)


def count_suggested(viewer: Viewer, _now: datetime) -> Select[int]:
    """Return how many campaigns wait for a decision, of the newest that are suggested and the viewer may know of."""
    row = CampaignRow
    theirs = (row.state == CampaignState.SUGGESTED, row.teams.overlap(sorted(viewer.teams)))
    newest = select(row.campaign_id).where(*theirs).order_by(row.campaign_id.desc()).limit(_LOOKED_AT)
    return select(func.count()).select_from(row).where(row.campaign_id.in_(newest), _known(viewer))


async def shared_by(session: AsyncSession, viewer: Viewer, case_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return for each of these cases the newest campaign that it is in and the viewer may know of; not dismissed ones.

    Whether they may know of one is asked once, however many of the cases are in it.
    """
    row, member = CampaignRow, CampaignMember
    theirs = (member.case_id == any_(literal(list(case_ids), ARRAY(Uuid))), member.state != MemberState.TAKEN_OUT)
    asked = row.campaign_id.in_(select(member.campaign_id).where(*theirs))
    known = select(row.campaign_id).where(asked, row.state != CampaignState.DISMISSED, _known(viewer))
    once = known.cte("known").prefix_with("materialized")
    joined = select(member.case_id, member.campaign_id).join(once, once.c.campaign_id == member.campaign_id)
    newest = joined.where(*theirs).ext(distinct_on(member.case_id))
    rows = await session.execute(newest.order_by(member.case_id, member.campaign_id.desc()))
    return {case_id: campaign_id for case_id, campaign_id in rows}  # noqa: C416 - a row is no pair to a type checker
