"""What a queue shows: its views, filters and orders, and where a page of it begins. Pure."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Self, TypeVar
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from services.triage.cases.domain import FINISHED, LONGEST_QUERY, Case
from services.triage.facets import domain as facets
from services.triage.facets.domain import Band, Place
from services.triage.search.domain import LONGEST
from shared.events import vocabulary as words
from shared.events.platforms import PLATFORMS
from shared.ids import Reference
from shared.text import ControlCharacter, line

E = TypeVar("E", bound=StrEnum)

HAPPENED = tuple(
    dict.fromkeys(str(one) for kind in (words.Behaviour, words.MisuseBehaviour, words.Effect) for one in kind)
)
"""What a queue can be filtered by: a behaviour of abuse or misuse, or an effect of an incident."""
ME, NOBODY = "me", "nobody"
TAKEN_DOWN = ("removed", "refused", "asked", "due")
"""What the take-downs of a case are together."""
OVERDUE = "overdue"
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2199, 12, 31)
LONGEST_SEARCH = LONGEST
LONGEST_STAFF_ID = 40
LONGEST_NAME = 40
MOST_VIEWS = 10
"""What a person may keep of their own, and a team of its own."""
VIEWS_KEPT = timedelta(days=365)
_CAMPAIGNS = "campaigns"
_LISTS: Mapping[str, tuple[str, ...]] = {
    _CAMPAIGNS: ("cursor",),
    "second-reviews": (),
    "shift": (),
    "repeat": ("cursor",),
    "tasks": ("view", "cursor"),
    "wellbeing": (),
}
"""Other lists that cases are opened from, and what the address of each says. Each campaign is a list of its own."""


class QueueView(StrEnum):
    """The views of the queue."""

    ALL = "all"
    MINE = "mine"
    UNCLAIMED = "unclaimed"
    REPLIES = "replies"
    AT_RISK = "at-risk"
    RESTRICTED = "restricted"
    REVIEWS = "reviews"
    CHASE = "take-downs"
    FINISHED = "finished"


class Sort(StrEnum):
    """The orders of a queue."""

    DUE = "due"
    """Missed first, then soonest; then, oldest first, the cases in which no clock runs."""
    PRIORITY = "priority"
    """The most urgent first, of these the oldest."""
    NEWEST = "newest"
    OLDEST = "oldest"
    BEST = "best"
    """Of a search: the best of the newest first, then older ones by date. Without one, as `newest`."""


_NOT_OPEN = FINISHED | {words.CaseState.MERGED}
_OPEN_VIEWS = frozenset({QueueView.ALL, QueueView.MINE, QueueView.UNCLAIMED, QueueView.RESTRICTED})
_OF_VIEW: Mapping[QueueView, frozenset[str]] = {
    QueueView.UNCLAIMED: frozenset({facets.held_by(None)}),
    QueueView.REPLIES: frozenset({facets.REPLIED}),
    QueueView.AT_RISK: frozenset({facets.CLOCK}),
    QueueView.RESTRICTED: frozenset({facets.RESTRICTED}),
    QueueView.REVIEWS: frozenset({facets.REVIEW}),
    QueueView.CHASE: frozenset({facets.has("takedown", "due")}),
    QueueView.FINISHED: frozenset({facets.FINISHED}),
}
"""What every case of a view has. *Replies*, *At risk*, *Asked to look again*, *Take-downs* have finished cases too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFilter:
    """The filters of a queue, as in its URL and as the API takes them."""

    view: QueueView | None = QueueView.ALL
    """None: cases in any state."""
    team: words.Team | None = None
    kind: words.ReportType | None = None
    behaviour: str | None = None
    platform: str | None = None
    priority: words.Priority | None = None
    state: words.CaseState | None = None
    who: str = ""
    """Who has the case: `me`, `nobody` or a staff number."""
    since: date | None = None
    """The first day, in UK time, on which cases were opened."""
    until: date | None = None
    """The last day."""
    replies: bool = False
    """Only cases with something unread from their reporter."""
    taken_down: str | None = None
    tasks: str | None = None
    """`overdue`: only cases with a task whose time has passed; open ones, unless a view says otherwise."""
    campaign: UUID | None = None
    """One that the viewer may not know of has no case."""
    q: str = ""
    sort: Sort | None = None

    @classmethod
    def read(cls, parameters: Mapping[str, str]) -> Self:
        """Read a URL's parameters; ignore those that make no sense."""
        get = parameters.get
        q = _typed(get("q", ""), LONGEST_SEARCH)
        return cls(
            view=_member(QueueView, get("view")) or (None if q else QueueView.ALL),
            team=_member(words.Team, get("team")),
            kind=_member(words.ReportType, get("kind") or get("type")),
            behaviour=_one_of(HAPPENED, get("behaviour")),
            platform=_one_of(PLATFORMS, get("platform")),
            priority=_member(words.Priority, get("priority")),
            state=_member(words.CaseState, get("state")),
            who=_typed(get("number") or get("who", ""), LONGEST_STAFF_ID),
            since=_day(get("since", "")),
            until=_day(get("until", "")),
            replies=get("replies") == "yes",
            taken_down=_one_of(TAKEN_DOWN, get("taken_down")),
            tasks=_one_of((OVERDUE,), get("tasks")),
            campaign=_id(get("campaign", "")),
            q=q,
            sort=_member(Sort, get("sort")),
        )

    @property
    def order(self) -> Sort:
        """The order: by due time where the URL says nothing, but a search's best, and finished cases newest first."""
        usual = Sort.NEWEST if self.view is QueueView.FINISHED else Sort.DUE
        return self.sort or (Sort.BEST if self.q else usual)

    @property
    def ranked(self) -> bool:
        """Whether the cases are ranked by how well they match what is searched for."""
        return self.order is Sort.BEST and bool(self.q) and Reference.start(self.q) is None

    @property
    def only_open(self) -> bool:
        """Whether no finished case fits."""
        return self._of_open or (self.state is not None and self.state not in _NOT_OPEN)

    @property
    def _of_open(self) -> bool:
        return self.view in _OPEN_VIEWS or (self.view is None and self.tasks is not None)

    @property
    def bands(self) -> list[Band]:
        """The parts of the queue in its order."""
        match self.order:
            case Sort.NEWEST | Sort.BEST:
                return [Band("opened_at", descending=True)]
            case Sort.OLDEST:
                return [Band("opened_at")]
            case Sort.DUE:
                return [Band("due_at", (facets.CLOCK,)), Band("opened_at", (facets.NO_CLOCK,))]
            case _ if self.only_open:
                return [Band("priority")]
            case _:
                return [Band("opened_at", (facets.has("priority", one),)) for one in words.Priority]

    def places(self, case: Case, due_at: datetime | None) -> list[Place]:
        """Return where a case stands in the queue. By due time that may be two places: its clock may have ended since.

        Args:
            case: the case.
            due_at: when the first of its clocks ends, or ended; None if it had none.
        """
        match self.order:
            case Sort.DUE:
                first = [Place(0, due_at, case.case_id)] if due_at else []
                return [*first, Place(1, case.opened_at, case.case_id)]
            case Sort.PRIORITY if self.only_open:
                return [Place(0, case.priority.value, case.case_id)]
            case Sort.PRIORITY:
                return [Place(list(words.Priority).index(case.priority), case.opened_at, case.case_id)]
            case _:
                return [Place(0, case.opened_at, case.case_id)]

    def facets(self, subject: str) -> frozenset[str]:
        """Return the facets that every case of the queue of `subject` has."""
        have = set(_OF_VIEW.get(self.view, ())) if self.view else set()
        if self._of_open:
            have.add(facets.OPEN)
        if who := ME if self.view is QueueView.MINE else self.who:
            have.add(facets.held_by({ME: subject, NOBODY: None}.get(who, who)))
        for name in ("kind", "platform", "priority", "state", "tasks"):
            if value := getattr(self, name):
                have.add(facets.has(name, value))
        said = {facets.has("takedown", self.taken_down or ""): self.taken_down, facets.REPLIED: self.replies}
        have |= {facet for facet, so in said.items() if so}
        return frozenset(have | ({self.behaviour} if self.behaviour else set()))

    def parameters(self) -> dict[str, str]:
        """Return the parameters of the URL, without those that say nothing."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        said["view"] = None if self.view is (None if self.q else QueueView.ALL) else self.view
        said["replies"] = "yes" if self.replies else None
        return {name: str(value) for name, value in said.items() if value}

    def query(self, cursor: str = "", **changes: object) -> str:
        """Return the query of this queue's address with `changes`, from `cursor` on; empty for the whole queue."""
        wanted = replace(self, **changes) if changes else self  # type: ignore[arg-type] # replace checks the names
        return urlencode(wanted.parameters() | ({"cursor": cursor} if cursor else {}))

    def url(self, cursor: str = "", **changes: object) -> str:
        """Return the address of this queue, as `query` does."""
        query = self.query(cursor, **changes)
        return f"/cases?{query}" if query else "/cases"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins: after a place, or, read backwards, before it. To a client it is opaque."""

    order: Sort
    place: Place
    backwards: bool = False

    def __str__(self) -> str:
        place = self.place
        key = place.key if isinstance(place.key, str) else place.key.isoformat()
        text = json.dumps([self.order, place.band, key, str(place.case_id), self.backwards], separators=(",", ":"))
        return urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str, wanted: QueueFilter) -> Self | None:
        """Read a cursor of a queue; None if it is none, or belongs to another order."""
        try:
            order, band, key, case_id, backwards = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
            if order != wanted.order or band not in range(len(wanted.bands)):
                return None
            place = Place(band, _key(wanted.bands[band], key), UUID(case_id))
        except (ValueError, TypeError, AttributeError):
            return None
        return cls(wanted.order, place, backwards=backwards is True)


@dataclass(frozen=True, slots=True)
class SavedView:
    """A view of the queue that a person keeps, or a lead for their team."""

    view_id: UUID
    version: int
    owner: str
    team: words.Team | None
    """Whose it is; None: its owner's own."""
    name: str
    query: str
    """The query of its address."""
    saved_at: datetime

    @property
    def wanted(self) -> QueueFilter:
        """What it shows."""
        return opened_from(self.query)[0]

    @property
    def ends(self) -> datetime:
        """When it is forgotten."""
        return self.saved_at + VIEWS_KEPT


class QueryTooLong(Exception):
    """A queue's address is longer than any that Signpost makes: a part of it would be another queue."""


class ViewNotFound(Exception):
    """There is no such view, or it is not for this person."""


class ViewChanged(Exception):
    """Someone changed the view since it was read."""


class NotYourView(Exception):
    """Only a lead of the team saves, changes or deletes its views."""


class SearchIsOwn(Exception):
    """Words that a person searches for are not for their team."""


class TooManyViews(Exception):
    """The person, or the team, keeps as many views as they may."""


def require_may_save(view: SavedView, leads: Collection[words.Team], kept: int) -> None:
    """Check a view before it is saved, beside `kept` others of its owner or team.

    Raises:
        NotYourView, SearchIsOwn, TooManyViews: it may not be.
    """
    if view.team and view.team not in leads:
        raise NotYourView
    if view.team and view.wanted.q:
        raise SearchIsOwn
    if kept >= MOST_VIEWS:
        raise TooManyViews


def opened_from(query: str) -> tuple[QueueFilter, str]:
    """Return the queue, and the cursor in it, from which a case was opened, as the case's own address says.

    Raises:
        QueryTooLong: the query, or what it searches for, is too long to be one of ours.
    """
    said = dict(parse_qsl(query))
    if len(query) > LONGEST_QUERY or len(said.get("q", "")) > LONGEST_SEARCH:
        raise QueryTooLong
    return QueueFilter.read(said), said.get("cursor", "")


def other_list(query: str) -> str:
    """Return the address of the list from which a case was opened, if that is no queue; otherwise nothing.

    Raises:
        QueryTooLong: as `opened_from`.
    """
    opened_from(query)
    said = dict(parse_qsl(query))
    name, _, which = said.get("list", "").partition("/")
    campaign = _id(which)
    if name not in _LISTS or (name == _CAMPAIGNS) is not bool(campaign):
        return ""
    path = f"/cases/{name}/{campaign}" if campaign else f"/cases/{name}"
    kept = urlencode({one: said[one] for one in _LISTS[name] if said.get(one)})
    return f"{path}?{kept}" if kept else path


def _key(band: Band, text: str) -> datetime | str:
    if band.key == "priority":
        return words.Priority(text).value
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError
    return moment


def _member(kind: type[E], text: str | None) -> E | None:
    return next((member for member in kind if member == text), None)


def _one_of(known: tuple[str, ...] | Mapping[str, str], text: str | None) -> str | None:
    return text if text in known else None


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if FIRST_DAY <= day <= LAST_DAY else None


def _typed(text: str, longest: int) -> str:
    """Return a line as it was typed; empty if it is none, or too long."""
    try:
        said = line(text)
    except ControlCharacter:
        return ""
    return said if len(said) <= longest else ""
