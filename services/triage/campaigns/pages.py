"""/cases/campaigns: the campaigns, the page of each, what a case is related to, and who is targeted again."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.triage.campaigns import domain, handlers, queries, repeats
from services.triage.campaigns.api import OPEN, REFUSALS
from services.triage.campaigns.domain import CampaignState, Key, KeyKind
from services.triage.campaigns.forms import DAYS, Action, ActionForm, read_action
from services.triage.cases import activities, views
from services.triage.cases import domain as case_domain
from services.triage.cases import queries as cases
from services.triage.cases.dependencies import CaseParts, ViewerDep, WorkDep
from services.triage.cases.handlers import Work
from services.triage.cases.pages import Shown, Tab, of_the_report, opened, show
from services.triage.exposure.domain import CapReached
from services.triage.merges import queries as merges
from shared.audit import chain
from shared.auth.guard import requires
from shared.auth.permissions import Permission
from shared.ids import InvalidReference, Reference
from shared.people import Names, names_of
from shared.runtime import parts_of
from shared.web.dependencies import Transaction
from shared.web.forms import FormErrors, FormReader
from shared.web.pages import render
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(include_in_schema=False)

PAGE_SIZE = 20
MEMBERS = 50
RELATED = 20
STATES: Mapping[str, str] = {
    "": "Suggested and confirmed",
    CampaignState.SUGGESTED: "Suggested",
    CampaignState.CONFIRMED: "Confirmed",
    CampaignState.DISMISSED: "Dismissed",
}
DONE: Mapping[str, str] = {
    Action.CONFIRM: "The campaign is confirmed.",
    Action.NAME: "The campaign has another name.",
    Action.ADD: "The case is in the campaign.",
    Action.TAKE_OUT: "The cases are not in the campaign any more. They will not be suggested for it again.",
    Action.DISMISS: "The campaign is dismissed.",
    "made": "The campaign is made. Give it a name, so that others know it.",
}
_NAMED = (KeyKind.ACCOUNT, KeyKind.LINK)
"""What is content: shown only to those who ask."""
_TARGETS = (KeyKind.PERSON, KeyKind.OURS)
_WORDS: Mapping[str, Any] = {"wording": views, "record": activities, "states": STATES, "days": DAYS}
_PAGE = "/cases/campaigns/{campaign_id}"
Cursor = Annotated[UUID | None, Query()]


@router.get("/cases/campaigns")
async def campaigns_page(
    request: Request, session: Transaction, viewer: ViewerDep, state: str = "", cursor: Cursor = None
) -> HTMLResponse:
    """Show campaigns whose cases the responder may see, the newest first."""
    chosen = next((one for one in CampaignState if one == state), None)
    found, after = await queries.listed(session, viewer, (chosen,) if chosen else OPEN, cursor, PAGE_SIZE)
    later = cursor is not None
    return render(
        request, "campaigns.html", states=STATES, chosen=chosen or "", campaigns=found, after=after, later=later
    )


@router.get(_PAGE)
async def campaign_page(request: Request, work: WorkDep, campaign_id: UUID) -> HTMLResponse:
    """Show a campaign: why, whom it is about, its cases, what can be done, and what was."""
    return await _page(request, work, campaign_id)


@router.get(_PAGE + "/{asked}")
async def campaign_again(work: WorkDep, campaign_id: UUID, asked: str) -> RedirectResponse:  # noqa: ARG001 - in the path
    """Go back to the campaign from the address of one of its forms, as after a reload."""
    await queries.get(work.session, work.viewer, campaign_id)
    return RedirectResponse(f"/cases/campaigns/{campaign_id}", 303)


@router.post(_PAGE + "/show", dependencies=[requires(Permission.SEE_CASE_CONTENT)])
async def show_names(request: Request, work: WorkDep, campaign_id: UUID) -> HTMLResponse:
    """Show which accounts and links the reports have in common, and record that a responder asked."""
    try:
        async with work.session.begin_nested():
            await handlers.look(work, campaign_id)
    except CapReached as error:
        refused = ActionForm(Action.CONFIRM)
        status = record_refusal(refusal_of(error, REFUSALS), error, refused.errors, "show")
        return await _page(request, work, campaign_id, form=refused, status=status)
    return await _page(request, work, campaign_id, content=True)


@router.post(_PAGE + "/{action}")
async def act(request: Request, work: WorkDep, campaign_id: UUID, action: Action) -> Response:
    """Carry out an action; if it is refused, show the page again with the reason and what was typed."""
    await queries.get(work.session, work.viewer, campaign_id)
    form = await read_action(request, action)
    if form.errors:
        return await _page(request, work, campaign_id, form=form, status=422)
    try:
        async with work.session.begin_nested():
            await DO[action](work, campaign_id, form)
    except tuple(REFUSALS) as error:
        status = record_refusal(refusal_of(error, REFUSALS), error, form.errors, f"{action}-text")
        return await _page(request, work, campaign_id, form=form, status=status)
    return RedirectResponse(f"/cases/campaigns/{campaign_id}?done={action}", 303)


@router.get("/cases/SP-{rest}/related")
async def related_tab(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the campaigns that a case is in, and the cases that share something with it, each with why."""
    case = await opened(work, rest)
    found = await queries.campaigns_of(work.session, work.viewer, case.case_id)
    related = await queries.related(work.session, work.viewer, case.case_id, RELATED)
    earlier = await repeats.earlier(work.session, work.viewer, case, RELATED)
    listed = {one.case.case_id for one in earlier}
    others = [one for one in related if one.case.case_id not in listed]
    family = await merges.family(work.session, work.viewer, case)
    same = {"family": family, "of_report": await of_the_report(work, case)}
    links = {"personal_links": parts_of(request, CaseParts).personal_links}
    shown = Shown({"campaigns": found, "others": others, "earlier": earlier, **links, **same}, [])
    return await show(request, work, case, tab=Tab.RELATED, shown=shown)


@router.get("/cases/repeat")
async def repeat_page(
    request: Request, work: WorkDep, cursor: Annotated[str | None, Query(pattern=repeats.CURSOR)] = None
) -> HTMLResponse:
    """Show people who are targeted again within 30 days, the one with the newest report first."""
    start = repeats.Cursor.read(cursor) if cursor else None
    page = await repeats.again(work.session, work.viewer, work.now, start, PAGE_SIZE)
    names = await names_of(work.session, [one.person.value.removeprefix("id:") for one in page.people])
    return render(
        request,
        "repeat.html",
        people=[(_target(one.person, names), one) for one in page.people],
        after=page.after,
        since=page.since,
        place=cursor or "",
        most=repeats.MOST_COUNTED,
        wording=views,
    )


async def _add(work: Work, campaign_id: UUID, form: ActionForm) -> None:
    """Add the cases that were ticked beside a case that they are related to, or the one whose reference was typed."""
    try:
        typed = [await cases.by_reference(work.session, work.viewer, Reference.parse(form.text))] if form.text else []
    except (InvalidReference, case_domain.CaseNotFound):
        raise domain.UnknownReference from None
    add = [*form.chosen, *(case.case_id for case in typed)]
    await handlers.change_members(work, campaign_id, add=add, read=form.version)


DO: Mapping[Action, Callable[[Work, UUID, ActionForm], Awaitable[None]]] = {
    Action.CONFIRM: lambda work, of, form: handlers.confirm(work, of, form.text or None, form.version),
    Action.NAME: lambda work, of, form: handlers.rename(work, of, form.text, form.version),
    Action.ADD: _add,
    Action.TAKE_OUT: lambda work, of, form: handlers.change_members(
        work, of, take_out=list(form.chosen), read=form.version
    ),
    Action.DISMISS: lambda work, of, form: handlers.dismiss(work, of, form.days, form.text or None, form.version),
}


async def _page(
    request: Request,
    work: Work,
    campaign_id: UUID,
    *,
    content: bool = False,
    form: ActionForm | None = None,
    status: int = 200,
) -> HTMLResponse:
    session, viewer = work.session, work.viewer
    campaign = await queries.get(session, viewer, campaign_id)
    after = next(iter(FormReader({"cursor": [request.query_params.get("cursor", "")]}).uuids("cursor")), None)
    found = await queries.members(session, viewer, campaign_id, after=after, limit=MEMBERS + 1)
    members = found[:MEMBERS]
    targets = await queries.common(session, viewer, campaign_id, _TARGETS)
    history = list(reversed(await chain.read(session, campaign_id)))
    people = [campaign.decided_by, *(one.assignee for one in members), *activities.people_in(history)]
    names = await names_of(session, [*people, *(one.key.value.removeprefix("id:") for one in targets)])
    return render(
        request,
        "campaign.html",
        status,
        **_WORDS,
        campaign=campaign,
        members=members,
        later=after is not None,
        place=str(after or ""),
        more=members[-1].case_id if len(found) > MEMBERS else None,
        why=await queries.why(session, viewer, campaign_id, [one.case_id for one in members]),
        targets=[(_target(one.key, names), one.reports) for one in targets],
        named=await queries.common(session, viewer, campaign_id, _NAMED) if content else None,
        arrivals=await queries.arrivals(session, viewer, campaign),
        history=history,
        names=names,
        viewer=viewer,
        form=form,
        errors=form.errors if form else FormErrors(),
        done=request.query_params.get("done"),
        said=DONE,
    )


def _target(key: Key, names: Names) -> str:
    """Return the words for whom reports are about."""
    kind, _, value = key.value.partition(":")
    if key.kind is KeyKind.OURS:
        return f"Our account {value} on {views.platform(kind)}"
    return names(value.upper()) if kind == "id" else value.title()
