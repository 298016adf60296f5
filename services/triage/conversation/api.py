"""GET /cases/api/v1/cases/{case_id}/conversation."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from services.triage.cases import handlers as cases
from services.triage.cases import queries as case_queries
from services.triage.cases.dependencies import WorkDep
from services.triage.conversation.domain import EntryKind, Speaker
from services.triage.conversation.handlers import note_reading
from services.triage.conversation.queries import conversation

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

    kind: EntryKind
    speaker: Speaker = Field(serialization_alias="from")
    at: datetime
    author: str | None = None
    """Staff number of who in the team it was."""
    author_name: str | None = None
    text: str | None = None
    """Of the reporter only if you may see what people wrote."""
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
async def get_conversation(work: WorkDep, case_id: UUID) -> ConversationBody:
    """Read the conversation. It is recorded that you did; what is unread stays so, as a script is not a reader."""
    case = await case_queries.get(work.session, work.viewer, case_id)
    if case.restricted:
        await cases.open_page(work, case_id)
    await note_reading(work, case)
    said = await conversation(work.session, case, work.viewer)
    return ConversationBody(items=[EntryBody.model_validate(entry) for entry in said])
