"""What a platform is asked: its own categories and ready texts, by the file `platforms.yaml`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from services.triage.cases.domain import Case
from services.triage.cases.views import SHORT_TEAM_NAMES
from services.triage.takedowns.domain import Takedown
from shared.web.times import uk_date

FILE = Path(__file__).with_name("platforms.yaml")
_NO_CATEGORY = "see below"


class Category(BaseModel):
    """One rule of a platform that content can break, or one choice of its form or protocol."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    name: str
    """As the platform words it."""
    fits: tuple[str, ...] = Field((), alias="for")
    """What happened, in the words of a report."""
    reason: str | None = None
    """The word of the platform's protocol."""


class Source(BaseModel):
    """Where a platform says what its categories are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    document: str
    at: str
    as_of: date | None = None
    """The day of the version that we read, if it is not the one that was there on that day."""
    read_in: str


class Guide(BaseModel):
    """How one platform wants to be asked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reports_at: str | None = None
    protocol: str | None = None
    source: Source | None = None
    categories: tuple[Category, ...] = ()

    def suggested(self, happened: Collection[str]) -> str:
        """Return the code of the first category that fits what was reported; empty if none does."""
        fitting = (one.code for one in self.categories if not set(one.fits).isdisjoint(happened))
        return next(fitting, "")

    def category(self, code: str) -> Category | None:
        """Return the category of that code."""
        return next((one for one in self.categories if one.code == code), None)


class Guides(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    read_on: date
    """When we read the sources."""
    platforms: Mapping[str, Guide]
    text: str
    chase: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A text to send to a platform."""

    text: str
    reports_at: str | None


@cache
def guides() -> Guides:
    """Return what the file says, read once."""
    return Guides.model_validate(yaml.safe_load(FILE.read_text("utf-8")))


def guide(platform: str) -> Guide:
    """Return how a platform wants to be asked; nothing is known of one that the file does not have."""
    return guides().platforms.get(platform) or Guide()


def categories(platform: str) -> Sequence[Category]:
    """Return the categories of a platform; none of one that publishes none."""
    return guide(platform).categories


def category_name(platform: str, code: str) -> str:
    """Return a category in the platform's own words; empty if there is none."""
    found = guide(platform).category(code)
    return found.name if found else ""


def first_text(case: Case, platform: str, link: str, category: str) -> Notice:
    """Return the text with which a platform is asked to remove a link. It says nothing of who reported it."""
    team = SHORT_TEAM_NAMES[case.team]
    name = category_name(platform, category) or _NO_CATEGORY
    words = guides().text.format(link=link, category=name, team=team, reference=case.reference)
    return Notice(words.strip(), guide(platform).reports_at)


def chase_text(case: Case, takedown: Takedown) -> Notice:
    """Return the text with which a platform is asked again."""
    theirs = f", your reference {takedown.reference}" if takedown.reference else ""
    words = guides().chase.format(
        link=takedown.link,
        category=category_name(takedown.platform, takedown.category) or _NO_CATEGORY,
        asked=uk_date(takedown.reported_at),
        their_reference=theirs,
        reference=case.reference,
    )
    return Notice(words.strip(), guide(takedown.platform).reports_at)
