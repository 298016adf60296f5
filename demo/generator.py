"""Generates one report's details from a seed, and what a scenario makes of them: a request. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TypeVar

from demo import texts
from demo.reports import CREATED, JSON, JsonObject, Sender
from demo.samples import ACCOUNTS, STAFF, Staff, post_url
from shared.events.vocabulary import ContentKind, ContentState, Relation

T = TypeVar("T")

_PLATFORMS = tuple(ACCOUNTS)
_CONTENT = tuple(ContentKind)
_CONTENT_NOW = tuple(ContentState)
_OTHERS = (Relation.COLLEAGUE, Relation.CUSTOMER, Relation.PUBLIC, Relation.GROUP)
_LONGEST_STORY = 6


@dataclass(frozen=True, slots=True)
class Generator:
    """Random choices that depend on the seed alone; `at` is the moment before which everything happened."""

    random: Random
    at: datetime

    def one(self, choices: Sequence[T]) -> T:
        """Return one of `choices`."""
        return choices[int(self.random.random() * len(choices))]

    def sometimes(self, one_in: int) -> bool:
        """Return True once in `one_in` times."""
        return self.random.random() * one_in < 1

    def staff(self) -> Staff:
        """Return a member of staff with a known manager."""
        return self.one(STAFF)

    def colleague_of(self, staff: Staff) -> Staff:
        """Return another member of staff."""
        return self.one([other for other in STAFF if other is not staff])

    def story(self, opening: str) -> str:
        """Return an account that begins with `opening`, now and then in another language."""
        more = int(self.random.random() * _LONGEST_STORY)
        told = [opening, *(self.one(texts.MORE) for _ in range(more))]
        if self.sometimes(8):
            told.append(self.one(texts.OTHER_LANGUAGES))
        return " ".join(told)

    def earlier(self, *, days: int = 14) -> str:
        """Return a moment of the last `days`, with its offset."""
        return (self.at - timedelta(minutes=1 + int(self.random.random() * days * 24 * 60))).isoformat()

    def account(self) -> tuple[str, str]:
        """Return a platform and a handle there."""
        platform = self.one(_PLATFORMS)
        return platform, self.one(ACCOUNTS[platform])

    def place(self, platform: str, handle: str) -> dict[str, object]:
        """Return the answers about where something was posted, and by which account."""
        url = post_url(platform, handle, 1 + int(self.random.random() * 1_000_000))
        said: dict[str, object] = {"platform": platform, "handles": [handle]}
        if platform == "other":
            said["platform_name"] = "A forum about kettles"
        if url is not None and not self.sometimes(3):
            said["urls"] = [url]
        return said

    def content(self) -> JsonObject:
        """Return the answers about what was posted and whether it is still there."""
        return {"content_kind": self.one(_CONTENT), "content_state": self.one(_CONTENT_NOW)}

    def affected(self, reporter: Staff | None) -> list[JsonObject]:
        """Return the people affected: mostly the reporter."""
        if reporter is not None and not self.sometimes(3):
            return [{"relation": Relation.SELF}]
        relation = self.one(_OTHERS)
        if reporter is None or relation is not Relation.COLLEAGUE:
            return [{"relation": relation}]
        return [{"relation": relation, "name": self.colleague_of(reporter).name}]


ABUSE = "/report/api/v1/abuse-reports"
MISUSE = "/report/api/v1/misuse-reports"
INCIDENT = "/report/api/v1/security-incidents"
ENQUIRY = "/report/api/v1/enquiries"
EXCEPTION = "/report/api/v1/policy-exceptions"


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a scenario."""

    path: str
    body: JsonObject | bytes
    sender: Sender
    status: int = CREATED
    """What it should be answered with."""
    content_type: str = JSON


Make = Callable[[Generator], Request]
Scenarios = Mapping[str, Make]
