"""A report that somebody misuses social media (R-c, R-d, S4, S5, S9, C-f, C-h, C-j)."""

from dataclasses import dataclass
from datetime import datetime

from services.intake.reports import checks
from services.intake.reports.domain import Findings, Occurrence
from shared.events.vocabulary import AccountKind, Behaviour, Device, MisuseBehaviour, YesNoUnsure
from shared.ids import InvalidReference, Reference


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
    behaviours: tuple[MisuseBehaviour, ...]
    abuse_behaviours: tuple[Behaviour, ...] = ()
    """Where somebody is being abused: then it was the wrong form, and is taken all the same."""
    union_activity: YesNoUnsure = YesNoUnsure.UNSURE
    """Asked about the activity, never about membership (C-j)."""
    account_kind: AccountKind = AccountKind.UNSURE
    device: Device = Device.UNSURE
    own_time: YesNoUnsure = YesNoUnsure.UNSURE
    dwp_information: YesNoUnsure = YesNoUnsure.NO
    taken_over: YesNoUnsure | None = None
    """Whether somebody else controls an official account: then it is an incident, and this was the wrong form."""
    related_reference: str | None = None
    """The incident that was not reported (C-c, C-i)."""

    def findings(self, now: datetime) -> Findings:
        if not (self.subject.known or self.handles or self.urls):
            yield "subject", "Enter who it is about, or their account"
        yield from checks.chosen(self, "behaviours", "Select what kind of misuse it is")
        yield from checks.place(self, needed=True)
        yield from checks.past("occurred_at", self.occurred_at, now, "it happened")
        yield from checks.story(self)
        if self.related_reference is not None and canonical(self.related_reference) is None:
            yield "related_reference", "Enter a reference like SP-4K7Q-9ZT2, or leave it empty"
        yield from checks.crowds(self, "affected")
        yield from checks.manager(self)
        yield from checks.signed_in(self)
        yield from checks.texts(self)


def canonical(text: str) -> str | None:
    """Return a reference as it is written; None where `text` is none."""
    try:
        return Reference.parse(text)
    except InvalidReference:
        return None
