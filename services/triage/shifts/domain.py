"""When shifts change, and what is soon. Pure; the times are configuration, because the policy names none."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from uuid import UUID, uuid5

from services.triage.deadlines.domain import UK
from shared.events.vocabulary import Team

SOON = timedelta(hours=4)
"""Cases that are due within this time are handed over, whatever their priority."""
_NAMES = UUID("0e9d1c56-3f0b-4c62-8a59-6c4d6b7a9f43")


def last_change(now: datetime, times: Sequence[time]) -> datetime | None:
    """Return when a shift last began, by UK clocks; None where shifts do not change."""
    today = now.astimezone(UK).date()
    moments = [datetime.combine(today - timedelta(days=back), at, tzinfo=UK) for back in (0, 1) for at in times]
    return max((moment for moment in moments if moment <= now), default=None)


def subject_of(team: Team) -> UUID:
    """Return the subject of the events about a team's shifts."""
    return uuid5(_NAMES, team)
