"""Decides whether an account is official, as far as the person who asks may know. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from services.registry.accounts.domain import Account
from shared.events.platforms import ON_ANY_SERVER, PLATFORMS, InvalidHandle, canonical_handle, from_url, is_address
from shared.events.vocabulary import AccountClass, AccountStatus

_PUBLIC = frozenset({AccountClass.OFFICIAL, AccountClass.UNION})
_MOST_SHOWN = 3
_SHORTEST_ALIKE = 5
_SIMILAR = 0.8
"""How much of two names is the same, from 0 to 1, for one to be suggested for the other."""
_AS_GOOD_AS_THE_SAME = 0.99
_LINKEDIN_KINDS = ("company", "school", "showcase")
_SPOKEN = {
    "twitter": "x",
    "google": "google_reviews",
    "insta": "instagram",
    "fb": "facebook",
    "ig": "instagram",
    "yt": "youtube",
} | {slug: slug for slug in PLATFORMS if slug != "other"}


@dataclass(frozen=True, slots=True)
class Looks:
    """How names are compared."""

    skeleton: Callable[[str], str]
    """Returns the same text for names that look alike."""
    similarity: Callable[[str, str], float]
    """Returns how much of two texts is the same, from 0 to 1."""


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
    """The text does not name an account, or not one account alone."""
    FROZEN = "frozen"
    """The department's, but not to be relied on at present."""


class LookupStatus(StrEnum):
    """The answer to a client: only `not_listed` means no."""

    OFFICIAL = "official"
    NOT_LISTED = "not_listed"
    UNKNOWN = "unknown"
    DO_NOT_RELY = "do_not_rely"


@dataclass(frozen=True, slots=True)
class Question:
    """The question: every account that could be meant, and the name as typed."""

    handles: tuple[Handle, ...]
    name: str
    only_if_registered: bool = False
    """True if the text names an account only if the register knows it: otherwise we cannot tell."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person who asks may know."""

    result: LookupResult
    accounts: tuple[Account, ...] = ()
    resembles: tuple[Account, ...] = ()
    """Official accounts with a name that looks like the given one."""

    @property
    def account_class(self) -> AccountClass | None:
        """The class of the account found."""
        return self.accounts[0].registration.account_class if self.accounts else None


def read_question(typed: str, platform: str | None = None) -> Question:
    """Read the pasted text: an address, `@name on X`, `x: name`, or a bare name, which may be on any platform.

    Args:
        typed: the text.
        platform: where the account is, if that was said apart from the text.
    """
    text = typed.strip()
    if platform is not None and (handles := handles_on(platform, text)):
        return Question(handles, text)
    if platform is None and (found := from_url(text)):
        return Question((found,), found[1])
    if is_address(text):
        return _perhaps_registered(text, platform)
    if platform is not None:
        return Question((), text)
    said, name = _split_platform(text)
    platforms = (said,) if said else tuple(slug for slug in PLATFORMS if slug != "other")
    return Question(tuple(handle for slug in platforms for handle in handles_on(slug, name)), name)


def _perhaps_registered(address: str, platform: str | None) -> Question:
    """Read an address that is not known to be of a profile: someone may have registered the server that it is on."""
    found = from_url(address, ON_ANY_SERVER) if platform in {None, ON_ANY_SERVER} else None
    return Question((found,) if found else (), "", only_if_registered=True)


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
    looks: Looks,
) -> Answer:
    """Answer a question.

    Only colleagues are told about an individual's account; for everyone else it is unknown.

    Args:
        question: the question.
        registered: the open accounts on the register with one of the given handles.
        official: the full public list.
        signed_in: whether a colleague asks.
        looks: how names are compared.
    """
    vouched = [account for account in registered if account.registration.vouched_for]
    visible = [account for account in vouched if signed_in or account.registration.account_class in _PUBLIC]
    if any(account.registration.status is AccountStatus.FROZEN for account in visible):
        return Answer(LookupResult.FROZEN if len(visible) == 1 else LookupResult.UNREADABLE)
    if used := tuple(account for account in visible if account.registration.official_use):
        return Answer(LookupResult.SANCTIONED, used)
    resembling = _resembling(question, official, looks)
    if not visible:
        return Answer(_without_account(question, resembling), resembles=resembling)
    union = visible[0].registration.account_class is AccountClass.UNION
    return Answer(LookupResult.OUTSIDE_POLICY if union else LookupResult.NOT_SANCTIONED, tuple(visible), resembling)


def _without_account(question: Question, resembling: Sequence[Account]) -> LookupResult:
    if question.only_if_registered:
        return LookupResult.UNREADABLE
    names_one = bool(question.handles) and any(map(str.isalnum, question.name))
    return LookupResult.UNKNOWN if names_one or resembling else LookupResult.UNREADABLE


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


def _resembling(question: Question, official: Sequence[Account], looks: Looks) -> tuple[Account, ...]:
    """Return the official accounts whose handle or title is most like the name, the likest first."""
    asked = {looks.skeleton(_bare(name)) for name in (question.name, *(handle for _, handle in question.handles))}
    asked.discard("")
    if not asked:
        return ()
    likeness = [
        (max(_likeness(known, one, looks) for known in map(looks.skeleton, _names(account)) for one in asked), account)
        for account in official
    ]
    near = sorted((pair for pair in likeness if pair[0] >= _SIMILAR), key=lambda pair: -pair[0])
    return tuple(account for _, account in near[:_MOST_SHOWN])


def _names(account: Account) -> tuple[str, ...]:
    kept = account.registration
    return (_bare(kept.handle), kept.title) if kept.title else (_bare(kept.handle),)


def resemble(one: str, other: str, looks: Looks) -> bool:
    """Return whether two handles, on whatever platforms, have names that people may take for each other."""
    first, second = looks.skeleton(_bare(one)), looks.skeleton(_bare(other))
    return max(_likeness(first, second, looks), _likeness(second, first, looks)) >= _SIMILAR


def _bare(handle: str) -> str:
    """Return the part of a handle that people notice."""
    return handle.strip("@ ").rpartition("/")[2].removesuffix(".bsky.social").partition("@")[0]


def _likeness(official: str, asked: str, looks: Looks) -> float:
    """Return how alike two names are, from 0 to 1; short ones are alike only if they are the same."""
    if official == asked:
        return 1.0 if official else 0.0
    if min(len(official), len(asked)) < _SHORTEST_ALIKE:
        return 0.0
    longer = asked.startswith(official) or asked.endswith(official)
    return _AS_GOOD_AS_THE_SAME if longer else looks.similarity(official, asked)


@dataclass(frozen=True, slots=True)
class Sentence:
    """What an answer says: to a client, and to a person."""

    status: LookupStatus
    sanctioned: bool | None
    """None: neither yes nor no."""
    title: str
    more: str = ""


_SENTENCES: Mapping[LookupResult, Sentence] = {
    LookupResult.SANCTIONED: Sentence(
        LookupStatus.OFFICIAL,
        sanctioned=True,
        title="Yes, this account is sanctioned for official use",
        more="Check that you are looking at exactly this name, on exactly this platform.",
    ),
    LookupResult.NOT_SANCTIONED: Sentence(
        LookupStatus.NOT_LISTED,
        sanctioned=False,
        title="No, this account is not used officially for DWP",
        more="It is a colleague's own account for professional networking.",
    ),
    LookupResult.OUTSIDE_POLICY: Sentence(
        LookupStatus.NOT_LISTED,
        sanctioned=False,
        title="No, this is not a DWP account",
        more="It is an official trade union account, outside this policy.",
    ),
    LookupResult.UNKNOWN: Sentence(
        LookupStatus.NOT_LISTED,
        sanctioned=False,
        title="No, this is not on the list of official DWP accounts",
        more="Do not share personal details with it as if it were DWP.",
    ),
    LookupResult.UNREADABLE: Sentence(
        LookupStatus.UNKNOWN,
        sanctioned=None,
        title="We cannot tell which account you mean",
        more="Paste the address of the account's profile, or its name as the platform shows it.",
    ),
    LookupResult.FROZEN: Sentence(
        LookupStatus.DO_NOT_RELY, sanctioned=None, title="Do not rely on this account at the moment"
    ),
}
_DWP = replace(_SENTENCES[LookupResult.SANCTIONED], title="Yes, this is an official DWP account")


def sentence_of(answer: Answer) -> Sentence:
    """Return the answer in words, the same for the page and the API."""
    if answer.result is LookupResult.SANCTIONED and answer.account_class is AccountClass.OFFICIAL:
        return _DWP
    return _SENTENCES[answer.result]
