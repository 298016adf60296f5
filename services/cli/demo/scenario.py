"""A scenario: a name, and how one report of it is made. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.cli.demo.drawing import Draw
from services.cli.demo.planned import CREATED, JSON, JsonObject, Sender

ABUSE = "/report/api/v1/abuse-reports"
MISUSE = "/report/api/v1/misuse-reports"
INCIDENT = "/report/api/v1/security-incidents"
ENQUIRY = "/report/api/v1/enquiries"
EXCEPTION = "/report/api/v1/policy-exceptions"


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a scenario."""

    path: str
    body: JsonObject | bytes
    sender: Sender
    status: int = CREATED
    """What it should be answered with."""
    content_type: str = JSON


Make = Callable[[Draw], Request]
Scenarios = Mapping[str, Make]
