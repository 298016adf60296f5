"""What a client sees of events that are not taken."""

from collections.abc import Mapping, Sequence
from typing import cast

from pydantic import BaseModel

from services.intake.inbound.cloudevents import MOST_AT_ONCE, ModeNotKnown, NotACloudEvent, TooManyEvents
from services.intake.inbound.domain import EventNotReadable, SenderNotAllowed, UnknownEvent
from services.intake.reports.domain import MonitoringRoleRequired, ReportRefused
from services.intake.reports.problems import PROBLEMS as REPORT_PROBLEMS
from shared.web.problems import TYPE_PREFIX, Problem, ProblemType, domain_problem


def _known(error: Exception) -> Mapping[str, object]:
    return {"known": cast(UnknownEvent, error).known}


def _fields(error: Exception) -> Mapping[str, object]:
    problems = cast(EventNotReadable, error).problems
    return {"errors": [{"field": problem["name"], "message": problem["message"]} for problem in problems]}


def _reason(error: Exception) -> Mapping[str, object]:
    return {"errors": [{"field": "event", "message": str(error)}]}


PROBLEMS: Mapping[type[Exception], ProblemType] = {
    UnknownEvent: ProblemType(
        422,
        "unknown-event",
        "No mapping takes this event",
        "Its source, its type, or what it says of its kind is not known here. `known` lists what is.",
        _known,
    ),
    SenderNotAllowed: ProblemType(
        403, "source-not-yours", "You cannot send events of this source", "The source's mapping names its clients."
    ),
    EventNotReadable: ProblemType(
        422,
        "event-incomplete",
        "The event does not say what its report needs",
        "The fields are those of the report that the source's mapping makes of it.",
        _fields,
    ),
    NotACloudEvent: ProblemType(
        400, "not-a-cloudevent", "This is no CloudEvent 1.0", "See the CloudEvents HTTP protocol binding.", _reason
    ),
    ModeNotKnown: ProblemType(
        415,
        "unsupported-media-type",
        "This kind of content is not read here",
        "Send application/cloudevents+json, application/cloudevents-batch+json, or JSON with ce- headers.",
    ),
    TooManyEvents: ProblemType(
        413, "too-many-events", "There are too many events in the batch", f"Send at most {MOST_AT_ONCE} at once."
    ),
}

REFUSALS = (UnknownEvent, SenderNotAllowed, EventNotReadable, MonitoringRoleRequired, ReportRefused)
"""What is wrong with one event and says nothing about the next."""


def problem_of(error: Exception) -> dict[str, object]:
    """Return what is wrong with one event of a batch."""
    kind = {**PROBLEMS, **REPORT_PROBLEMS}[type(error)]
    problem = domain_problem(kind, error)
    said = {"type": f"{TYPE_PREFIX}{problem.type}", "title": problem.title, "status": problem.status}
    return {**said, **problem.members}


def several_refused(answers: Sequence[BaseModel]) -> Problem:
    """Return the answer to a batch in which some events were refused."""
    return Problem(
        422,
        "events-refused",
        "Some events were not taken",
        "`events` says what became of each. Those that were taken stay: correct the others, and send all again.",
        members={"events": [answer.model_dump(mode="json", exclude_none=True) for answer in answers]},
    )
