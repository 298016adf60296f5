"""How much content a person was shown in a day, and what they are advised then. Pure.

All figures are our choice; the policy names none. They are for a person's own good and never say how they work.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from services.triage.deadlines.domain import UK
from shared.events.vocabulary import Priority, Team

MOST_ITEMS = 200
"""How often content is shown to one person in a day before a lead is asked: a report, its conversation and some
evidence for each of about fifty cases."""
MOST_TIME = timedelta(hours=4)
"""For how long: half of a working day."""
WARN_AT, BREAK_AT = 0.5, 0.75
"""The shares of these limits at which a person is warned, and then advised to take a break."""
LONGEST_LOOK = timedelta(minutes=5)
"""A look lasts until the next one, but no longer than this: then the person is doing something else."""
FEWEST_PEOPLE = 3
"""A team's total is shown only if at least so many people are in it, because otherwise it would say who it was."""
KEPT = timedelta(days=31)
"""How long it is known what a person was shown on a day."""


class CapReached(Exception):
    """A person was shown as much content today as is good for them: a lead is asked before they see more."""


class NotTheirLead(Exception):
    """No one asks this person to see more content: they ask another team's lead, or it is their own request."""


class Advice(StrEnum):
    """What a person is advised."""

    NONE = "none"
    WARN = "warn"
    BREAK = "break"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Exposure:
    """What one person was shown on one day."""

    items: int = 0
    looked: timedelta = timedelta(0)
    """Until the newest look."""
    last_at: datetime | None = None
    asked_at: datetime | None = None
    """Since when they ask a lead to see more."""
    asked: frozenset[Team] = frozenset()
    """Of which teams they ask the leads."""
    allowed: bool = False
    """Whether a lead lets them see more."""

    def shown(self, now: datetime, items: int = 1) -> "Exposure":
        """Return the same with content that is shown now."""
        return replace(self, items=self.items + items, looked=self.time(now), last_at=now)

    def time(self, now: datetime) -> timedelta:
        """Return how long they looked, the look included that may go on now."""
        return self.looked + (
            min(max(now - self.last_at, timedelta(0)), LONGEST_LOOK) if self.last_at else timedelta(0)
        )

    def advice(self, now: datetime) -> Advice:
        """Return what to advise them."""
        share = max(self.items / MOST_ITEMS, self.time(now) / MOST_TIME)
        if share >= 1:
            return Advice.ASK
        if share >= BREAK_AT:
            return Advice.BREAK
        return Advice.WARN if share >= WARN_AT else Advice.NONE


def has_room(exposure: Exposure, priority: Priority, now: datetime) -> bool:
    """Return whether a person may be shown content of a case before a lead agrees. A P1 is never held up."""
    return priority is Priority.P1 or exposure.allowed or exposure.advice(now) is not Advice.ASK


def day_of(now: datetime) -> date:
    """Return the UK day on which content is shown."""
    return now.astimezone(UK).date()


@dataclass(frozen=True, slots=True)
class TeamTotal:
    """What a whole team was shown on a day."""

    team: Team
    people: int
    items: int
    looked: timedelta

    @property
    def says_who(self) -> bool:
        """Whether so few people are in it that it would show what one of them was shown."""
        return self.people < FEWEST_PEOPLE
