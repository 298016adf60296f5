"""A request for an exception to the policy, or notice of an activity that may need one (C-e, X3)."""

from dataclasses import dataclass
from datetime import date, datetime

from services.intake.reports import checks
from services.intake.reports.domain import Findings, Report
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import ExceptionKind


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyException(Report):
    """The command to take either; the narrative says what the activity is."""

    kind: ExceptionKind
    business_case: str | None = None
    platform: str | None = None
    wanted_until: date | None = None

    def findings(self, now: datetime) -> Findings:
        yield from checks.story(self, "Tell us what the activity is")
        if self.kind is ExceptionKind.REQUEST and checks.is_blank(self.business_case):
            yield "business_case", "Enter the business case: why the department needs it"
        if self.platform is not None and self.platform not in PLATFORMS:
            yield "platform", "Select where it is"
        if self.wanted_until is not None and self.wanted_until < now.date():
            yield "wanted_until", "The day until which you need it must be in the future"
        yield from checks.signed_in(self)
        yield from checks.texts(self)
