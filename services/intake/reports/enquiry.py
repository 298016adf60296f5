"""A question about the policy (X1, X3): an enquiry, never an incident."""

from dataclasses import dataclass
from datetime import datetime

from services.intake.reports import checks
from services.intake.reports.domain import Findings, Report
from shared.events.vocabulary import EnquiryTopic


@dataclass(frozen=True, slots=True, kw_only=True)
class Enquiry(Report):
    """The command to take a question; the narrative is the question."""

    about: EnquiryTopic

    def findings(self, now: datetime) -> Findings:  # noqa: ARG002 - nothing in a question has a time
        yield from checks.story(self, "Enter your question")
        yield from checks.signed_in(self)
        yield from checks.texts(self)
