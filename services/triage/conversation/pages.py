"""/cases/SP-…/conversation: what was said, and the team's own notes. /cases/templates: texts to begin a message."""

from collections.abc import Sequence
from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from services.triage.cases import queries as cases
from services.triage.cases import views
from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import Case, seen
from services.triage.cases.forms import Action, ActionForm
from services.triage.cases.handlers import Work
from services.triage.cases.pages import Shown, Tab, led, opened, show
from services.triage.conversation import queries
from services.triage.conversation.domain import (
    FIELDS,
    LANGUAGES,
    Language,
    ReplyTemplate,
    Speaker,
    appended,
    chosen,
)
from services.triage.conversation.handlers import filled_for, read, save_template
from services.triage.conversation.queries import conversation
from services.triage.conversation.refusals import REFUSALS
from services.triage.exposure.domain import has_room
from services.triage.exposure.handlers import count
from services.triage.exposure.queries import of_person
from services.triage.reports import queries as reports
from shared.people import names_of
from shared.web.forms import FormReader
from shared.web.pages import render
from shared.web.refusals import record_refusal, refusal_of

router = APIRouter(include_in_schema=False)
TEMPLATES = "/cases/templates"


_TAB = "/cases/SP-{rest}/conversation"


@router.get(_TAB)
async def conversation_tab(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the conversation. Opening it is asking for what the reporter wrote: it is recorded, and then it is read."""
    return await _tab(request, work, rest)


@router.get(_TAB + "/template")
async def conversation_again(request: Request, work: WorkDep, rest: str) -> RedirectResponse:
    """Go back to the conversation from the address of a message that begins with a template, as after a reload."""
    return led(request, await cases.by_reference(work.session, work.viewer, f"SP-{rest}"), Tab.CONVERSATION)


@router.post(_TAB + "/template")
async def begin_message(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the conversation with what was typed into a message, and the text of the chosen template after it."""
    return await _tab(request, work, rest, await FormReader.posted(request))


async def _tab(request: Request, work: Work, rest: str, form: FormReader | None = None) -> HTMLResponse:
    found = await opened(work, rest)
    work = await _within_the_limit(work, found)
    case, begins = await read(work, found)
    said = await conversation(work.session, case, work.viewer)
    if begins and any(entry.speaker is Speaker.REPORTER and entry.text for entry in said):
        await count(work.session, work.viewer.subject, case.team, case.priority, work.now)
    report = await reports.read(work.session, case.report_id, content=False)
    people = [entry.author for entry in said]
    texts = await queries.templates(work.session, [case.team])
    shown = Shown({"entries": said, "report": report, "reply_templates": texts}, people)
    now_read = seen(case) if work.viewer.sees_content else case
    begun = _begun(form, work, case, texts, report.platform) if form else None
    return await show(request, work, now_read, tab=Tab.CONVERSATION, shown=shown, form=begun)


def _begun(form: FormReader, work: Work, case: Case, texts: Sequence[ReplyTemplate], platform: str) -> ActionForm:
    """Return the message as it was typed, with the chosen template after it."""
    template = chosen(texts, form.first("template"))
    typed = form.first("text")
    action = Action.ASK if form.first("into") == Action.ASK else Action.SHARE
    more = filled_for(template.text, case, platform, work.viewer.name) if template else ""
    text = appended(typed, more) if template else typed
    return ActionForm(action, form.version(), typed=text, errors=form.errors)


async def _within_the_limit(work: Work, case: Case) -> Work:
    """Return the work of someone who sees no content, if they were shown as much today as is good for them."""
    today = await of_person(work.session, work.viewer.subject, work.now)
    if has_room(today, case.priority, work.now):
        return work
    return replace(work, viewer=replace(work.viewer, sees_content=False))


@router.get(TEMPLATES)
async def list_templates(request: Request, work: WorkDep) -> HTMLResponse:
    """List the texts of the viewer's teams; a lead can write and change those of the teams they lead."""
    return await _templates(request, work)


@router.post(TEMPLATES)
async def write_template(request: Request, work: WorkDep) -> Response:
    """Store a template, its next version, or that it is withdrawn; show the list again if that is refused."""
    form = await FormReader.posted(request)
    kept = next(iter(form.uuids("template")), None)
    team = form.one_of("team", [str(one) for one in work.viewer.teams], "Choose a team")
    language = form.choice("language", Language) or Language.ENGLISH
    name = form.name("name", "Give it a name", 100)
    text = form.text("text", "Write the text", 5_000)
    withdrawn = form.ticked("withdrawn")
    if form.errors or not (team and name and text):
        return await _templates(request, work, form, 422)
    written = (work.viewer.subject, work.now, not withdrawn, language)
    new = ReplyTemplate(kept or work.writer.ids.uuid(), 1, team, name, text, *written)
    try:
        await save_template(work, new, (form.version() or 0) if kept else 0)
    except tuple(REFUSALS) as error:
        status = record_refusal(refusal_of(error, REFUSALS), error, form.errors, "text")
        return await _templates(request, work, form, status)
    return RedirectResponse(f"{TEMPLATES}?done=saved", 303)


async def _templates(request: Request, work: Work, form: FormReader | None = None, status: int = 200) -> HTMLResponse:
    texts = await queries.templates(work.session, work.viewer.teams)
    wanted = form.first("template") if form else request.query_params.get("change", "")
    return render(
        request,
        "reply_templates.html",
        status,
        texts=texts,
        chosen=chosen(texts, wanted),
        typed={name: form.first(name) for name in ("team", "name", "text", "language")} if form else {},
        errors=form.errors if form else {},
        fields=FIELDS,
        languages=LANGUAGES,
        teams=[team for team in views.SHORT_TEAM_NAMES if team in work.viewer.leads],
        team_names=views.SHORT_TEAM_NAMES,
        names=await names_of(work.session, [one.owner for one in texts]),
        done=request.query_params.get("done") == "saved",
    )
