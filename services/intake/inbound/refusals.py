"""How the API answers when events are refused."""

from collections.abc import Mapping, Sequence

from pydantic import BaseModel

from services.intake.inbound.cloudevents import MOST_AT_ONCE, ModeNotKnown, NotACloudEvent, TooManyEvents
from services.intake.inbound.domain import DataNotReadable, EventNotReadable, SenderNotAllowed, UnknownEvent
from services.intake.reports.domain import MonitoringRoleRequired, ReportRefused
from services.intake.reports.refusals import REFUSALS as REPORT_REFUSALS
from shared.web.problems import TYPE_PREFIX, FieldProblem, Problem, errors_of
from shared.web.refusals import Refusal, Refusals, reading, refusal_of
from shared.web.refusals import problem_of as refused


def _known(error: UnknownEvent) -> Mapping[str, object]:
    return {"known": error.known}


def _reason(error: Exception) -> Sequence[FieldProblem]:
    return [FieldProblem(name="event", message=str(error))]


def _data(error: Exception) -> Sequence[FieldProblem]:
    return [FieldProblem(name="data", message=str(error))]


REFUSALS: Refusals = {
    UnknownEvent: Refusal(
        422,
        "unknown-event",
        "No mapping takes this event",
        "Its source, its type, or what it says of its kind is not known here. `known` lists what is.",
        members=reading(UnknownEvent, _known),
    ),
    SenderNotAllowed: Refusal(
        403, "source-not-yours", "You cannot send events of this source", "The source's mapping names its clients."
    ),
    DataNotReadable: Refusal(
        422,
        "data-not-readable",
        "The data of the event cannot be read",
        "Nothing of it was kept. Send it again as the mapping of its source reads it.",
        fields=_data,
    ),
    EventNotReadable: Refusal(
        422,
        "event-incomplete",
        "The event does not say what its report needs",
        "The fields are those of the report that the source's mapping makes of it.",
        fields=reading(EventNotReadable, lambda error: error.problems),
    ),
    NotACloudEvent: Refusal(
        400,
        "not-a-cloudevent",
        "This is no CloudEvent 1.0",
        "See the CloudEvents HTTP protocol binding.",
        fields=_reason,
    ),
    ModeNotKnown: Refusal(
        415,
        "unsupported-media-type",
        "This kind of content is not accepted here",
        "Send application/cloudevents+json, application/cloudevents-batch+json, or JSON with ce- headers.",
    ),
    TooManyEvents: Refusal(
        413, "too-many-events", "There are too many events in the batch", f"Send at most {MOST_AT_ONCE} at once."
    ),
}

OF_ONE_EVENT = (
    UnknownEvent,
    SenderNotAllowed,
    DataNotReadable,
    EventNotReadable,
    MonitoringRoleRequired,
    ReportRefused,
)
"""What is wrong with one event and says nothing about the next."""


def problem_of(error: Exception) -> dict[str, object]:
    """Return what is wrong with one event of a batch."""
    problem = refused(refusal_of(error, {**REFUSALS, **REPORT_REFUSALS}), error)
    said = {"type": f"{TYPE_PREFIX}{problem.type}", "title": problem.title, "status": problem.status}
    return {**said, **problem.members, **errors_of(problem)}


def several_refused(answers: Sequence[BaseModel]) -> Problem:
    """Return the answer to a batch in which some events were refused."""
    return Problem(
        422,
        "events-refused",
        "Some events were not taken",
        "`events` says what became of each. Those that were taken stay: correct the others, and send all again.",
        members={"events": [answer.model_dump(mode="json", exclude_none=True) for answer in answers]},
    )
