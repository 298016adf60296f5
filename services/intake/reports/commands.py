"""The commands to take a report of each kind, and what each asks for."""

from dataclasses import dataclass
from datetime import date, datetime

from services.intake.reports import checks
from services.intake.reports.domain import Findings, Occurrence, Person, Report
from shared.events import vocabulary
from shared.events.platforms import PLATFORMS
from shared.ids import InvalidReference, Reference
from shared.text import is_blank


@dataclass(frozen=True, slots=True, kw_only=True)
class AbuseReport(Occurrence):
    """The command to take a report of abuse."""

    behaviours: tuple[vocabulary.Behaviour, ...]
    content_kind: vocabulary.ContentKind | None = None
    suspected: tuple[Person, ...] = ()
    also_affects: tuple[vocabulary.AlsoAffects, ...] = ()

    def findings(self, now: datetime) -> Findings:
        yield from checks.place(self, needed=True)
        yield from checks.chosen("behaviours", self.behaviours, "Select what kind of abuse it is")
        yield from checks.story(self)
        yield from checks.past("occurred_at", self.occurred_at, now, "it happened")
        yield from checks.chosen("affected", self.affected, "Select who is affected")
        yield from checks.crowd("affected", self.affected)
        yield from checks.crowd("suspected", self.suspected)
        yield from checks.manager(self)
        yield from checks.anonymity(self)
        yield from checks.texts(self)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who it is about, as far as the reporter knows."""

    name: str | None = None
    staff_id: str | None = None
    handle: str | None = None

    @property
    def known(self) -> bool:
        return bool(self.name or self.staff_id or self.handle)


@dataclass(frozen=True, slots=True, kw_only=True)
class MisuseReport(Occurrence):
    """The command to take a report of misuse."""

    subject: Subject
    behaviours: tuple[vocabulary.MisuseBehaviour, ...]
    abuse_behaviours: tuple[vocabulary.Behaviour, ...] = ()
    """Where someone is being abused: then it was the wrong form, and is taken all the same."""
    union_activity: vocabulary.YesNoUnsure = vocabulary.YesNoUnsure.UNSURE
    """Asked about the activity, never about membership (C-j)."""
    account_kind: vocabulary.AccountKind = vocabulary.AccountKind.UNSURE
    device: vocabulary.Device = vocabulary.Device.UNSURE
    own_time: vocabulary.YesNoUnsure = vocabulary.YesNoUnsure.UNSURE
    dwp_information: vocabulary.YesNoUnsure = vocabulary.YesNoUnsure.NO
    taken_over: vocabulary.YesNoUnsure | None = None
    """Whether someone else controls an official account: then it is an incident, and this was the wrong form."""
    related_reference: str | None = None
    """The incident that was not reported (C-c, C-i)."""

    def findings(self, now: datetime) -> Findings:
        if not (self.subject.known or self.handles or self.urls):
            yield "subject", "Enter who it is about, or their account"
        yield from checks.chosen("behaviours", self.behaviours, "Select what kind of misuse it is")
        yield from checks.place(self, needed=True)
        yield from checks.past("occurred_at", self.occurred_at, now, "it happened")
        yield from checks.story(self)
        if self.related_reference is not None and canonical(self.related_reference) is None:
            yield "related_reference", "Enter a reference like SP-4K7Q-9ZT2, or leave it empty"
        yield from checks.crowd("affected", self.affected)
        yield from checks.manager(self)
        yield from checks.signed_in_or_anonymous(self)
        yield from checks.texts(self)


def canonical(text: str) -> str | None:
    """Return a reference as it is written; None where `text` is none."""
    try:
        return Reference.parse(text)
    except InvalidReference:
        return None


MOST_PEOPLE = 100_000_000
"""More than live in the country; a larger number is a slip of the hand."""


@dataclass(frozen=True, slots=True)
class AccountInvolved:
    """The social media account that the incident involves."""

    platform: str
    handle: str | None = None
    taken_over: vocabulary.YesNoUnsure = vocabulary.YesNoUnsure.UNSURE


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReport(Occurrence):
    """The command to take a referral of a security incident."""

    effects: tuple[vocabulary.Effect, ...]
    circumstances: tuple[vocabulary.Circumstance, ...]
    asset_owner: vocabulary.AssetOwner
    discovered_at: datetime | None
    channel: vocabulary.Channel = vocabulary.Channel.STAFF
    asset_note: str | None = None
    still_happening: vocabulary.YesNoUnsure = vocabulary.YesNoUnsure.UNSURE
    personal_data: vocabulary.YesNoUnsure = vocabulary.YesNoUnsure.UNSURE
    people_affected: int | None = None
    own_mistake: bool = False
    account: AccountInvolved | None = None
    behaviours: tuple[vocabulary.Behaviour, ...] = ()
    """Where someone is being abused: then it was the wrong form, and is taken all the same (S3)."""
    suspected: tuple[Person, ...] = ()

    def findings(self, now: datetime) -> Findings:
        if not self.behaviours:  # abuse by the wrong door is accepted, not refused (S3)
            yield from checks.chosen("effects", self.effects, "Select what was affected")
        yield from checks.chosen("circumstances", self.circumstances, "Select how it happened")
        yield from checks.past("occurred_at", self.occurred_at, now, "it happened")
        yield from self._discovery(now)
        if self.people_affected is not None and not 0 <= self.people_affected <= MOST_PEOPLE:
            yield "people_affected", f"Number of people must be between 0 and {MOST_PEOPLE:,}"
        if self.account is not None and self.account.platform not in PLATFORMS:
            yield "account", "Select where the account is"
        yield from checks.place(self, needed=False)
        yield from checks.story(self)
        yield from checks.crowd("affected", self.affected)
        yield from checks.crowd("suspected", self.suspected)
        yield from checks.manager(self)
        yield from checks.signed_in_or_anonymous(self)
        yield from checks.texts(self)

    def _discovery(self, now: datetime) -> Findings:
        if self.discovered_at is None:
            yield "discovered_at", "Enter when it was discovered"
            return
        yield from checks.past("discovered_at", self.discovered_at, now, "it was discovered")
        if self.occurred_at is not None and self.discovered_at < self.occurred_at:
            yield "discovered_at", "When it was discovered cannot be before it happened"


@dataclass(frozen=True, slots=True, kw_only=True)
class Enquiry(Report):
    """The command to take a question; the narrative is the question."""

    about: vocabulary.EnquiryTopic

    def findings(self, now: datetime) -> Findings:  # noqa: ARG002 - nothing in a question has a time
        yield from checks.story(self, "Enter your question")
        yield from checks.signed_in(self)
        yield from checks.texts(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyException(Report):
    """The command to take either; the narrative says what the activity is."""

    kind: vocabulary.ExceptionKind
    business_case: str | None = None
    platform: str | None = None
    wanted_until: date | None = None

    def findings(self, now: datetime) -> Findings:
        yield from checks.story(self, "Tell us what the activity is")
        if self.kind is vocabulary.ExceptionKind.REQUEST and is_blank(self.business_case or ""):
            yield "business_case", "Enter the business case: why the department needs it"
        if self.platform is not None and self.platform not in PLATFORMS:
            yield "platform", "Select where it is"
        if self.wanted_until is not None and self.wanted_until < now.date():
            yield "wanted_until", "The day you need it until must be in the future"
        yield from checks.signed_in(self)
        yield from checks.texts(self)
