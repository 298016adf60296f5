"""A report of social media abuse (S1, S2, S3). The only kind that nobody has to sign in for."""

from dataclasses import dataclass
from datetime import datetime

from services.intake.reports import checks
from services.intake.reports.domain import Findings, Occurrence, Person
from shared.events.vocabulary import AlsoAffects, Behaviour, ContentKind


@dataclass(frozen=True, slots=True, kw_only=True)
class AbuseReport(Occurrence):
    """The command to take a report of abuse."""

    behaviours: tuple[Behaviour, ...]
    content_kind: ContentKind | None = None
    suspected: tuple[Person, ...] = ()
    also_affects: tuple[AlsoAffects, ...] = ()

    def findings(self, now: datetime) -> Findings:
        yield from checks.place(self, needed=True)
        yield from checks.chosen(self, "behaviours", "Select what kind of abuse it is")
        yield from checks.story(self)
        yield from checks.past("occurred_at", self.occurred_at, now, "it happened")
        yield from checks.chosen(self, "affected", "Select who is affected")
        yield from checks.crowds(self, "affected", "suspected")
        yield from checks.manager(self)
        yield from checks.nobody_is_kept(self)
        yield from checks.texts(self)
