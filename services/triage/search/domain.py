"""What can be found of a case, and what someone looks for. Pure.

A case has one document: its words, in four weights by where they stand, and *marks*, which are exact: people, accounts,
links and files in one spelling, who may see the case, and how new it is. PostgreSQL's parser never makes a word that
begins with `=`, so marks and words do not meet.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from shared.addresses import canonical_link
from shared.events import platforms
from shared.events.people import addresses_in, folded, name_words
from shared.ids import InvalidReference, Reference
from shared.text import line, without_control_characters


class Part(StrEnum):
    """Where something is found."""

    REPORT = "report"
    MESSAGE = "message"
    """What the reporter and the team wrote to one another."""
    NOTE = "note"
    """What the team noted for itself."""
    OUTCOME = "outcome"
    NAME = "name"
    ACCOUNT = "account"
    LINK = "link"
    FILE = "file"


WEIGHTS: Mapping[Part, str] = {Part.REPORT: "A", Part.MESSAGE: "B", Part.NOTE: "C", Part.OUTCOME: "D"}
"""PostgreSQL's weights of the words of each part."""
MARKS: Mapping[Part, str] = {Part.NAME: "=n:", Part.ACCOUNT: "=a:", Part.LINK: "=l:", Part.FILE: "=f:"}
"""How the marks of each other part begin."""
NEWEST = 1_000
"""How many matches are ranked: the newest that a person may see."""
LONGEST = 500
"""Characters of what someone types."""
MOST_TERMS = 12
"""Words and phrases of a search; further ones are left out."""
SEARCHES_KEPT = timedelta(days=365)
"""How long it is known who searched, for questions about misuse of the search. Our choice; the privacy page says it."""
_BYTES: Mapping[Part, int] = {Part.REPORT: 50_000, Part.MESSAGE: 50_000, Part.NOTE: 40_000, Part.OUTCOME: 10_000}
"""How much of each part can be found. PostgreSQL takes a megabyte of words for a document, each word in two forms."""
_MOST_MARKS = 500
_LONGEST_MARK = 200
_QUOTES = str.maketrans("“”„‟«»", '""""""')
_APOSTROPHES = str.maketrans("‘’ʼ`", "''''")
_TERM = re.compile(r'"([^"]*)"?|(\S+)')
_CURSOR = re.compile(r"([0-9]{1,18})\.([0-9]{1,4})?")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PIECES = re.compile(r"[^\W_]+")
_AROUND = "()[]{}<>\"'.,;:!?*|"
"""What stands beside a link in a sentence."""


def plain(text: str) -> str:
    """Return a text as it is compared: no accents, capitals, invisible marks or control characters."""
    cleaned = line(without_control_characters(text))
    return cleaned.lower() if cleaned.isascii() else folded(cleaned).translate(_APOSTROPHES)


@dataclass(frozen=True, slots=True)
class Document:
    """What can be found of one case."""

    words: Mapping[Part, str]
    marks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Source:
    """What a document is made of."""

    texts: Mapping[Part, Sequence[str]]
    """In the order in which they are kept if there is too much."""
    names: Iterable[str]
    """Names, staff ids and email addresses of the people that the report names."""
    accounts: Iterable[str]
    """As written."""
    canonical: Iterable[tuple[str, str]]
    """Platform and canonical handle."""
    links: Iterable[str]
    files: Iterable[str]
    """Their SHA-256, in hexadecimal."""


def document(source: Source, more: Iterable[str] = ()) -> Document:
    """Return the document of a case; `more` are marks of who may see it and how new it is."""
    words = {part: _kept(map(plain, source.texts.get(part, ())), most) for part, most in _BYTES.items()}
    found = [
        *(mark for name in source.names for mark in _name_marks(name)),
        *(mark for account in source.accounts for mark in _account_marks(plain(account))),
        *(mark for pair in source.canonical for mark in _handle_marks(*pair)),
        *(mark for link in source.links for mark in _link_marks(link)),
        *(mark for text in words.values() for link in links_in(text) for mark in _link_marks(link)),
        *(f"{MARKS[Part.FILE]}{sha256}" for sha256 in source.files),
    ]
    return Document(words, frozenset([*list(dict.fromkeys(found))[:_MOST_MARKS], *more]))


def links_in(text: str) -> Iterator[str]:
    """Yield the links in a text."""
    for word in text.split():
        bare = word.strip(_AROUND)
        host, slash, _ = bare.partition("/")
        if "://" in bare or bare.startswith("www.") or (slash and "." in host):
            yield bare


@dataclass(frozen=True, slots=True)
class Term:
    """One word or phrase that a case must have: as words in a row, or as any of the marks."""

    words: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sought:
    """What someone looks for: a case must have each term."""

    terms: tuple[Term, ...]
    reference: str | None = None
    """If it is a whole reference and nothing else."""
    begins: str | None = None
    """How the references begin that it may stand for."""

    @classmethod
    def read(cls, text: str) -> "Sought":
        """Read what someone typed: words, and phrases in quotes."""
        typed = line(without_control_characters(text))[:LONGEST].translate(_QUOTES)
        found = [(match[1] is not None, (match[1] or match[2] or "").strip()) for match in _TERM.finditer(typed)]
        terms = [_term(said, phrase=phrase) for phrase, said in found if said]
        return cls(tuple(dict.fromkeys(terms))[:MOST_TERMS], _reference(typed), Reference.start(typed))


def _term(said: str, *, phrase: bool) -> Term:
    word = plain(said)
    if phrase and " " in word:
        return Term(word, tuple(_phrase_marks(word)))
    return Term(word, tuple(dict.fromkeys(_word_marks(word))))


def _reference(text: str) -> str | None:
    try:
        return Reference.parse(text)
    except InvalidReference:
        return None


def _phrase_marks(text: str) -> Iterator[str]:
    yield _mark(Part.NAME, "".join(name_words(text)))
    yield _mark(Part.ACCOUNT, text)


def _word_marks(word: str) -> Iterator[str]:
    if _SHA256.fullmatch(word):
        yield _mark(Part.FILE, word)
    bare = word.strip(_AROUND)
    if "." in bare and (link := canonical_link(bare) or _site(bare)):
        yield _mark(Part.LINK, link.lower())
    if "." in bare and (pair := platforms.from_url(bare)):
        yield _mark(Part.ACCOUNT, "/".join(pair).lower())
    yield _mark(Part.NAME, bare)
    if joined := "".join(name_words(bare)):
        yield _mark(Part.NAME, joined)
    if handle := word.strip("@/"):
        yield _mark(Part.ACCOUNT, handle)


def _name_marks(name: str) -> Iterator[str]:
    text = plain(name)
    words = name_words(text)
    pieces = (text, *addresses_in(text), *words, "".join(words), "".join(reversed(words)))
    yield from (_mark(Part.NAME, piece) for piece in pieces if piece)


def _account_marks(text: str) -> Iterator[str]:
    bare = text.strip("@/ ")
    if platforms.is_address(bare):
        yield from _link_marks(bare)
    yield from _spelled(bare)


def _handle_marks(platform: str, handle: str) -> Iterator[str]:
    yield _mark(Part.ACCOUNT, f"{platform}/{handle}".lower())
    yield from _spelled(handle.lower())


def _spelled(account: str) -> Iterator[str]:
    pieces = (account, account.partition("@")[0], *_PIECES.findall(account))
    yield from (_mark(Part.ACCOUNT, piece) for piece in pieces if piece)


def _link_marks(link: str) -> Iterator[str]:
    yield from (_mark(Part.LINK, key.lower()) for key in (canonical_link(link), _site(link)) if key)
    if pair := platforms.from_url(link):
        yield from _handle_marks(*pair)


def _site(link: str) -> str | None:
    """Return the host of a link, as it is compared; None if it is no link."""
    page = canonical_link(f"{link.rstrip('/')}/page")
    return page.partition("/")[0] if page else None


def _mark(part: Part, text: str) -> str:
    return MARKS[part] + (text if len(text) <= _LONGEST_MARK else hashlib.sha256(text.encode()).hexdigest())


def _kept(texts: Iterable[str], most: int) -> str:
    return "\n".join(texts).encode()[:most].decode(errors="ignore")


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of results begins: after so many of the ranked ones or, without a number, with older ones by date.

    `below` is the number under which documents are looked at, so that cases which arrive meanwhile move no result.
    """

    below: int
    after: int | None

    def __str__(self) -> str:
        return f"{self.below}." + ("" if self.after is None else str(self.after))

    @classmethod
    def read(cls, text: str) -> "Cursor | None":
        """Read a cursor from a URL; None if it is none of ours."""
        found = _CURSOR.fullmatch(text)
        return cls(int(found[1]), int(found[2]) if found[2] else None) if found else None


# Who may see a case, and how new it is.


def seen_in(team: str, *, restricted: bool, named: Iterable[str]) -> Iterator[str]:
    """Yield the marks of who may see a case: its team or, if it is restricted, the team's leads and people by name.

    They only narrow a search down: the case itself says who may see it.
    """
    yield f"=r:{team}" if restricted else f"=t:{team}"
    yield from (f"=w:{person}" for person in named)


def may_see(subject: str, teams: Iterable[str], leads: Iterable[str]) -> list[str]:
    """Return the marks of which a case has one if a person may see it."""
    return [*(f"=t:{team}" for team in sorted(teams)), *(f"=r:{team}" for team in sorted(leads)), f"=w:{subject}"]


LEVELS = 13
_SMALLEST = 11
"""Documents are numbered as cases arrive. A window of level n is two blocks of 2,048 × 2ⁿ numbers."""
_SPARE = 1.3
"""By how much a window is taken larger than the last one promises, so that few searches miss by a little."""


def windows_of(number: int) -> Iterator[str]:
    """Yield the marks of the blocks that a document's number lies in."""
    yield from (f"={level}:{number >> _shift(level)}" for level in range(LEVELS))


def window(level: int, top: int) -> list[str]:
    """Return the marks of the newest documents up to number `top`; none where these are all documents."""
    block = top >> _shift(level)
    return [f"={level}:{one}" for one in (block, block - 1)] if level < LEVELS and block > 1 else []


def next_level(level: int, found: int, wanted: int) -> int:
    """Return the level at which there should be `wanted` matches, if they are spread evenly, after `found` in this."""
    missing = _SPARE * wanted / max(found, 1)
    return min(level + max(1, math.ceil(math.log2(missing))), LEVELS)


def _shift(level: int) -> int:
    return _SMALLEST + level


def in_tsquery(marks: Iterable[str]) -> str:
    """Return the words of a tsquery that any of `marks` matches."""
    return " | ".join(map(quoted, marks))


def quoted(lexeme: str) -> str:
    """Return a lexeme as PostgreSQL reads it in a tsvector or tsquery."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"
