"""A referral of a security incident (C-c, C-i), by staff or by a supplier."""

from dataclasses import dataclass
from datetime import datetime

from services.intake.reports import checks
from services.intake.reports.domain import Findings, Occurrence, Person
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import AssetOwner, Behaviour, Channel, Circumstance, Effect, YesNoUnsure

MOST_PEOPLE = 100_000_000
"""More than live in the country; a larger number is a slip of the hand."""


@dataclass(frozen=True, slots=True)
class AccountInvolved:
    """The social media account that the incident involves."""

    platform: str
    handle: str | None = None
    taken_over: YesNoUnsure = YesNoUnsure.UNSURE


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentReport(Occurrence):
    """The command to take a referral of a security incident."""

    effects: tuple[Effect, ...]
    circumstances: tuple[Circumstance, ...]
    asset_owner: AssetOwner
    discovered_at: datetime | None
    channel: Channel = Channel.STAFF
    asset_note: str | None = None
    still_happening: YesNoUnsure = YesNoUnsure.UNSURE
    personal_data: YesNoUnsure = YesNoUnsure.UNSURE
    people_affected: int | None = None
    own_mistake: bool = False
    account: AccountInvolved | None = None
    behaviours: tuple[Behaviour, ...] = ()
    """Where somebody is being abused: then it was the wrong form, and is taken all the same (S3)."""
    suspected: tuple[Person, ...] = ()

    def findings(self, now: datetime) -> Findings:
        yield from checks.chosen(self, "effects", "Select what was affected")
        yield from checks.chosen(self, "circumstances", "Select how it came about")
        yield from checks.past("occurred_at", self.occurred_at, now, "it happened")
        yield from self._discovery(now)
        if self.people_affected is not None and not 0 <= self.people_affected <= MOST_PEOPLE:
            yield "people_affected", f"How many people must be a number from 0 to {MOST_PEOPLE:,}"
        if self.account is not None and self.account.platform not in PLATFORMS:
            yield "account", "Select where the account is"
        yield from checks.place(self, needed=False)
        yield from checks.story(self)
        yield from checks.crowds(self, "affected", "suspected")
        yield from checks.manager(self)
        yield from checks.signed_in(self)
        yield from checks.texts(self)

    def _discovery(self, now: datetime) -> Findings:
        if self.discovered_at is None:
            yield "discovered_at", "Enter when it was discovered"
            return
        yield from checks.past("discovered_at", self.discovered_at, now, "it was discovered")
        if self.occurred_at is not None and self.discovered_at < self.occurred_at:
            yield "discovered_at", "When it was discovered cannot be before it happened"
