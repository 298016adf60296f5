"""POST /report/api/v1/events: CloudEvents of other systems."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.inbound.cloudevents import BATCH, STRUCTURED, NotACloudEvent, read_events
from services.intake.inbound.domain import InboundEvent
from services.intake.inbound.handlers import TakenEvent, count_events, take_event
from services.intake.inbound.refusals import OF_ONE_EVENT, problem_of, several_refused
from services.intake.inbound.sources import Sources
from services.intake.reports.dependencies import SubmitDep
from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal
from shared.observability.traces import current_trace_id
from shared.runtime import Parts, parts_of
from shared.web.dependencies import Now, Transaction
from shared.web.problems import problem_response

router = APIRouter(prefix="/report/api/v1", tags=["events"])

_EVENT = {
    "type": "object",
    "required": ["specversion", "id", "source", "type"],
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1},
        "type": {"type": "string", "minLength": 1},
        "subject": {"type": "string"},
        "time": {"type": "string", "format": "date-time"},
        "data": {},
    },
}
_BODIES = {
    "requestBody": {
        "required": True,
        "content": {
            STRUCTURED: {"schema": _EVENT},
            BATCH: {"schema": {"type": "array", "items": _EVENT, "maxItems": 100}},
            "application/json": {"schema": {"description": "The data of an event whose attributes are ce- headers"}},
        },
    }
}


@dataclass(frozen=True, kw_only=True)
class InboundParts(Parts):
    """What this route needs besides the parts of every service."""

    sources: Sources


TakeEvent = Callable[[InboundEvent], Awaitable[TakenEvent]]


class EventAnswer(BaseModel):
    """The result of one event. `not_stored`: it is neither abuse nor misuse nor an incident, and nothing is kept."""

    id: str | None = None
    outcome: Literal["report", "not_stored", "refused"]
    report_id: UUID | None = None
    reference: str | None = None
    status_url: str | None = None
    problem: dict[str, object] | None = None


class EventsAnswer(BaseModel):
    """The result of each event, in the order they were sent."""

    events: list[EventAnswer]


@router.post(
    "/events",
    status_code=201,
    response_class=Response,
    openapi_extra=_BODIES,
    responses={
        201: {"model": EventsAnswer, "description": "Taken; each event with its report"},
        202: {"model": EventsAnswer, "description": "Taken; no report was made"},
    },
)
async def post_events(
    request: Request,
    principal: Annotated[Principal, requires(Permission.SEND_EVENTS)],
    session: Transaction,
    now: Now,
    submit: SubmitDep,
) -> Response:
    """Send what another system found, as CloudEvents in binary, structured or batch mode.

    The same event (source and id) sent again gets the same answer and makes no second report. In a batch each event
    stands for itself: where one is refused, the answer is 422 and says which and why; the others are taken, and
    sending the whole batch again is safe.
    """
    parts = parts_of(request, InboundParts)
    events, is_batch = read_events(request.headers, await request.body())
    take = partial(take_event, session, now=now, sources=parts.sources, client=principal, submit=submit)
    results = [await _result(session, event, take) for event in events]
    count_events(parts.sources, zip(events, results, strict=True))
    refused = [result for result in results if isinstance(result, Exception)]
    if refused and not is_batch:
        raise refused[0]
    url = parts.settings.public_url.rstrip("/")
    answers = [_answer(event, result, url) for event, result in zip(events, results, strict=True)]
    if refused:  # an answer and not an exception, because the other events are accepted
        return problem_response(several_refused(answers), current_trace_id())
    made_report = any(answer.report_id for answer in answers)
    body = EventsAnswer(events=answers).model_dump_json(exclude_none=True)
    return Response(body, 201 if made_report else 202, media_type="application/json")


async def _result(
    session: AsyncSession, event: InboundEvent | NotACloudEvent, take: TakeEvent
) -> TakenEvent | Exception:
    """Take one event completely, or not at all."""
    if isinstance(event, NotACloudEvent):
        return event
    try:
        async with session.begin_nested():
            return await take(event)
    except OF_ONE_EVENT as refusal:
        return refusal


def _answer(event: InboundEvent | NotACloudEvent, result: TakenEvent | Exception, url: str) -> EventAnswer:
    event_id = event.id if isinstance(event, InboundEvent) else None
    if isinstance(result, Exception):
        return EventAnswer(id=event_id, outcome="refused", problem=problem_of(result))
    return EventAnswer(
        id=event_id,
        outcome=result.outcome.value,
        report_id=result.report_id,
        reference=result.reference,
        status_url=f"{url}/report/track/{result.reference}" if result.reference else None,
    )
