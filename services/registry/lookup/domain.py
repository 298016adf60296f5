"""Decides whether an account is official, as far as the person who asks may know. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.registry.accounts.domain import Account
from shared.events.platforms import PLATFORMS, InvalidHandle, canonical_handle, from_url
from shared.events.vocabulary import AccountClass

_PUBLIC = frozenset({AccountClass.OFFICIAL, AccountClass.UNION})
_MOST_SHOWN = 3
_SHORTEST_ALIKE = 5
_LINKEDIN_KINDS = ("company", "school", "showcase")
_SPOKEN = {
    "twitter": "x",
    "google": "google_reviews",
    "insta": "instagram",
    "fb": "facebook",
    "ig": "instagram",
    "yt": "youtube",
} | {slug: slug for slug in PLATFORMS if slug != "other"}

Handle = tuple[str, str]
"""Platform and canonical handle."""


class LookupResult(StrEnum):
    """The result of a lookup."""

    SANCTIONED = "sanctioned"
    NOT_SANCTIONED = "not_sanctioned"
    """Known, but not for official use."""
    OUTSIDE_POLICY = "outside_policy"
    UNKNOWN = "unknown"
    UNREADABLE = "unreadable"
    """The text does not name an account."""


@dataclass(frozen=True, slots=True)
class Question:
    """The question: every account that could be meant, and the name as typed."""

    handles: tuple[Handle, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person who asks may know; never the status of an account."""

    result: LookupResult
    accounts: tuple[Account, ...] = ()
    resembles: tuple[Account, ...] = ()
    """Official accounts with a name that looks like the given one."""

    @property
    def account_class(self) -> AccountClass | None:
        """The class of the account found."""
        return self.accounts[0].registration.account_class if self.accounts else None


def read_question(typed: str) -> Question:
    """Read the pasted text: an address, `@name on X`, `x: name`, or a bare name, which may be on any platform."""
    text = typed.strip()
    if found := from_url(text):
        return Question((found,), found[1])
    if "://" in text:
        return Question((), "")
    platform, name = _split_platform(text)
    platforms = (platform,) if platform else tuple(slug for slug in PLATFORMS if slug != "other")
    return Question(tuple(handle for slug in platforms for handle in handles_on(slug, name)), name)


def handles_on(platform: str, name: str) -> tuple[Handle, ...]:
    """Return the handles that `name` can be on a platform; empty if it cannot be a handle there."""
    try:
        handle = canonical_handle(platform, name)
    except InvalidHandle:
        return ()
    if platform == "linkedin" and "/" not in name and handle.startswith("in/"):
        bare = handle.removeprefix("in/")
        return ((platform, handle), *((platform, f"{kind}/{bare}") for kind in _LINKEDIN_KINDS))
    return ((platform, handle),)


def decide(
    question: Question,
    registered: Sequence[Account],
    official: Sequence[Account],
    *,
    signed_in: bool,
    skeleton: Callable[[str], str],
) -> Answer:
    """Answer a question.

    Only colleagues are told about an individual's account; for everyone else it is unknown.

    Args:
        question: the question.
        registered: the open accounts on the register with one of the given handles.
        official: the full public list.
        signed_in: whether a colleague asks.
        skeleton: returns the same text for names that look alike.
    """
    vouched = [account for account in registered if account.registration.vouched_for]
    visible = [account for account in vouched if signed_in or account.registration.account_class in _PUBLIC]
    visible.sort(key=lambda account: not account.registration.official_use)
    if visible and visible[0].registration.official_use:
        return Answer(
            LookupResult.SANCTIONED, tuple(account for account in visible if account.registration.official_use)
        )
    resembling = _resembling(question, official, skeleton)
    if not visible:
        names_one = bool(question.handles) and any(map(str.isalnum, question.name))
        return Answer(
            LookupResult.UNKNOWN if names_one or resembling else LookupResult.UNREADABLE, resembles=resembling
        )
    union = visible[0].registration.account_class is AccountClass.UNION
    return Answer(LookupResult.OUTSIDE_POLICY if union else LookupResult.NOT_SANCTIONED, tuple(visible), resembling)


def _split_platform(text: str) -> tuple[str | None, str]:
    words = text.replace(":", " ").split()
    match [word.lower() for word in words]:
        case [_, *_, "on", last] if last in _SPOKEN:
            return _SPOKEN[last], " ".join(words[:-2])
        case [_, *_, last] if last in _SPOKEN:
            return _SPOKEN[last], " ".join(words[:-1])
        case [first, _, *_] if first in _SPOKEN:
            return _SPOKEN[first], " ".join(words[1:])
        case _:
            return None, text


def _resembling(question: Question, official: Sequence[Account], skeleton: Callable[[str], str]) -> tuple[Account, ...]:
    asked = {skeleton(_bare(handle)) for _, handle in question.handles} | {skeleton(_bare(question.name))}
    near = [
        account
        for account in official
        if any(_alike(skeleton(_bare(account.registration.handle)), one) for one in asked)
    ]
    return tuple(near[:_MOST_SHOWN])


def _bare(handle: str) -> str:
    """Return the part of a handle that people notice."""
    return handle.strip("@ ").rpartition("/")[2].removesuffix(".bsky.social").partition("@")[0]


def _alike(official: str, asked: str) -> bool:
    if official == asked:
        return bool(official)
    if min(len(official), len(asked)) < _SHORTEST_ALIKE:
        return False
    return asked.startswith(official) or asked.endswith(official) or _one_edit_apart(official, asked)


def _one_edit_apart(left: str, right: str) -> bool:
    """Return whether one insertion, removal, replacement or swap of neighbours turns one text into the other."""
    if abs(len(left) - len(right)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    l_rest, r_rest = left[start:], right[start:]
    swapped = l_rest[:2] == r_rest[:2][::-1] and l_rest[2:] == r_rest[2:]
    return swapped or l_rest[1:] == r_rest[1:] or l_rest[1:] == r_rest or l_rest == r_rest[1:]


_TITLES: Mapping[LookupResult, str] = {
    LookupResult.SANCTIONED: "Yes, this account is sanctioned for official use",
    LookupResult.NOT_SANCTIONED: "No, this account is not used officially for DWP",
    LookupResult.OUTSIDE_POLICY: "No, this is not a DWP account",
    LookupResult.UNKNOWN: "No, this is not on the list of official DWP accounts",
    LookupResult.UNREADABLE: "We cannot tell which account you mean",
}
_MORE: Mapping[LookupResult, str] = {
    LookupResult.SANCTIONED: "Check that you are looking at exactly this name, on exactly this platform.",
    LookupResult.NOT_SANCTIONED: "It is a colleague's own account for professional networking.",
    LookupResult.OUTSIDE_POLICY: "It is an official trade union account, outside this policy.",
    LookupResult.UNKNOWN: "Do not share personal details with it as if it were DWP.",
    LookupResult.UNREADABLE: "Paste the address of the account's profile, or its name as the platform shows it.",
}


def title_of(answer: Answer) -> str:
    """Return the answer as one short sentence."""
    if answer.result is LookupResult.SANCTIONED and answer.account_class is AccountClass.OFFICIAL:
        return "Yes, this is an official DWP account"
    return _TITLES[answer.result]


def more_about(answer: Answer) -> str:
    """Return advice on the answer."""
    return _MORE[answer.result]
