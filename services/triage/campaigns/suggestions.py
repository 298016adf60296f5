"""Suggests campaigns: makes the keys of cases that changed, and compares them with those of other cases."""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Subquery,
    Text,
    Uuid,
    any_,
    delete,
    exists,
    func,
    literal,
    select,
    text,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.triage.accounts import queries as accounts
from services.triage.accounts.domain import Handle
from services.triage.campaigns import domain
from services.triage.campaigns.domain import CampaignState, Joined, Key, KeyKind, MemberState, Sharer
from services.triage.campaigns.tables import CampaignMember, CampaignRow, CaseKey, DismissedKey
from services.triage.cases import changes
from services.triage.cases import queries as cases
from services.triage.cases.changes import Reader
from services.triage.cases.domain import Case
from services.triage.reports import queries as reports
from services.triage.reports.domain import TriageReport, harmed_keys, link_keys
from shared.db.bulk import copy_in
from shared.ids import Ids
from shared.messaging.auditor import Step
from shared.messaging.faults import class_of, is_transient

_log = structlog.get_logger()

BATCH = 500
"""Keys that one run of the sweep forgets."""
KEYS = Step("key_forgotten", CaseKey.expires_at, grace=timedelta(minutes=30))
"""Keys that are kept too long, for the auditor: links to personal accounts end."""
_LOCK = text(
    "select from campaign where campaign_id = any(:campaigns)"
    " or campaign_id in (select campaign_id from campaign_member where case_id = any(:ids))"
    " order by campaign_id for no key update"
)
_TEAMS = text(
    "update campaign set teams = array(select distinct unnest(campaign.teams || found.teams) order by 1) from"
    " (select campaign_id, array_agg(distinct team.name) as teams from campaign_member"
    "  join unnest(cast(:ids as uuid[]), cast(:teams as text[])) as team(case_id, name) using (case_id)"
    "  group by campaign_id) as found"
    " where campaign.campaign_id = found.campaign_id and not campaign.teams @> found.teams"
)
_SHARING_NOTHING = text(
    "delete from campaign where state = 'suggested' and version = 0 and campaign_id in"
    " (select campaign_id from campaign_member where case_id = any(:ids)) and not exists"
    " (select from campaign_member join case_key using (case_id)"
    "  where campaign_member.campaign_id = campaign.campaign_id"
    "  group by kind, key having count(distinct report_id) > 1)"
)


async def suggest(session: AsyncSession, now: datetime, *, ids: Ids, personal_links: timedelta) -> int:
    """Make the keys of cases that changed, and suggest campaigns for those with new ones; return how many cases."""
    changed = await changes.take(session, Reader.CAMPAIGNS)
    if not changed:
        return 0
    if not await _failure(session, changed, now, ids, personal_links):
        return len(changed)
    failed = {}  # one case must not stop the others
    for case_id in changed:
        if error := await _failure(session, [case_id], now, ids, personal_links):
            failed[case_id] = error
            _log.error("case_not_compared", case_id=str(case_id), error=class_of(error))
    if len(failed) == len(changed) > 1:  # it is not the case: they are taken again
        raise failed[changed[0]]
    return len(changed)


async def _failure(
    session: AsyncSession, changed: Collection[UUID], now: datetime, ids: Ids, personal_links: timedelta
) -> Exception | None:
    """Compare cases, or leave all as it was and return what went wrong."""
    try:
        async with session.begin_nested():
            await _compare(session, changed, now, ids, personal_links)
    except Exception as error:  # the caller compares the cases one by one, and gives up on the one that fails
        if is_transient(error):
            raise
        return error
    return None


async def _compare(
    session: AsyncSession, changed: Collection[UUID], now: datetime, ids: Ids, personal_links: timedelta
) -> None:
    found = await cases.cases_of(session, changed)
    wanted = await _keys(session, found)
    fresh = await _store(session, found, wanted, now, personal_links)
    limits = domain.thresholds(personal_links)
    sharers = await _sharers(session, fresh, now)
    everyone = {one.case_id for some in (fresh, *sharers.values()) for one in some}
    placed = domain.place(fresh, sharers, await _homes(session, everyone), limits, ids.uuid)
    await _join(session, placed, found, now)


async def forget(session: AsyncSession, now: datetime) -> int:
    """Forget keys whose time is over, and suggestions that have no reason without them; return how many keys."""
    table = CaseKey.table()
    columns = (table.c.case_id, table.c.kind, table.c.key)
    due = select(*columns).where(table.c.expires_at <= now).limit(BATCH)
    gone = delete(table).where(tuple_(*columns).in_(due)).returning(table.c.case_id)
    case_ids = list(await session.scalars(gone))
    if case_ids:
        await session.execute(_SHARING_NOTHING, {"ids": list(set(case_ids))})
    await session.execute(delete(DismissedKey).where(DismissedKey.until <= now))
    return len(case_ids)


async def _keys(session: AsyncSession, found: Sequence[Case]) -> dict[UUID, set[Key]]:
    """Return the keys that each case has now. What may be trade union activity is compared with nothing (C-j)."""
    report_ids = {case.report_id for case in found}
    left_out = await cases.union_reports(session, report_ids)
    told = await reports.read_all(session, report_ids - left_out, content=True)
    named = await reports.accounts_of_all(session, list(told))
    registered = await accounts.registered(session, {account for some in named.values() for account in some})
    ours = {account for account, known in registered.items() if known.sanctioned}
    common: dict[UUID, set[Key]] = {}
    for report_id, report in told.items():
        common[report_id] = {*_of_report(report), *_of_accounts(named.get(report_id, ()), ours)}
        await asyncio.sleep(0)  # to hash a long report takes milliseconds: requests go on between two
    pieces = await reports.evidence_of_all(session, list(told))
    return {
        case.case_id: common.get(case.report_id, set())
        | {
            Key.of(KeyKind.FILE, one.sha256_sent)
            for one in pieces
            if one.report_id == case.report_id and one.is_shown({case.case_id})
        }
        for case in found
    }


def _of_report(report: TriageReport) -> Iterable[Key]:
    yield from (Key.of(KeyKind.LINK, link) for link in link_keys(report))
    yield from (Key.of(KeyKind.TEXT, band) for band in domain.text_keys(report.story))
    yield from (Key.of(KeyKind.PERSON, person) for person in harmed_keys(report))


def _of_accounts(named: Iterable[Handle], ours: Collection[Handle]) -> Iterable[Key]:
    """Return the keys of accounts. One of the department's own did nothing: it is what the reports are about."""
    for account in named:
        yield Key.of(KeyKind.OURS if account in ours else KeyKind.ACCOUNT, str(account))


async def _store(
    session: AsyncSession,
    found: Sequence[Case],
    wanted: Mapping[UUID, Collection[Key]],
    now: datetime,
    personal_links: timedelta,
) -> dict[Sharer, set[Key]]:
    """Let the cases have these keys; return which of them are new, by case, the oldest report first.

    Suggestions that have no reason without the keys that are gone are forgotten.
    """
    table = CaseKey.table()
    columns = (table.c.case_id, table.c.kind, table.c.key)
    kept = await session.execute(select(*columns).where(_among(table.c.case_id, wanted)))
    known = domain.by_case((case_id, Key(KeyKind(kind), key)) for case_id, kind, key in kept)
    fresh: dict[Sharer, set[Key]] = {}
    gone: list[tuple[UUID, str, str]] = []
    rows: list[dict[str, object]] = []
    for case in sorted(found, key=lambda one: (one.submitted_at, one.case_id)):
        until = {kind: domain.expires_at(kind, case.submitted_at, personal_links) for kind in KeyKind}
        lasting = {key for key in wanted[case.case_id] if until[key.kind] > now}
        had = known.get(case.case_id, set())
        new = fresh[Sharer(case.case_id, case.report_id, case.submitted_at)] = lasting - had
        gone += [(case.case_id, *key) for key in had - lasting]
        rows += [_row(case, key, until[key.kind]) for key in new]
    await copy_in(session, table, rows)
    if gone:
        await session.execute(delete(table).where(tuple_(*columns).in_(gone)))
        await session.execute(_SHARING_NOTHING, {"ids": list({case_id for case_id, *_ in gone})})
    return fresh


def _row(case: Case, key: Key, expires_at: datetime) -> dict[str, object]:
    which = {"case_id": case.case_id, "report_id": case.report_id, "at": case.submitted_at}
    return {**which, "kind": str(key.kind), "key": key.value, "expires_at": expires_at}


async def _sharers(
    session: AsyncSession, fresh: Mapping[Sharer, Collection[Key]], now: datetime
) -> dict[Key, list[Sharer]]:
    """Return the newest cases that have each of these keys, in one statement; none for keys that were dismissed.

    Those before the fresh ones are asked for by themselves: of a burst, these are in a campaign already.
    """
    table, asked = CaseKey.table(), _table_of({key for keys in fresh.values() for key in keys})
    dismissed = exists().where(
        DismissedKey.kind == asked.c.kind, DismissedKey.key == asked.c.key, DismissedKey.until > now
    )
    sharing = (
        select(table.c.case_id, table.c.report_id, table.c.at)
        .where(table.c.kind == asked.c.kind, table.c.key == asked.c.key)
        .order_by(table.c.at.desc())
        .limit(domain.MOST_SHARERS)
        .correlate(asked)
    )
    earlier = sharing.where(~_among(table.c.case_id, [one.case_id for one in fresh]))
    newest = union_all(sharing, earlier).lateral()
    rows = await session.execute(
        select(asked.c.kind, asked.c.key, newest).select_from(asked).join(newest, true()).where(~dismissed)
    )
    found: dict[Key, list[Sharer]] = defaultdict(list)
    for kind, key, *sharer in rows:
        found[Key(KeyKind(kind), key)].append(Sharer(*sharer))
    return found


async def _homes(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, UUID]:
    """Return the campaign that each of these cases is in: the oldest, if it is in several."""
    member, campaign = CampaignMember, CampaignRow
    rows = await session.execute(
        select(member.case_id, member.campaign_id)
        .join(campaign, campaign.campaign_id == member.campaign_id)
        .where(_among(member.case_id, case_ids), member.state != MemberState.TAKEN_OUT)
        .where(campaign.state != CampaignState.DISMISSED)
        .order_by(member.campaign_id.desc())
    )
    return {case_id: campaign_id for case_id, campaign_id in rows}  # noqa: C416 - a row is no pair to a type checker


async def _join(session: AsyncSession, placed: Sequence[Joined], found: Sequence[Case], now: datetime) -> None:
    """Store what is suggested, and which teams have a case of each campaign.

    Campaigns are locked before their cases, as people's acts do it.
    """
    others = await cases.cases_of(session, {one.case_id for one in placed} - {case.case_id for case in found})
    known = [*found, *others]
    placed = domain.with_an_open_case(placed, {case.case_id for case in known if not case.finished})
    teams = {case.case_id: case.team for case in known}
    new = sorted({one.campaign_id for one in placed if one.new})
    await copy_in(session, CampaignRow.table(), [_campaign(campaign_id, now) for campaign_id in new])
    which = {"ids": list(teams), "campaigns": [one.campaign_id for one in placed]}
    await session.execute(_LOCK, which)
    if placed:
        members = [_member(one, now) for one in placed]
        await session.execute(insert(CampaignMember.table()).on_conflict_do_nothing(), members)
    await session.execute(_TEAMS, {"ids": list(teams), "teams": [str(team) for team in teams.values()]})


def _campaign(campaign_id: UUID, now: datetime) -> dict[str, object]:
    return {
        "campaign_id": campaign_id,
        "state": CampaignState.SUGGESTED.value,
        "made_at": now,
        "version": 0,
        "teams": [],
    }


def _member(one: Joined, now: datetime) -> dict[str, object]:
    which = {"campaign_id": one.campaign_id, "case_id": one.case_id}
    return {**which, "state": MemberState.SUGGESTED.value, "added_at": now}


def _table_of(keys: Collection[Key]) -> Subquery:
    listed = sorted(keys)
    kinds = literal([str(key.kind) for key in listed], ARRAY(Text))
    values = literal([key.value for key in listed], ARRAY(Text))
    asked = func.unnest(kinds, values).table_valued("kind", "key").render_derived()
    return select(asked).subquery("asked")


def _among(column: ColumnElement[UUID] | InstrumentedAttribute[UUID], ids: Collection[UUID]) -> ColumnElement[bool]:
    return column == any_(literal(sorted(ids), ARRAY(Uuid)))
