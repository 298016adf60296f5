"""/cases/api/v1/campaigns: the campaigns that are suggested and confirmed, and what people do with them."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.triage.campaigns import domain, handlers, queries
from services.triage.campaigns.domain import CampaignState, MemberState
from services.triage.campaigns.refusals import REFUSALS as OWN_REFUSALS
from services.triage.cases.api import version_in
from services.triage.cases.dependencies import ViewerDep, WorkDep
from services.triage.cases.refusals import REFUSALS as CASE_REFUSALS
from shared.events.vocabulary import CaseState, Priority, ReportType, Team
from shared.web.bodies import Body, Int, Name, Text
from shared.web.dependencies import Transaction

router = APIRouter(prefix="/cases/api/v1/campaigns", tags=["campaigns"])

REFUSALS = {**CASE_REFUSALS, **OWN_REFUSALS}
OPEN = (CampaignState.SUGGESTED, CampaignState.CONFIRMED)
LONGEST_NAME = 200
LONGEST_REASON = 2_000
LONGEST_DISMISSAL = 365
"""Days."""
Cases = Annotated[tuple[UUID, ...], Field(max_length=domain.MOST_AT_ONCE)]


class CampaignItem(BaseModel):
    """A campaign, as far as you may see its cases."""

    model_config = ConfigDict(from_attributes=True)

    campaign_id: UUID
    state: CampaignState
    version: int
    """How often people changed it; for use in `If-Match`, as `"3"`."""
    name: str | None
    size: int
    """Reports, counted up to 1,000."""
    waiting: int
    """Cases that are suggested for it and that no one has confirmed."""
    reasons: list[str]
    """Why the reports may belong together, such as `same link`; empty if people alone say so."""
    first_at: AwareDatetime
    last_at: AwareDatetime
    dismissed_until: AwareDatetime | None


class CampaignPage(BaseModel):
    """One page of campaigns, and where the next one starts."""

    items: list[CampaignItem]
    next_cursor: UUID | None


class MemberItem(BaseModel):
    """A case of a campaign."""

    model_config = ConfigDict(from_attributes=True)

    case_id: UUID
    reference: str
    report_id: UUID
    version: int
    report_type: ReportType
    team: Team
    state: CaseState
    priority: Priority
    submitted_at: AwareDatetime
    belongs: MemberState
    why: list[str] = []
    """What it shares with other reports of the campaign."""


class CampaignDetail(CampaignItem):
    """A campaign with a page of its cases, the newest first."""

    members: list[MemberItem]
    next_cursor: UUID | None


class CampaignBody(Body):
    """The cases of a new campaign. Who may see one of them reads its name."""

    case_ids: Annotated[Cases, Field(min_length=1)]
    name: Annotated[Name, Field(max_length=LONGEST_NAME)] | None = None


class MembersBody(Body):
    """Cases to be added, and cases to be taken out."""

    add: Cases = ()
    take_out: Cases = ()


class ConfirmBody(Body):
    """What to call the campaign."""

    name: Annotated[Name, Field(max_length=LONGEST_NAME)] | None = None


class DismissBody(Body):
    """For how long, and why."""

    days: Annotated[Int, Field(ge=1, le=LONGEST_DISMISSAL)] = 30
    reason: Annotated[Text, Field(max_length=LONGEST_REASON)] | None = None


async def _version_read(if_match: Annotated[str | None, Header()] = None) -> int | None:
    """Return the version that the client read before it wrote, if it says so."""
    return None if if_match is None or if_match.strip() == "*" else version_in(if_match)


Read = Annotated[int | None, Depends(_version_read)]
"""With an `If-Match`, nothing is done if another person changed the campaign since that version."""


@router.get("")
async def list_campaigns(
    session: Transaction,
    viewer: ViewerDep,
    state: CampaignState | None = None,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> CampaignPage:
    """List campaigns whose cases you may see, the newest first; without `state`, all but the dismissed ones."""
    found, after = await queries.listed(session, viewer, (state,) if state else OPEN, cursor, limit)
    return CampaignPage(items=[CampaignItem.model_validate(one) for one in found], next_cursor=after)


@router.post("", status_code=201)
async def make(work: WorkDep, body: CampaignBody) -> CampaignItem:
    """Make a campaign of cases that you may see. It is confirmed."""
    return await _item(work, await handlers.make(work, body.case_ids, body.name))


@router.get("/{campaign_id}")
async def get_campaign(
    session: Transaction,
    viewer: ViewerDep,
    campaign_id: UUID,
    cursor: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> CampaignDetail:
    """Read one campaign with a page of its cases."""
    campaign = await queries.get(session, viewer, campaign_id)
    found = await queries.members(session, viewer, campaign_id, after=cursor, limit=limit + 1)
    shown, more = found[:limit], len(found) > limit
    because = await queries.why(session, viewer, campaign_id, [one.case_id for one in shown])
    members = [MemberItem.model_validate({**asdict(one), "why": because.get(one.case_id, [])}) for one in shown]
    return CampaignDetail(**asdict(campaign), members=members, next_cursor=shown[-1].case_id if more else None)


@router.post("/{campaign_id}/members")
async def change_members(work: WorkDep, campaign_id: UUID, body: MembersBody, read: Read) -> CampaignItem:
    """Add cases and take others out. What is taken out is not suggested for this campaign again."""
    await handlers.change_members(work, campaign_id, body.add, body.take_out, read)
    return await _item(work, campaign_id)


@router.post("/{campaign_id}/confirm")
async def confirm(work: WorkDep, campaign_id: UUID, read: Read, body: ConfirmBody | None = None) -> CampaignItem:
    """Confirm that the cases which you see belong together, and give the campaign a name.

    If more than 1,000 were suggested, some are still `waiting`: confirm it again.
    """
    await handlers.confirm(work, campaign_id, body.name if body else None, read)
    return await _item(work, campaign_id)


@router.post("/{campaign_id}/dismiss")
async def dismiss(work: WorkDep, campaign_id: UUID, read: Read, body: DismissBody | None = None) -> CampaignItem:
    """Dismiss the campaign: for so many days, what its cases share suggests nothing."""
    asked = body or DismissBody()
    await handlers.dismiss(work, campaign_id, asked.days, asked.reason, read)
    return await _item(work, campaign_id)


async def _item(work: WorkDep, campaign_id: UUID) -> CampaignItem:
    return CampaignItem.model_validate(await queries.get(work.session, work.viewer, campaign_id))
