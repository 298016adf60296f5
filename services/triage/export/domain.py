"""Who gets an export and why, and what of other people is masked in it. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from unicodedata import normalize
from uuid import UUID

from services.triage.reports.domain import Evidence, TriageReport
from services.triage.search.domain import plain
from shared.events import platforms
from shared.events.intake import Person
from shared.events.vocabulary import Relation, Scan
from shared.text import line, without_control_characters

LONGEST_REASON = 500
LONGEST_REFERENCE = 100
LONGEST_WORDS = 2_000
"""Characters of the further words to mask, one a line."""
MOST_OFFERED = 100
"""People's names, accounts and addresses that can be left visible; all further ones are masked."""
MOST_PIECES = 80
"""Pieces of evidence that one form lets choose from: the newest that may be opened."""
_SHORTEST_PART = 3
"""Letters of a part of a name that is masked alone."""


class Purpose(StrEnum):
    """Who gets the export."""

    POLICE = "police"
    PLATFORM = "platform"
    COURT = "court"
    PRINT = "print"
    """A responder, on paper."""


class Kind(StrEnum):
    """What a word says about a person."""

    NAME = "name"
    NUMBER = "staff number"
    ACCOUNT = "account"
    EMAIL = "email"
    CONTACT = "contact"
    WORD = "word"


class ExportTooLarge(Exception):
    """The documents are larger than one export may be."""


class CannotBePrinted(Exception):
    """No PDF can be made of the case within its limits."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word that says who someone is."""

    kind: Kind
    text: str = field(repr=False)
    who: str
    """Whose it is, by role."""
    affected: bool = False
    """Whether it is of the person affected, so that it stays visible unless someone says otherwise."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person chose for an export."""

    purpose: Purpose
    reason: str = field(repr=False)
    reference: str | None = field(repr=False)
    """The recipient's own."""
    visible: frozenset[str] | None = field(default=None, repr=False)
    """Words that stay visible; None: those of the person affected."""
    more: tuple[str, ...] = field(default=(), repr=False)
    """Further words to mask."""
    evidence: tuple[UUID, ...] = ()
    """Pieces of which the originals are included."""
    internal: bool = False
    """Whether it holds what the team wrote for itself: notes, reasons, tasks, support, and who was told."""

    def shows(self, one: Word) -> bool:
        """Return whether a word stays visible."""
        return one.affected if self.visible is None else one.text in self.visible


def offered(pieces: Iterable[Evidence]) -> Sequence[Evidence]:
    """Return the pieces of evidence that can be chosen, and none of those that are older than as many as a form has."""
    return [one for one in pieces if one.removed_at is None and one.scan != Scan.INFECTED][-MOST_PIECES:]


def mask_for(choice: Choice, words: Sequence[Word]) -> "Mask":
    """Return the mask of an export: of all words of people but those that stay visible, and of further ones."""
    further = [Word(Kind.WORD, text, "as the team chose") for text in choice.more]
    hidden = [one for one in words if not choice.shows(one)]
    return Mask([*further, *hidden], [one for one in words if choice.shows(one)])


def people_in(report: TriageReport, texts: Iterable[str], others: Iterable[Word] = ()) -> list[Word]:
    """Return the words of a report and of all else that was written that say who someone is, each once.

    Args:
        report: with its content.
        texts: what else was written about it, and links.
        others: of the people who worked on it.
    """
    own = any(person.relation == Relation.SELF for person in report.affected)
    found = [
        *_of_reporter(report, affected=own and report.confidentiality == "named"),
        *(word for person in report.affected for word in _of_person(person, "the person affected", affected=True)),
        *(word for person in report.accused for word in _of_person(person, "someone who may have done it")),
        *(Word(Kind.ACCOUNT, handle, "an account in the report") for handle in report.account_names),
    ]
    links = report.links
    found += [Word(Kind.ACCOUNT, handle, "an account in a link") for url in links if (handle := _account(url, report))]
    found += others
    for text in (*report.texts, *links, *texts):
        found += _in_text(text)
    return _each_once(found)


def _of_reporter(report: TriageReport, *, affected: bool) -> Iterator[Word]:
    for kind, text in (
        (Kind.NAME, report.reporter_name),
        (Kind.NUMBER, report.reporter_staff_id),
        (Kind.EMAIL, report.reporter_email),
        (Kind.CONTACT, report.safe_contact),
    ):
        if text and text.strip():
            yield Word(kind, text.strip(), "the reporter", affected)


def _of_person(person: Person, who: str, *, affected: bool = False) -> Iterator[Word]:
    texts = ((Kind.NAME, person.name), (Kind.NUMBER, person.staff_id), (Kind.ACCOUNT, person.handle))
    return (Word(kind, text.strip(), who, affected) for kind, text in texts if text and text.strip())


def _account(url: str, report: TriageReport) -> str | None:
    known = platforms.from_url(url, report.platform) or platforms.from_url(url, platforms.ON_ANY_SERVER)
    return known[1] if known else None


_LONGEST_LOCAL_PART = 64
"""Of an email address (RFC 5321)."""
_DOMAIN = re.compile(r"@[\w-]+(?:\.[\w-]+)+")
_LOCAL_PART_BACKWARDS = re.compile(r"[\w.+%'-]+")
_HANDLE = re.compile(r"(?<![\w@./])@[\w.]*\w(?:@[\w-]+(?:\.[\w-]+)+)?")


def _in_text(text: str) -> Iterator[Word]:
    cleaned = line(without_control_characters(text)) if "@" in text else ""
    for domain in _DOMAIN.finditer(cleaned):
        before = cleaned[max(0, domain.start() - _LONGEST_LOCAL_PART) : domain.start()]
        if local := _LOCAL_PART_BACKWARDS.match(before[::-1]):
            yield Word(Kind.EMAIL, local[0][::-1] + domain[0], "an address in a text")
    for found in _HANDLE.findall(cleaned):
        yield Word(Kind.ACCOUNT, found, "an account in a text")


def _each_once(words: Iterable[Word]) -> list[Word]:
    """Return each word once, however it is spelled; what is the affected person's stays theirs."""
    found: dict[_Key, Word] = {}
    for one in words:
        key = _key(one.text)
        if key and (key not in found or (one.affected and not found[key].affected)):
            found[key] = one
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Masked:
    """What stands for a word, and how often it did."""

    label: str
    kind: Kind
    who: str
    times: int


_Key = tuple[str, ...]
"""The words of a name, an account or an address as they are compared."""
_ALONE = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
"""Letters of languages that put no spaces between words: each is compared by itself."""
_WITHIN = (
    "\u00ad\u0300-\u036f\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0900-\u0963\u0966-\u0dff"
    "\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff"
)
"""What stands within a word: accents, signs of vowels, and marks that no one sees."""
_HYPHENS = "\u2010-\u2015-"
_WORDS = re.compile(f"[{_ALONE}]|[^\\W{_ALONE}](?:(?![{_ALONE}])[\\w{_WITHIN}])*|[^\\s'’‘ʼ`{_HYPHENS}]")
"""The words of a text, and all other characters but spaces, apostrophes and hyphens. In one pass."""
_MOST_WORDS = 40
"""Words that are compared at once: what is longer is masked in parts, so that a text takes one pass."""


@dataclass(slots=True)
class _Node:
    """What may follow the words so far, and what is masked if nothing does."""

    following: dict[str, "_Node"] = field(default_factory=dict)
    index: int | None = None


class Mask:
    """Puts a label in the place of each masked word, and counts how often.

    Words are compared as the search does, without accents, capitals and apostrophes. However many are masked, a text
    is read once.
    """

    def __init__(self, words: Sequence[Word], visible: Iterable[Word] = ()) -> None:
        """Take what is masked, and what stays visible: a part of a name that both have in common stays visible."""
        kept = {key for one in visible for key in (_key(one.text), *_parts(one))}
        numbers: Counter[Kind] = Counter()
        self._words = list(words)
        self._labels: list[str] = []
        self._times: Counter[int] = Counter()
        self._first = _Node()
        self._compared: dict[str, str] = {}
        for index, one in enumerate(words):
            numbers[one.kind] += 1
            self._labels.append(f"[{one.kind} {numbers[one.kind]}]")
            for key in (_key(one.text), *(part for part in _parts(one) if part not in kept)):
                self._add(key, index)

    def __call__(self, text: str) -> str:
        """Return a text without the masked words."""
        composed = normalize("NFC", text)
        if not self._first.following:
            return composed
        found = [(self._as_compared(one[0]), *one.span()) for one in _WORDS.finditer(composed)]
        found = [one for one in found if one[0]]
        return "".join(self._pieces(composed, found))

    @property
    def masked(self) -> list[Masked]:
        """Return what was masked, in the order of the words."""
        pairs = enumerate(zip(self._labels, self._words, strict=True))
        return [Masked(label, word.kind, word.who, self._times[index]) for index, (label, word) in pairs]

    def _add(self, key: _Key, index: int) -> None:
        for begin in range(0, len(key), _MOST_WORDS):
            node = self._first
            for word in key[begin : begin + _MOST_WORDS]:
                node = node.following.setdefault(word, _Node())
            if node.index is None:
                node.index = index

    def _as_compared(self, word: str) -> str:
        if word not in self._compared:
            self._compared[word] = plain(word)
        return self._compared[word]

    def _pieces(self, text: str, found: Sequence[tuple[str, int, int]]) -> Iterator[str]:
        """Yield the text with a label in the place of each masked word, and of the sign of an account before it."""
        position, copied = 0, 0
        while position < len(found):
            sign = found[position][0] == "@"
            end, index = self._longest(found, position + sign)
            if index is not None:
                self._times[index] += 1
                yield text[copied : found[position][1]]
                yield self._labels[index]
                copied = found[end - 1][2]
            position = max(end, position + 1)
        yield text[copied:]

    def _longest(self, found: Sequence[tuple[str, int, int]], begin: int) -> tuple[int, int | None]:
        """Return where the longest masked word that begins there ends, and which it is; None if none does."""
        node, end, index = self._first, begin, None
        for position in range(begin, len(found)):
            following = node.following.get(found[position][0])
            if following is None:
                break
            node = following
            if node.index is not None:
                end, index = position + 1, node.index
        return end, index


def _key(text: str) -> _Key:
    """Return a word as it is looked for, without the sign of an account."""
    words = (plain(one) for one in _WORDS.findall(normalize("NFC", text).strip().lstrip("@")))
    return tuple(one for one in words if one)


def _parts(word: Word) -> Iterator[_Key]:
    """Yield the parts of a name that say who it is by themselves, and what is written without a space or a sign."""
    if word.kind is not Kind.NAME:
        return
    whole = word.text.split()
    hyphened = [part for one in whole for part in re.split(f"[{_HYPHENS}]", one)]
    for part in (*whole, *hyphened):
        key = _key(part.strip(".,'’()"))
        if sum(map(len, key)) >= _SHORTEST_PART:
            yield key
            yield ("".join(key),)
    yield ("".join(_key(word.text)),)
