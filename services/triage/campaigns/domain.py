"""Which cases may belong together, by what their reports share, and the words that say so. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import blake2b, sha256
from itertools import pairwise
from math import ceil
from typing import NamedTuple
from uuid import UUID

from shared.events.people import folded


class KeyKind(StrEnum):
    """What reports can share. The strongest reason comes first: a case joins the campaign of that."""

    LINK = "link"
    FILE = "file"
    TEXT = "text"
    ACCOUNT = "account"
    PERSON = "person"
    """The person harmed."""
    OURS = "ours"
    """An account of the department: it did nothing, so it is what the reports are about."""


_HASHED = "sha256:"
_LONGEST = 1024
"""Bytes of a key. A B-tree of PostgreSQL takes entries of up to 2,704 (and names of persons are shown by their key)."""


class Key(NamedTuple):
    """One thing that a report names, in a spelling that all reports share."""

    kind: KeyKind
    value: str

    @classmethod
    def of(cls, kind: KeyKind, value: str) -> "Key":
        """Return the key of a value; of a very long one its hash, because an index takes only so many bytes."""
        text = value.encode()
        return cls(kind, _HASHED + sha256(text).hexdigest() if len(text) > _LONGEST else value)

    @property
    def is_hash(self) -> bool:
        """Return whether it stands for a value that was too long to be kept."""
        return self.value.startswith(_HASHED)


class CampaignState(StrEnum):
    """What people decided of a campaign."""

    SUGGESTED = "suggested"
    CONFIRMED = "confirmed"
    DISMISSED = "dismissed"


class MemberState(StrEnum):
    """How a case belongs to a campaign."""

    SUGGESTED = "suggested"
    CONFIRMED = "confirmed"
    TAKEN_OUT = "taken_out"
    """A person took it out; it is not suggested for this campaign again."""


class CampaignNotFound(Exception):
    """There is no such campaign, or this person may not know that it exists."""


class CampaignDismissed(Exception):
    """Nothing can be done with a dismissed campaign but to confirm it after all."""


class CampaignChanged(Exception):
    """Another person changed the campaign after it was read."""

    def __init__(self, version: int) -> None:
        super().__init__(version)
        self.version = version


class NoSuchMember(Exception):
    """One of the cases is not in the campaign, or this person may not see it."""


class UnknownReference(Exception):
    """No case that this person may see has the reference."""


class NoCases(Exception):
    """A campaign needs at least one case."""


class TooFewLeft(Exception):
    """Without these cases it would be no campaign any more."""


class TooManyCases(Exception):
    """More cases than one act takes."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.most = most


# What is tuned, and why.


@dataclass(frozen=True, slots=True)
class Threshold:
    """How many reports that share a key, and in what time, suggest a campaign."""

    reports: int
    within: timedelta


PERSONAL_LINKS = timedelta(days=90)
"""How long cases stay linked by an account that is not the department's, unless a setting says otherwise. Our choice: a
campaign against someone lasts weeks; after a quarter, that two reports name one person is no news."""
THRESHOLDS: Mapping[KeyKind, Threshold] = {
    KeyKind.LINK: Threshold(2, timedelta(days=90)),  # the same post: two people saw the same thing
    KeyKind.FILE: Threshold(2, timedelta(days=90)),  # the same bytes do not come about by chance
    KeyKind.TEXT: Threshold(2, timedelta(days=30)),  # people who copy from one another do it at once
    KeyKind.ACCOUNT: Threshold(2, PERSONAL_LINKS),
    KeyKind.PERSON: Threshold(5, timedelta(hours=4)),  # one person seldom has more than four posts to report in a day
    KeyKind.OURS: Threshold(5, timedelta(hours=4)),
}
"""Our choices. They are counted in reports, so that two cases of one report suggest nothing."""
KEPT_FOR: Mapping[KeyKind, timedelta] = {
    KeyKind.LINK: timedelta(days=365),
    KeyKind.FILE: timedelta(days=365),
    KeyKind.TEXT: timedelta(days=30),
    KeyKind.ACCOUNT: PERSONAL_LINKS,
    KeyKind.PERSON: timedelta(days=365),
    KeyKind.OURS: timedelta(days=365),
}
"""How long a key is kept: links, files and persons harmed for a year, so that a case shows earlier ones like it."""
_RANK = {kind: rank for rank, kind in enumerate(KeyKind)}
MOST_SHARERS = 50
"""Of the cases that share a key, the newest that are looked at. More are in a campaign already."""
MOST_REPORTS = 1000
"""Reports of a campaign are counted up to this number."""
MOST_RECENT = 2000
"""Of the campaigns of a period, the newest that are counted: each takes some look-ups."""
MOST_AT_ONCE = 1000
"""Cases that are put in a campaign, or taken out, at once."""
MEMBERS_FOR_REASONS = 200
"""Of a campaign's cases, the newest whose keys are compared."""

_WORD = re.compile(r"\w+")
_FEWEST_WORDS = 8
"""Shorter texts are alike by chance: "He insults me every day"."""
_MOST_WORDS = 3000
_BANDS, _ROWS = 8, 5
"""Two texts that share the part J of their word pairs get a band in common with probability 1 - (1 - J^5)^8: 0.999 at
J = 0.9, 0.96 at 0.8, 0.22 at 0.5 and 0.02 at 0.3 (Broder 1997; Leskovec, Rajaraman and Ullman, chapter 3)."""


def text_keys(text: str) -> tuple[str, ...]:
    """Return keys of which nearly the same texts have one in common; none of a text with few words."""
    words = _WORD.findall(folded(text))[:_MOST_WORDS]
    if len(words) < _FEWEST_WORDS:
        return ()
    least = _signature({f"{one} {other}" for one, other in pairwise(words)})
    bands = (least[start : start + _ROWS] for start in range(0, len(least), _ROWS))
    return tuple(_hashed(f"{number} {band}").hex() for number, band in enumerate(bands))


def _signature(shingles: Collection[str]) -> list[int]:
    """Return the least hash of each of as many bins; an empty bin takes that of the next one that is not (rotation)."""
    bins = _BANDS * _ROWS
    least: dict[int, int] = {}
    for shingle in shingles:
        rest, place = divmod(int.from_bytes(_hashed(shingle)), bins)
        least[place] = min(rest, least.get(place, rest))
    found = []
    for place in range(bins):
        step = next(step for step in range(bins) if (place + step) % bins in least)
        found.append(least[(place + step) % bins] + step)
    return found


def _hashed(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=8).digest()


# Which campaign a case joins.


@dataclass(frozen=True, slots=True)
class Sharer:
    """A case that has a key, and when its report was submitted."""

    case_id: UUID
    report_id: UUID
    at: datetime


class Joined(NamedTuple):
    """A case that is suggested for a campaign."""

    campaign_id: UUID
    case_id: UUID
    new: bool
    """Whether the campaign is suggested for the first time."""


def thresholds(personal_links: timedelta) -> Mapping[KeyKind, Threshold]:
    """Return the thresholds with the setting for links to personal accounts."""
    return {**THRESHOLDS, KeyKind.ACCOUNT: Threshold(THRESHOLDS[KeyKind.ACCOUNT].reports, personal_links)}


def expires_at(kind: KeyKind, at: datetime, personal_links: timedelta) -> datetime:
    """Return when a key of a report submitted at `at` is forgotten."""
    return at + (personal_links if kind is KeyKind.ACCOUNT else KEPT_FOR[kind])


def live(sharers: Collection[Sharer], threshold: Threshold) -> list[Sharer]:
    """Return those of the sharers that are close enough in time to the newest, if they are of enough reports."""
    if not sharers:
        return []
    since = max(one.at for one in sharers) - threshold.within
    near = [one for one in sharers if one.at >= since]
    return near if len({one.report_id for one in near}) >= threshold.reports else []


def place(
    fresh: Mapping[Sharer, AbstractSet[Key]],
    sharers: Mapping[Key, Sequence[Sharer]],
    belong: Mapping[UUID, UUID],
    limits: Mapping[KeyKind, Threshold],
    new_id: Callable[[], UUID],
) -> list[Joined]:
    """Return which cases are suggested for which campaigns.

    Cases are taken one after another, so that it does not matter how they are batched. A campaign never swallows
    another one: a case between two joins that of its strongest key.

    Args:
        fresh: cases with the keys that they got now, the oldest case first.
        sharers: the newest cases that have each of these keys; none for a key that was dismissed.
        belong: the campaign that each of these cases is in, if it is in one that was not dismissed.
        limits: as `thresholds` gives them.
        new_id: makes the id of a campaign.
    """
    home, joined = dict(belong), []
    for case, keys in fresh.items():
        for key in sorted(keys & sharers.keys(), key=lambda key: (_RANK[key.kind], key.value)):
            near = live({case, *sharers[key]}, limits[key.kind])  # the newest may not include this one
            if case not in near:
                continue
            group = sorted({one.case_id for one in near})
            there = home.get(case.case_id) or _most_common(home[one] for one in group if one in home)
            campaign_id = there or new_id()
            left = [one for one in group if one not in home]
            joined += [Joined(campaign_id, one, there is None) for one in left]
            home |= dict.fromkeys(left, campaign_id)
    return joined


def with_an_open_case(joined: Sequence[Joined], still_open: Collection[UUID]) -> list[Joined]:
    """Return what is suggested, but for new campaigns whose cases are all finished: there is nothing left to decide."""
    new = {one.campaign_id for one in joined if one.new}
    worked_on = {one.campaign_id for one in joined if one.case_id in still_open}
    return [one for one in joined if one.campaign_id not in new - worked_on]


def _most_common(campaigns: Iterable[UUID]) -> UUID | None:
    """Return the campaign that most of some cases are in, of several the oldest; None if they are in none."""
    counted = Counter(campaigns)
    return min(counted, key=lambda one: (-counted[one], one), default=None)


# Why, in words.


@dataclass(frozen=True, slots=True)
class Shared:
    """A key that several reports of a campaign have, as far as the viewer sees them."""

    kind: KeyKind
    reports: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Extent:
    """The reports of a campaign that the viewer sees: how many, in what time, by how many reporters."""

    reports: int
    first_at: datetime
    last_at: datetime
    reporters: int
    """Reporters who said who they are."""
    anonymous: int
    """Reports whose reporter is not known."""
    waiting: int = 0
    """Cases that are suggested for it and that no one has confirmed."""


SAME: Mapping[KeyKind, str] = {
    KeyKind.LINK: "same link",
    KeyKind.FILE: "same file",
    KeyKind.TEXT: "nearly the same text",
    KeyKind.ACCOUNT: "same account",
    KeyKind.PERSON: "about the same person",
    KeyKind.OURS: "about the same account of ours",
}
"""Why two cases may belong together."""


_TARGETS = {KeyKind.PERSON: "person", KeyKind.OURS: "account of ours"}


def reasons(shared: Iterable[Shared], extent: Extent) -> list[str]:
    """Return why these reports may belong together, the strongest reason first; empty if they share nothing."""
    best: dict[KeyKind, Shared] = {}
    for one in shared:
        if one.kind not in best or one.reports > best[one.kind].reports:
            best[one.kind] = one
    said = [words for kind in KeyKind if kind in best and (words := _because(best[kind]))]
    return [*said, f"{_burst(extent.reports, extent.first_at, extent.last_at)} {_by(extent)}"] if said else []


def _because(shared: Shared) -> str | None:
    if shared.kind not in _TARGETS:
        return SAME[shared.kind] if shared.reports > 1 else None
    if shared.reports < THRESHOLDS[shared.kind].reports:
        return None
    return f"{_burst(shared.reports, shared.first_at, shared.last_at)} about one {_TARGETS[shared.kind]}"


def _burst(reports: int, first_at: datetime, last_at: datetime) -> str:
    return f"{_many(reports, 'report')} in {in_words(last_at - first_at)}"


def in_words(span: timedelta) -> str:
    """Return a span as it is said of a burst: `2 h`, at least one; from two days on `3 days`."""
    hours = max(1, ceil(span / timedelta(hours=1)))
    return f"{hours} h" if hours < 48 else f"{ceil(hours / 24)} days"  # noqa: PLR2004 - two days


def _by(extent: Extent) -> str:
    known = _many(extent.reporters, "reporter")
    if not extent.anonymous:
        return f"by {known}"
    unknown = f"{extent.anonymous} anonymous"
    return f"by {known}, {unknown}" if extent.reporters else f"by {unknown} reporters"


def _many(count: int, what: str) -> str:
    said = f"{count}+" if count >= MOST_REPORTS else str(count)
    return f"{said} {what}" if count == 1 else f"{said} {what}s"


def why(kinds: Iterable[KeyKind]) -> list[str]:
    """Return why one case is related to another, the strongest reason first."""
    found = set(kinds)
    return [SAME[kind] for kind in KeyKind if kind in found and kind in SAME]


_ORDINALS = ("", "First", "Second", "Third", "Fourth", "Fifth", "Sixth", "Seventh", "Eighth", "Ninth")


def told_again(before: int, after: int, most: int) -> str:
    """Return what a case's page says of other reports about the same person in 30 days; empty if there are none.

    Numbers go up to one more than `most`, which stands for all above it.
    """
    more = f"more than {most}" if after > most else str(after)
    since = f"{more} more came since" if after else ""
    if not before:
        one = "report" if after == 1 else "reports"
        return f"{more} {one} about the same person came in the 30 days after it".capitalize() if after else ""
    number = before + 1
    if before > most:
        which = f"More than {most} reports about the same person in 30 days"
    else:
        which = (
            f"{_ORDINALS[number] if number < len(_ORDINALS) else _th(number)} report about the same person in 30 days"
        )
    return f"{which}; {since}" if since else which


def _th(number: int) -> str:
    ends = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ends.get(number % 10, 'th')}"


def by_case(rows: Iterable[tuple[UUID, Key]]) -> dict[UUID, set[Key]]:
    """Return the keys of each case."""
    found: dict[UUID, set[Key]] = defaultdict(set)
    for case_id, key in rows:
        found[case_id].add(key)
    return dict(found)
