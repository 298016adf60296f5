"""/cases/bulk: what was chosen in a list, whom it would affect, how far it is, what came of it, undo."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.triage.bulk import domain, handlers, queries
from services.triage.bulk.domain import Action, State
from services.triage.bulk.forms import ChosenForm, OrderForm, read_begun, read_chosen, read_order
from services.triage.bulk.queries import Bulk
from services.triage.bulk.refusals import NAMES, PROBLEMS
from services.triage.campaigns import handlers as campaigns
from services.triage.campaigns.domain import NoCases
from services.triage.cases import handlers as cases
from services.triage.cases import queries as case_queries
from services.triage.cases import views
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.handlers import Work
from services.triage.cases.pages import came_from
from services.triage.conversation import queries as replies
from services.triage.conversation.domain import appended, chosen, has_fields
from services.triage.conversation.handlers import filled_for
from services.triage.queue import domain as queues
from services.triage.queue.handlers import choose as look_up
from services.triage.reports import queries as reports
from shared.people import names_of
from shared.web.pages import render

router = APIRouter(include_in_schema=False)

_PAGE = "/cases/bulk/{bulk_id:uuid}"
_ROW = re.compile(r"SP-[0-9A-Z-]{1,20}")
MOST_LISTED = 20


@dataclass(frozen=True, slots=True)
class Words:
    """How pages name an action."""

    button: str
    title: str
    done: str
    undo: str
    """What undoing it cannot do, if it is a thing that people need to know."""


WORDS: Mapping[Action, Words] = {
    Action.CLAIM: Words("Claim", "Claim {}", "{} claimed", ""),
    Action.ASSIGN: Words(
        "Assign",
        "Assign {}",
        "{} assigned",
        "Your colleague may have been told already. Hand-over notes stay with the cases.",
    ),
    Action.TRANSFER: Words(
        "Transfer", "Transfer {}", "{} transferred", "The other team may have been told of them already."
    ),
    Action.MESSAGE: Words(
        "Message",
        "Message the reporters of {}",
        "Message sent about {}",
        "A message that was sent cannot be taken back.",
    ),
    Action.RESOLVE: Words(
        "Resolve",
        "Resolve {}",
        "{} resolved",
        "Reporters may have been told already. Their page then says that work continues.",
    ),
    Action.MERGE: Words(
        "Merge",
        "Merge {}",
        "{} merged",
        "If someone changed the priority of the case that they were merged into, it keeps that.",
    ),
}


@dataclass(frozen=True, slots=True)
class Origin:
    """The list in which cases were chosen. It stands in addresses alone, because a search may have names."""

    query: str = ""
    """The queue, with its page, as the query of its address."""
    row: str = ""
    """The reference of the first case that was ticked."""
    campaign: UUID | None = None

    @classmethod
    def read(cls, request: Request) -> Self:
        """Read it from an address of ours."""
        said = request.query_params
        row = _ROW.fullmatch(said.get("row", ""))
        return cls(came_from(request), row[0] if row else "", _uuid(said.get("campaign", "")))

    @property
    def url(self) -> str:
        """The address of the list, at its row."""
        wanted, cursor = queues.opened_from(self.query)
        page = f"/cases/campaigns/{self.campaign}" if self.campaign else wanted.url(cursor)
        return f"{page}#{self.row}" if self.row else page

    @property
    def opens(self) -> str:
        """What the address of a case says of where it was opened from."""
        query = f"campaign={self.campaign}" if self.campaign else self.query
        return "?" + urlencode({"from": query}) if query else ""

    def address(self, bulk_id: UUID, step: str = "") -> str:
        """Return the address of a page of a bulk action that was chosen here."""
        said = {"from": self.query, "row": self.row, "campaign": str(self.campaign or "")}
        query = urlencode({name: value for name, value in said.items() if value})
        return f"/cases/bulk/{bulk_id}{step}" + (f"?{query}" if query else "")

    @property
    def nothing_chosen(self) -> str:
        """The address of the list, that then says that nothing was chosen."""
        page, _, _ = self.url.partition("#")
        return f"{page}{'&' if '?' in page else '?'}done=none#chosen"


@router.post("/cases/bulk")
async def choose(request: Request, work: WorkDep) -> RedirectResponse:
    """Keep what was ticked in a list, and go on to its preview. A whole list is looked up again."""
    form = await read_chosen(request)
    found, more = await _found(work, form)
    origin = await _origin(work, form)
    if form.action is None or not found:
        return RedirectResponse(origin.nothing_chosen, 303)
    some = dict(list(found.items())[: domain.MOST])
    bulk_id = await handlers.choose(work, form.action, some, more=more or len(found) > domain.MOST)
    return RedirectResponse(origin.address(bulk_id), 303)


@router.post("/cases/campaigns")
async def make_campaign(request: Request, work: WorkDep) -> RedirectResponse:
    """Make a campaign of what was ticked in a list."""
    form = await read_chosen(request)
    found, _ = await _found(work, form)
    if not found:
        return RedirectResponse((await _origin(work, form)).nothing_chosen, 303)
    campaign_id = await campaigns.make(work, list(found)[: domain.MOST], None)
    return RedirectResponse(f"/cases/campaigns/{campaign_id}?done=made", 303)


async def _found(work: Work, form: ChosenForm) -> tuple[Mapping[UUID, int], bool]:
    """Return the chosen cases, and whether the list has more than are taken."""
    wanted, _ = queues.opened_from(form.view)
    if not form.whole:
        return form.cases, False
    if form.campaign:
        try:
            members = await campaigns.confirmed(work, form.campaign, limit=domain.MOST + 1)
        except NoCases:
            members = []
        return {one.case_id: one.version for one in members}, False
    return await look_up(work, wanted, domain.MOST)


async def _origin(work: Work, form: ChosenForm) -> Origin:
    ticked = list(form.cases)[:1] if not form.whole else []
    rows = await case_queries.references(work.session, work.viewer, ticked)
    return Origin(form.view, next(iter(rows.values()), ""), form.campaign)


@router.get("/cases/bulk")
async def own_last(request: Request, work: WorkDep) -> HTMLResponse:
    """Show the bulk actions that the person began last."""
    begun = await queries.last_of_person(work.session, work.viewer.subject, MOST_LISTED)
    return render(request, "bulk_list.html", begun=begun, words=WORDS, State=State, at=work.now)


@router.get(_PAGE)
async def bulk_page(request: Request, work: WorkDep, bulk_id: UUID) -> HTMLResponse:
    """Show whom it would affect; once it was begun, how far it is and what came of it."""
    bulk = await queries.of_person(work.session, work.viewer.subject, bulk_id)
    if bulk.state is State.DRAFT:
        return await _preview(request, work, bulk, OrderForm())
    return await _results(request, work, bulk)


@router.post(_PAGE)
async def carry_out(request: Request, work: WorkDep, bulk_id: UUID) -> Response:
    """Begin; if something is missing, show the preview again."""
    bulk = await queries.of_person(work.session, work.viewer.subject, bulk_id)
    form = await read_order(request, bulk.action)
    if form.errors and bulk.state is State.DRAFT:
        return await _preview(request, work, bulk, form)
    await handlers.carry_out(work, bulk_id, form.order(bulk.action), NAMES)
    return RedirectResponse(Origin.read(request).address(bulk_id), 303)


@router.get(_PAGE + "/template")
async def preview_again(request: Request, work: WorkDep, bulk_id: UUID) -> RedirectResponse:
    """Go back to the preview from the address of a message that begins with a template, as after a reload."""
    await queries.of_person(work.session, work.viewer.subject, bulk_id)
    return RedirectResponse(Origin.read(request).address(bulk_id), 303)


@router.post(_PAGE + "/template")
async def begin_message(request: Request, work: WorkDep, bulk_id: UUID) -> HTMLResponse:
    """Show the preview with what was typed, the text of the chosen template after it, and what one reporter reads."""
    bulk = await queries.of_person(work.session, work.viewer.subject, bulk_id)
    if bulk.state is not State.DRAFT:
        return await _results(request, work, bulk)
    return await _preview(request, work, bulk, await read_begun(request))


@router.post(_PAGE + "/undo")
async def undo(request: Request, work: WorkDep, bulk_id: UUID) -> RedirectResponse:
    """Put the cases back as they were, and say which could not be."""
    await handlers.undo(work, bulk_id, NAMES)
    return RedirectResponse(Origin.read(request).address(bulk_id), 303)


async def _preview(request: Request, work: Work, bulk: Bulk, form: OrderForm) -> HTMLResponse:
    ahead = await queries.would_affect(work.session, work.viewer, bulk, work.now, NAMES)
    assigns = bulk.action is Action.ASSIGN
    offered = await cases.of_teams(work.session, work.viewer, set(ahead.by_team), work.now) if assigns else []
    messages = bulk.action is Action.MESSAGE
    texts = await replies.templates(work.session, set(ahead.by_team)) if messages else []
    if template := chosen(texts, form.template):
        form = replace(form, typed=appended(form.typed, template.text))
    return render(
        request,
        "bulk_preview.html",
        422 if form.errors else 200,
        ahead=ahead,
        left=[(PROBLEMS[NAMES[kind]], count) for kind, count in ahead.refused.items()],
        teams=[team for team in views.FULL_TEAM_NAMES if team in ahead.teams],
        outcomes=[outcome for outcome in views.OUTCOMES if outcome in ahead.outcomes],
        colleagues=offered,
        names=await names_of(work.session, [one.staff_id for one in offered]),
        viewer=work.viewer,
        full=bulk.total == domain.MOST,
        first=ahead.cases[0].reference if ahead.cases else "",
        texts=texts,
        example=await _example(work, ahead, form) if messages else "",
        form=form,
        errors=form.errors,
        **_values(request, bulk),
    )


async def _example(work: Work, ahead: domain.Forecast, form: OrderForm) -> str:
    """Return what the reporter of the first case would read, if that was asked for or the message has fields."""
    if not ahead.cases or not form.typed or not (form.shown or has_fields(form.typed)):
        return ""
    case = ahead.cases[0]
    report = await reports.read(work.session, case.report_id, content=False)
    return filled_for(form.typed, case, report.platform, work.viewer.name)


async def _results(request: Request, work: Work, bulk: Bulk) -> HTMLResponse:
    done = [item for item in bulk.items if item.made is not None]
    return render(
        request,
        "bulk_results.html",
        200,
        references=await queries.references(work.session, work.viewer, bulk),
        done=done,
        refused=[(item, PROBLEMS[item.problem]) for item in bulk.items if item.problem],
        kept=[(item, PROBLEMS[item.undo]) for item in done if item.undo],
        may_undo=bulk.undo_until is not None and work.now <= bulk.undo_until,
        **_values(request, bulk),
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _values(request: Request, bulk: Bulk) -> dict[str, object]:
    origin = Origin.read(request)
    return {
        "bulk": bulk,
        "words": WORDS[bulk.action],
        "Action": Action,
        "State": State,
        "wording": views,
        "back": origin.url,
        "back_to": "Back to the campaign" if origin.campaign else "Back to the queue",
        "opens": origin.opens,
        "here": origin.address(bulk.bulk_id),
        "template_url": origin.address(bulk.bulk_id, "/template"),
        "undo_url": origin.address(bulk.bulk_id, "/undo"),
    }
