"""Who gets an export and why, and what of other people is masked in it. Pure."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from unicodedata import normalize
from uuid import UUID

from services.triage.reports.domain import TriageReport
from shared.events import platforms
from shared.events.intake import Person
from shared.events.vocabulary import Relation

LONGEST_REASON = 500
LONGEST_REFERENCE = 100
LONGEST_WORDS = 2_000
"""Characters of the further words to mask, one a line."""
MOST_OFFERED = 100
"""People's names, accounts and addresses that can be left visible; all further ones are masked."""
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


def mask_for(choice: Choice, words: Sequence[Word]) -> "Mask":
    """Return the mask of an export: of all words of people but those that stay visible, and of further ones."""
    further = [Word(Kind.WORD, text, "as the team chose") for text in choice.more]
    hidden = [one for one in words if not choice.shows(one)]
    return Mask([*further, *hidden], [one for one in words if choice.shows(one)])


def people_in(report: TriageReport, texts: Iterable[str]) -> list[Word]:
    """Return the words of a report and of all else that was written that say who someone is, each once.

    Args:
        report: with its content.
        texts: what else was written about it, and links.
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


_EMAIL = re.compile(r"[\w.+%'-]+@[\w-]+(?:\.[\w-]+)+")
_HANDLE = re.compile(r"(?<![\w@./])@[\w.]*\w(?:@[\w-]+(?:\.[\w-]+)+)?")


def _in_text(text: str) -> Iterator[Word]:
    for found in _EMAIL.findall(text):
        yield Word(Kind.EMAIL, found, "an address in a text")
    for found in _HANDLE.findall(text):
        yield Word(Kind.ACCOUNT, found, "an account in a text")


def _each_once(words: Iterable[Word]) -> list[Word]:
    """Return each word once, however it is spelled; what is the affected person's stays theirs."""
    found: dict[str, Word] = {}
    for one in words:
        key = _bare(one.text).lower()
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


class Mask:
    """Puts a label in the place of each masked word, and counts how often."""

    def __init__(self, words: Sequence[Word], visible: Iterable[Word] = ()) -> None:
        """Take what is masked, and what stays visible: a part of a name that both have in common stays visible."""
        kept = {part.lower() for one in visible for part in (_bare(one.text), *_parts(one))}
        numbers: Counter[Kind] = Counter()
        spelled: dict[str, int] = {}
        self._words = list(words)
        self._labels: list[str] = []
        self._times: Counter[int] = Counter()
        for index, one in enumerate(words):
            numbers[one.kind] += 1
            self._labels.append(f"[{one.kind} {numbers[one.kind]}]")
            for text in (_bare(one.text), *(part for part in _parts(one) if part.lower() not in kept)):
                if text:
                    spelled.setdefault(text.lower(), index)
        longest = sorted(spelled, key=len, reverse=True)
        self._groups = [spelled[text] for text in longest]
        alternatives = "|".join(f"({_spaced.join(map(re.escape, text.split()))})" for text in longest)
        self._pattern = re.compile(rf"(?<!\w)@?(?:{alternatives})(?!\w)", re.IGNORECASE) if longest else None

    def __call__(self, text: str) -> str:
        """Return a text without the masked words."""
        composed = normalize("NFC", text)
        return self._pattern.sub(self._label, composed) if self._pattern else composed

    def all(self, content: Any) -> Any:  # noqa: ANN401 - JSON, whose shape stays as it is
        """Return JSON with every text in it masked."""
        if isinstance(content, str):
            return self(content)
        if isinstance(content, Mapping):
            return {name: self.all(value) for name, value in content.items()}
        if isinstance(content, Sequence):
            return [self.all(value) for value in content]
        return content

    @property
    def masked(self) -> list[Masked]:
        """Return what was masked, in the order of the words."""
        pairs = enumerate(zip(self._labels, self._words, strict=True))
        return [Masked(label, word.kind, word.who, self._times[index]) for index, (label, word) in pairs]

    def _label(self, found: re.Match[str]) -> str:
        index = self._groups[(found.lastindex or 1) - 1]
        self._times[index] += 1
        return self._labels[index]


_spaced = r"\s+"


def _bare(text: str) -> str:
    """Return a word as it is looked for: composed, without the sign of an account, with single spaces."""
    return " ".join(normalize("NFC", text).split()).lstrip("@")


def _parts(word: Word) -> Collection[str]:
    """Return the parts of a name that say who it is by themselves."""
    if word.kind is not Kind.NAME:
        return ()
    parts = [part.strip(".,'’()") for part in _bare(word.text).split()]
    return [part for part in parts if len(part) >= _SHORTEST_PART]
