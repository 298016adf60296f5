"""/cases/SP-…/conversation: what the team and the reporter said to one another, and the team's own notes."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from services.triage.cases.dependencies import WorkDep
from services.triage.cases.domain import seen
from services.triage.cases.pages import Shown, Tab, opened, show
from services.triage.conversation.handlers import read
from services.triage.conversation.queries import conversation
from services.triage.reports import queries as reports

router = APIRouter(include_in_schema=False)


@router.get("/cases/SP-{rest}/conversation")
async def conversation_tab(request: Request, work: WorkDep, rest: str) -> HTMLResponse:
    """Show the conversation. Opening it is asking for what the reporter wrote: it is recorded, and then it is read."""
    case = await read(work, await opened(work, rest))
    said = await conversation(work.session, case, work.viewer)
    report = await reports.read(work.session, case.report_id, content=False)
    people = [entry.author for entry in said]
    shown = Shown({"entries": said, "report": report}, people)
    now_read = seen(case) if work.viewer.sees_content else case
    return await show(request, work, now_read, tab=Tab.CONVERSATION, shown=shown)
