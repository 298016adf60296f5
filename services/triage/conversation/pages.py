"""/cases/SP-…/conversation: what the team and the reporter said to one another, and the team's own notes."""

from dataclasses import replace

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import Case, seen
from services.triage.cases.handlers import Work
from services.triage.cases.pages import Shown, Tab, opened, show
from services.triage.conversation.domain import Speaker
from services.triage.conversation.handlers import read
from services.triage.conversation.queries import conversation
from services.triage.exposure.domain import has_room
from services.triage.exposure.handlers import count
from services.triage.exposure.queries import of_person
from services.triage.reports import queries as reports

router = APIRouter(include_in_schema=False)


@router.get("/cases/SP-{rest}/conversation")
async def conversation_tab(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the conversation. Opening it is asking for what the reporter wrote: it is recorded, and then it is read."""
    found = await opened(work, rest)
    work = await _within_the_limit(work, found)
    case, begins = await read(work, found)
    said = await conversation(work.session, case, work.viewer)
    if begins and any(entry.speaker is Speaker.REPORTER and entry.text for entry in said):
        await count(work.session, work.viewer.subject, case.team, case.priority, work.now)
    report = await reports.read(work.session, case.report_id, content=False)
    people = [entry.author for entry in said]
    shown = Shown({"entries": said, "report": report}, people)
    now_read = seen(case) if work.viewer.sees_content else case
    return await show(request, work, now_read, tab=Tab.CONVERSATION, shown=shown)


async def _within_the_limit(work: Work, case: Case) -> Work:
    """Return the work of someone who sees no content, if they were shown as much today as is good for them."""
    today = await of_person(work.session, work.viewer.subject, work.now)
    if has_room(today, case.priority, work.now):
        return work
    return replace(work, viewer=replace(work.viewer, sees_content=False))
