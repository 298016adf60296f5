"""/cases/api/v1/cases/{case_id}/conversation, and the texts to begin a message with."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.triage.cases import handlers as cases
from services.triage.cases import queries as case_queries
from services.triage.cases.api import Read
from services.triage.cases.dependencies import WorkDep
from services.triage.conversation import queries
from services.triage.conversation.domain import EntryKind, Language, ReplyTemplate, Speaker
from services.triage.conversation.handlers import note_reading, save_template
from services.triage.conversation.queries import conversation
from shared.events.vocabulary import Team
from shared.web import bodies
from shared.web.problems import standard_problem

router = APIRouter(prefix="/cases/api/v1", tags=["conversation"])


class PieceBody(BaseModel):
    """A piece of evidence that was sent."""

    model_config = ConfigDict(from_attributes=True)

    evidence_id: UUID
    media_type: str
    size: int
    removed: bool
    """Whether the reporter took it back."""


class EntryBody(BaseModel):
    """One entry of the conversation."""

    model_config = ConfigDict(from_attributes=True)

    entry_id: UUID
    kind: EntryKind
    speaker: Speaker = Field(serialization_alias="from")
    at: datetime
    author: str | None = None
    """Staff number of who in the team it was."""
    author_name: str | None = None
    text: str | None = None
    """Of the reporter only if you asked for content."""
    internal: bool
    """Whether the reporter never sees it."""
    message_id: UUID | None = None
    evidence: list[PieceBody] = []
    answers_question: bool = False
    outcome: str | None = None
    result: str | None = None
    """What looking at an outcome again came to."""
    unread: bool = False
    """Whether no one of the team has read it on the case's page."""


class ConversationBody(BaseModel):
    """What the team and the reporter said, oldest first, with the team's internal notes and the outcomes."""

    items: list[EntryBody]


@router.get("/cases/{case_id}/conversation", response_model_exclude_none=True)
async def get_conversation(work: WorkDep, case_id: UUID, *, content: bool = False) -> ConversationBody:
    """Read the conversation. It is recorded that you did; what is unread stays so, as a script is not a reader.

    `content=true` adds what the reporter wrote: it is recorded, and counted to what you are shown in a day, as for
    `GET /cases/{case_id}`.
    """
    case = await case_queries.get(work.session, work.viewer, case_id)
    if content and not work.viewer.sees_content:
        raise standard_problem(403)
    if case.restricted:
        await cases.open_page(work, case_id)
    await note_reading(work, case)
    said = await conversation(work.session, case, replace(work.viewer, sees_content=content))
    if any(entry.speaker is Speaker.REPORTER and entry.text for entry in said):
        await cases.show_content(work, case)
    return ConversationBody(items=[EntryBody.model_validate(entry) for entry in said])


class TemplateItem(BaseModel):
    """A text to begin a message to a reporter with. `{reference}` and other fields are left for the case."""

    model_config = ConfigDict(from_attributes=True)

    template_id: UUID
    version: int
    team: Team
    name: str
    language: Language
    text: str
    owner: str
    written_at: datetime
    current: bool


class TemplateList(BaseModel):
    """The templates of your teams, by name."""

    items: list[TemplateItem]


class TemplateBody(bodies.Body):
    """A template, for the leads of its team to write. `withdrawn` takes it out of the list."""

    team: Team
    name: Annotated[bodies.Name, Field(min_length=1, max_length=100)]
    text: Annotated[bodies.Text, Field(min_length=1, max_length=5_000)]
    language: Language = Language.ENGLISH
    withdrawn: bodies.Bool = False


@router.get("/reply-templates")
async def list_templates(work: WorkDep) -> TemplateList:
    """List the texts to begin a message with, of the teams whose cases you see."""
    found = await queries.templates(work.session, work.viewer.teams)
    return TemplateList(items=[TemplateItem.model_validate(one) for one in found])


@router.post("/reply-templates", status_code=201)
async def add_template(work: WorkDep, body: TemplateBody) -> TemplateItem:
    """Write a template for a team that you lead."""
    return await _saved(work, work.writer.ids.uuid(), body, 0)


@router.post("/reply-templates/{template_id}")
async def change_template(work: WorkDep, template_id: UUID, read: Read, body: TemplateBody) -> TemplateItem:
    """Write the next version of a template, or withdraw it. Send the version that you read in `If-Match`."""
    return await _saved(work, template_id, body, read)


async def _saved(work: WorkDep, template_id: UUID, body: TemplateBody, read: int) -> TemplateItem:
    written = (work.viewer.subject, work.now, not body.withdrawn, body.language)
    new = ReplyTemplate(template_id, 1, body.team, body.name, body.text, *written)
    return TemplateItem.model_validate(await save_template(work, new, read))
