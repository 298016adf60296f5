"""/report/api/v1/reports/{reference}: what the reporter and the team say to one another."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from services.intake.conversation.domain import Entry, EntryKind, Speaker, conversation, entry_of
from services.intake.conversation.handlers import send_message
from services.intake.evidence.api import EvidenceBody
from services.intake.reports.access import ByClient
from services.intake.reports.bodies import Narrative
from services.intake.tracking.api import StatusBody, body_of
from services.intake.tracking.queries import status_of
from shared.web.bodies import Body
from shared.web.dependencies import IdsDep, Now, OutboxDep, Transaction

router = APIRouter(prefix="/report/api/v1", tags=["conversation"])


class MessageBody(Body):
    """What you write to the team: more about your report, or the answer to its question."""

    text: Narrative


class EntryBody(BaseModel):
    """One entry of the conversation."""

    kind: EntryKind
    speaker: Speaker = Field(serialization_alias="from")
    at: datetime
    text: str | None = None
    message_id: UUID | None = None
    """Of what you wrote; messages of earlier versions have none."""
    answers_question: bool = False
    """Whether it answers a question of the team."""
    evidence: list[EvidenceBody] = []
    """The files that came with it."""


class ConversationBody(BaseModel):
    """What you and the team said, oldest first, and how it ended where you may learn it."""

    items: list[EntryBody]


@router.get("/reports/{reference}/messages", response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def get_messages(report: ByClient, session: Transaction, now: Now) -> ConversationBody:
    """Read the conversation: with its reporter's token, or with its receipt code in the header `Receipt-Code`."""
    said = conversation(await status_of(session, report, now))
    return ConversationBody(items=[_body(entry) for entry in said])


@router.post("/reports/{reference}/messages", status_code=201, response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def post_message(
    body: MessageBody, report: ByClient, session: Transaction, now: Now, ids: IdsDep, outbox: OutboxDep
) -> EntryBody:
    """Write to the team. Where it has asked you something, this is the answer.

    The same text again within ten minutes is one message, so that a client may try again.
    """
    return _body(entry_of(await send_message(session, report, body.text, now, ids, outbox)))


@router.post("/reports/{reference}/additions", status_code=201, response_model_exclude_none=True)  # noqa: FAST003 - ByClient takes it
async def post_addition(
    body: MessageBody, report: ByClient, session: Transaction, now: Now, ids: IdsDep, outbox: OutboxDep
) -> StatusBody:
    """Write to the team, as with `messages`; answers where the report is."""
    await send_message(session, report, body.text, now, ids, outbox)
    return body_of(await status_of(session, report, now))


def _body(entry: Entry) -> EntryBody:
    return EntryBody.model_validate(entry, from_attributes=True)
