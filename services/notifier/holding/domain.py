"""What is held back, and until when. Pure; the numbers are configuration.

An urgent alert is never held. What is held keeps its own state and its own acknowledgement.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.notifier.messages.domain import Urgency
from shared.events.vocabulary import AlertPurpose

_LONDON = ZoneInfo("Europe/London")
_DAYS_LOOKED_AT = 3


@dataclass(frozen=True, slots=True)
class HoldingRules:
    """Which messages wait for a digest, when digests leave, and from when on a storm becomes a summary."""

    digest: frozenset[AlertPurpose]
    times: tuple[time, ...]
    """On the clocks of the United Kingdom."""
    at_most: timedelta
    """No message waits longer for its digest."""
    storm_after: int
    """More alerts than this to one recipient within `storm_window` become one summary."""
    storm_window: timedelta


def held_until(
    purpose: AlertPurpose, urgency: Urgency, *, lately: int, now: datetime, rules: HoldingRules
) -> datetime | None:
    """Return until when an alert waits, None where it leaves at once.

    Args:
        purpose: why somebody is told.
        urgency: how soon they should act.
        lately: how many alerts its recipient was sent within the storm window before this one.
        now: the time of the decision.
        rules: what may wait.
    """
    if urgency is Urgency.URGENT:
        return None
    if urgency is Urgency.LOW and purpose in rules.digest:
        return next_digest(now, rules)
    return now + rules.storm_window if lately >= rules.storm_after else None


def next_digest(now: datetime, rules: HoldingRules) -> datetime:
    """Return when the next digest leaves: at the next of the set times, or earlier where that is too long."""
    latest = now + rules.at_most
    return min([latest, *(moment for moment in _moments(now, rules.times) if moment > now)])


def _moments(now: datetime, times: Sequence[time]) -> list[datetime]:
    """Return the set times of today and the next days, as instants: a day of a clock change has 23 or 25 hours."""
    today = now.astimezone(_LONDON).date()
    days = [today + timedelta(days=number) for number in range(_DAYS_LOOKED_AT)]
    return [datetime.combine(day, at, tzinfo=_LONDON).astimezone(now.tzinfo) for day in days for at in times]
