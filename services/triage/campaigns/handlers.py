"""What people do with campaigns: each act under the campaign's row lock, and recorded in the campaign's own chain.

A case that joins or leaves says so in its chain too. Campaigns are locked before cases. Messages to the reporters of a
campaign, and outcomes, are bulk actions.
"""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert

from services.triage.campaigns import domain, queries
from services.triage.campaigns.domain import CampaignState, MemberState
from services.triage.campaigns.tables import CampaignMember, CampaignRow, DismissedKey
from services.triage.cases import domain as case_domain
from services.triage.cases import queries as case_queries
from services.triage.cases.handlers import Work
from services.triage.exposure import handlers as exposure
from shared.audit import chain

JOINED, LEFT, CONTENT_SHOWN = "campaign_joined", "campaign_left", "content_shown"


async def make(work: Work, case_ids: Collection[UUID], name: str | None) -> UUID:
    """Make a confirmed campaign of cases that the person sees; return its id.

    Raises:
        NoCases, TooManyCases: it needs some, and takes so many at once.
        CaseNotFound: the person may not see one of them.
    """
    row = CampaignRow(campaign_id=work.writer.ids.uuid(), made_at=work.now, version=0, teams=[])
    _decide(work, row, CampaignState.CONFIRMED)
    row.name = name
    work.session.add(row)
    await work.session.flush()
    await _put_in(work, row, case_ids)
    await _record(work, row, "campaign_made", case_ids, name=name)
    return row.campaign_id


async def confirm(work: Work, campaign_id: UUID, name: str | None, read: int | None = None) -> None:
    """Confirm that the cases which the person sees belong together; without a name, it keeps the one that it has.

    Of those that are suggested for it, the newest 1,000 are confirmed at once.

    Raises:
        CampaignNotFound: there is no such campaign, or the person may not know of it.
        CampaignChanged: it is not as they read it.
    """
    row = await _read(work, campaign_id, read)
    waiting = await queries.members(work.session, work.viewer, campaign_id, MemberState.SUGGESTED)
    _decide(work, row, CampaignState.CONFIRMED)
    row.name = name or row.name
    await work.session.execute(delete(DismissedKey).where(DismissedKey.campaign_id == campaign_id))
    added = [one.case_id for one in waiting]
    if added:
        await _put_in(work, row, added)
    await _record(work, row, "campaign_confirmed", added, name=name)


async def rename(work: Work, campaign_id: UUID, name: str, read: int | None = None) -> None:
    """Give a campaign another name.

    Raises:
        CampaignNotFound, CampaignChanged, CampaignDismissed: as for every change.
    """
    row = await _lock(work, campaign_id, read)
    row.name = name
    await _record(work, row, "campaign_named", name=name)


async def change_members(
    work: Work,
    campaign_id: UUID,
    add: Collection[UUID] = (),
    take_out: Collection[UUID] = (),
    read: int | None = None,
) -> None:
    """Add cases to a campaign, and take others out; those are not suggested for it again.

    Raises:
        CampaignNotFound, CampaignChanged, CampaignDismissed: as for every change.
        NoCases, TooManyCases: it takes some, and so many at once.
        NoSuchMember: one to be taken out is not in it, or the person may not see it.
        TooFewLeft: it would be no campaign any more without those that are taken out.
        CaseNotFound: the person may not see one to be added.
    """
    row = await _lock(work, campaign_id, read)
    if not add and not take_out:
        raise domain.NoCases
    if add:
        await _put_in(work, row, add)
        await _record(work, row, "campaign_cases_added", add)
    if take_out:
        await _take_out(work, row, take_out)
        await _record(work, row, "campaign_cases_taken_out", take_out)


async def dismiss(work: Work, campaign_id: UUID, days: int, reason: str | None, read: int | None = None) -> None:
    """Dismiss a campaign for some days: what the cases that the person sees share suggests nothing until then.

    Raises:
        CampaignNotFound, CampaignChanged, CampaignDismissed: as for every change.
    """
    row = await _lock(work, campaign_id, read)
    _decide(work, row, CampaignState.DISMISSED)
    row.dismissed_until = work.now + timedelta(days=days)
    shared = await queries.shared_keys(work.session, work.viewer, campaign_id)
    values = [
        {"kind": kind, "key": key, "campaign_id": campaign_id, "until": row.dismissed_until} for kind, key in shared
    ]
    new = insert(DismissedKey)
    later = {"until": new.excluded.until, "campaign_id": new.excluded.campaign_id}
    if values:
        await work.session.execute(new.on_conflict_do_update(index_elements=["kind", "key"], set_=later), values)
    await _record(work, row, "campaign_dismissed", reason=reason)


async def look(work: Work, campaign_id: UUID) -> None:
    """Record that a person looks at what the reports have in common: in the chain of each case that they see.

    Raises:
        CampaignNotFound: there is no such campaign, or the person may not know of it.
        CapReached: they were shown much content today, and none of the cases is a P1.
    """
    await queries.lock(work.session, work.viewer, campaign_id)
    members = await queries.members(work.session, work.viewer, campaign_id)
    if not members:  # between the two statements, its cases went where the person does not see them
        raise domain.CampaignNotFound
    gravest = min(members, key=lambda one: one.priority)
    await exposure.count(work.session, work.viewer.subject, gravest.team, gravest.priority, work.now)
    await _say(work, campaign_id, [one.case_id for one in members], CONTENT_SHOWN)


async def confirmed(
    work: Work,
    campaign_id: UUID,
    chosen: Collection[UUID] = (),
    limit: int = domain.MOST_AT_ONCE,
    after: UUID | None = None,
) -> list[queries.Member]:
    """Return the newest confirmed cases of a campaign, or those that were chosen, for a bulk action.

    With `after`, only cases that are older than that one.

    Raises:
        CampaignNotFound, CampaignDismissed: as for every change.
        NoCases, NoSuchMember: there is no confirmed case, or one that was chosen is not in the campaign.
    """
    campaign = await queries.get(work.session, work.viewer, campaign_id)
    if campaign.state is CampaignState.DISMISSED:
        raise domain.CampaignDismissed
    return await _members(work, campaign_id, chosen, MemberState.CONFIRMED, limit=limit, after=after)


async def _lock(work: Work, campaign_id: UUID, read: int | None) -> CampaignRow:
    """Lock a campaign for a change of one that is not dismissed.

    Raises:
        CampaignNotFound, CampaignChanged: as for `_read`.
        CampaignDismissed: it is dismissed.
    """
    row = await _read(work, campaign_id, read)
    if row.state == CampaignState.DISMISSED:
        raise domain.CampaignDismissed
    return row


async def _read(work: Work, campaign_id: UUID, read: int | None) -> CampaignRow:
    """Lock a campaign that the person read in version `read`; None if they say nothing of that.

    Raises:
        CampaignNotFound: there is no such campaign, or the person may not know of it.
        CampaignChanged: another person changed it since.
    """
    row = await queries.lock(work.session, work.viewer, campaign_id)
    if read is not None and row.version != read:
        raise domain.CampaignChanged(row.version)
    return row


def _decide(work: Work, row: CampaignRow, state: CampaignState) -> None:
    row.state, row.dismissed_until = state.value, None
    row.decided_at, row.decided_by = work.now, work.viewer.subject


async def _members(
    work: Work,
    campaign_id: UUID,
    chosen: Collection[UUID],
    *states: MemberState,
    limit: int = domain.MOST_AT_ONCE,
    after: UUID | None = None,
) -> list[queries.Member]:
    """Return the chosen members in these states, or the newest ones if none was chosen.

    Raises:
        NoSuchMember: one is not among them.
        NoCases: there is none.
    """
    members = await queries.members(
        work.session, work.viewer, campaign_id, *states, only=chosen, limit=limit, after=after
    )
    if not set(chosen) <= {one.case_id for one in members}:
        raise domain.NoSuchMember
    if not members:
        raise domain.NoCases
    return members


async def _put_in(work: Work, row: CampaignRow, case_ids: Collection[UUID]) -> None:
    """Confirm cases as members, and say so in the chain of each that is new.

    Raises:
        NoCases, TooManyCases, CaseNotFound: as for `make`.
    """
    if not case_ids:
        raise domain.NoCases
    if len(set(case_ids)) > domain.MOST_AT_ONCE:
        raise domain.TooManyCases(domain.MOST_AT_ONCE)
    seen = await queries.teams_of(work.session, work.viewer, case_ids)
    if len(seen) < len(set(case_ids)):
        raise case_domain.CaseNotFound
    row.teams = sorted({*row.teams, *seen.values()})
    common = {"campaign_id": row.campaign_id, "state": MemberState.CONFIRMED, "added_at": work.now}
    values = [{**common, "case_id": case_id} for case_id in sorted(seen)]
    new = insert(CampaignMember)
    upsert = new.on_conflict_do_update(
        index_elements=["campaign_id", "case_id"],
        set_={"state": new.excluded.state},
        where=CampaignMember.state != MemberState.CONFIRMED,
    )
    changed = await work.session.scalars(upsert.values(values).returning(CampaignMember.case_id))
    await _say(work, row.campaign_id, list(changed), JOINED)


async def _take_out(work: Work, row: CampaignRow, case_ids: Collection[UUID]) -> None:
    """Take members out, and say so in the chain of each.

    Raises:
        NoSuchMember: one is not in the campaign, or the person may not see it.
        TooFewLeft: it would be no campaign any more.
    """
    found = await _members(work, row.campaign_id, case_ids, MemberState.SUGGESTED, MemberState.CONFIRMED)
    gone = [one.case_id for one in found]
    which = (CampaignMember.campaign_id == row.campaign_id, CampaignMember.case_id.in_(gone))
    await work.session.execute(update(CampaignMember).where(*which).values(state=MemberState.TAKEN_OUT))
    try:
        await queries.get(work.session, work.viewer, row.campaign_id)
    except domain.CampaignNotFound:
        raise domain.TooFewLeft from None
    await _say(work, row.campaign_id, gone, LEFT)


async def _say(work: Work, campaign_id: UUID, case_ids: Collection[UUID], action: str) -> None:
    """Append the same to the chains of cases. Their versions stay, so that no one has to read them again."""
    await case_queries.lock_cases(work.session, case_ids)
    change = chain.Change(action, work.viewer.subject, after={"campaign": str(campaign_id)})
    await chain.append(work.session, [(one, change) for one in sorted(case_ids)], work.now, work.writer.ids)


async def _record(
    work: Work,
    row: CampaignRow,
    action: str,
    case_ids: Collection[UUID] = (),
    *,
    name: str | None = None,
    reason: str | None = None,
) -> None:
    """Append an act to the campaign's own chain, with what the campaign is from now on."""
    row.version += 1
    await work.session.flush()
    [proof] = [current async for _, current in queries.records(work.session, row.campaign_id)]
    said = {**proof.facts, "cases": str(len(set(case_ids)))}
    personal = {"name": name} if name else {}
    done = chain.Change(action, work.viewer.subject, reason, after=said, personal=personal, state=proof.state)
    await chain.append(work.session, [(row.campaign_id, done)], work.now, work.writer.ids)
