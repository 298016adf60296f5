"""The bodies of an enquiry and of a request for an exception."""

from datetime import date
from typing import Annotated

from pydantic import BeforeValidator, Field, TypeAdapter
from pydantic_core import PydanticCustomError

from services.intake.reports.bodies import ReportBody, command
from services.intake.reports.enquiry import Enquiry
from services.intake.reports.exception import PolicyException
from shared.auth.principal import Principal
from shared.events.vocabulary import EnquiryTopic, ExceptionKind

_ENQUIRY, _EXCEPTION = TypeAdapter(Enquiry), TypeAdapter(PolicyException)


def _day_as_text(value: object) -> object:
    if isinstance(value, str | date):
        return value
    raise PydanticCustomError("signpost_day", "Give the date as text, YYYY-MM-DD")


class EnquiryBody(ReportBody):
    """A question for the Security Advice Centre; `narrative` is the question."""

    about: EnquiryTopic = EnquiryTopic.OTHER

    def to_command(self, principal: Principal | None) -> Enquiry:
        return command(_ENQUIRY, self, principal)


class PolicyExceptionBody(ReportBody):
    """A request for an exception, or notice of an activity that may need one; `narrative` says what it is."""

    kind: ExceptionKind = ExceptionKind.REQUEST
    business_case: str | None = Field(default=None, description="Needed for a request.")
    platform: str | None = None
    wanted_until: Annotated[date, BeforeValidator(_day_as_text)] | None = None

    def to_command(self, principal: Principal | None) -> PolicyException:
        return command(_EXCEPTION, self, principal)
