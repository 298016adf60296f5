"""The words by which lists find cases, and the orders in which they show them. Pure.

`FACETS` in `cases/tables.py` gives each case its facets, such as `platform:x` or `on:2026-11-30`. One index has
them all.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Self
from uuid import UUID

from services.triage.deadlines.domain import UK

MOST_YEARS = 3
"""Up to so many years are looked for by their months."""
OPEN, FINISHED = "open", "finished"
CLOCK, NO_CLOCK = "clock", "no clock"
REPLIED, REVIEW, RESTRICTED, CHASED = "replied", "review", "restricted", "takedown:due"


def has(name: str, value: str) -> str:
    """Return the facet of cases whose `name`, such as `kind`, `platform` or `takedown`, is `value`."""
    return f"{name}:{value}"


def held_by(staff_id: str | None) -> str:
    """Return the facet of cases that a person has; of None, that no one has."""
    return f"who:{(staff_id or '').lower()}"


def seen_by(teams: Collection[str], leads: Collection[str], have: Collection[str] = ()) -> list[str]:
    """Return the facets of which each case has one that these teams and leads see without being named for it.

    If the cases also `have` a kind, its facets are those of that kind: few teams get each kind, so all cases of a kind
    and all of a team may be many, and yet none are both.
    """
    seen = [*teams, *(f"{team}/{RESTRICTED}" for team in leads if team in teams)]
    kinds = [facet for facet in have if facet.startswith(has("kind", ""))]
    return sorted(f"{one}/{kind}" for one in seen for kind in kinds) if kinds else sorted(seen)


def seen_as(team: str, *, restricted: bool) -> str:
    """Return the facet of a case by which those who see it find it."""
    return f"{team}/{RESTRICTED}" if restricted else team


def are_rare(facets: Collection[str]) -> bool:
    """Return whether few cases have these facets, whatever their number: they wait, or one person has them."""
    held = any(facet.startswith(held_by("")) and facet != held_by("") for facet in facets)
    return held or not {REPLIED, REVIEW, RESTRICTED, CHASED}.isdisjoint(facets)


@dataclass(frozen=True, slots=True)
class Band:
    """A part of a list in which one column decides the order. A list is one band, or a few that follow each other."""

    key: str
    """The column; where it says the same of two cases, their ids decide."""
    facets: tuple[str, ...] = ()
    """What the cases of the band have in common."""
    descending: bool = False

    def reversed(self) -> Self:
        """Return the band in the other direction."""
        return replace(self, descending=not self.descending)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a case stands in a list."""

    band: int
    key: datetime | str
    case_id: UUID


def times(
    day: date, since: date | None = None, until: date | None = None, *, descending: bool
) -> Iterator[list[str] | None]:
    """Yield facets of times that begin with `day`, each longer than the one before; at last None, for all times.

    What looks for something rare among ten million cases reads one after the other until it has found enough. Between
    two days the last times are those that cover them.
    """
    step = -1 if descending else 1
    yield [_of_day(day), _of_day(day + timedelta(days=step))]
    yield _of_months(_month(day), _month(day) + step)
    if since and until and until.year - since.year < MOST_YEARS:
        yield _of_months(_month(since), _month(until))
    else:
        yield [f"on:{day.year}", f"on:{day.year + step}"]
        yield None


def day_of(at: datetime) -> date:
    """Return the day in the UK."""
    return at.astimezone(UK).date()


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def _of_months(first: int, last: int) -> list[str]:
    return [f"on:{month // 12}-{month % 12 + 1}" for month in range(min(first, last), max(first, last) + 1)]


def _of_day(day: date) -> str:
    return f"on:{day.year}-{day.month}-{day.day}"
