"""Decides who a person named on a report may be. Pure; every service that keeps suspects from a case uses it.

It errs towards yes: a wrong yes skips a recipient, a wrong no alerts the person who did it.

`keys_of_named` and `keys_of_member` are `may_be` for a database: wherever it says yes, the two have a key in common.
They may also meet where it says no: two words in common are enough.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import combinations

from shared.events.intake import Person

_ADDRESS = re.compile(r"[^\s@]+@[^\s@]+")
_WORDS = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_LONGEST_NAME = 6
"""A text with more words is a sentence, and each of its words may be a name."""
_APOSTROPHES = re.compile(r"['\u2018\u2019\u02bc`\u00b4]")
_NOT_DECOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "\u2010": "-", "\u2011": "-"}
)
_TITLE = re.compile(
    "mr|mrs|ms|miss|mx|mister|madam|dr|prof|professor|sir|dame|lord|lady|baron|baroness|rev|reverend|hon"
    "|jr|sr|obe|mbe|cbe|kcb|phd"
)


def may_be(*, staff_id: str | None, name: str | None, email: str | None, person: Person) -> bool:
    """Return whether `person`, as a report names them, may be the person with this staff id, name or address.

    Args:
        staff_id: their staff id in the directory.
        name: their name; if it is None, it is read from their address (`grace.okafor@` is Grace Okafor).
        email: their address, in upper or lower case.
        person: a person named on a report: any field may hold a name, an address, a staff id or a handle.
    """
    texts = [folded(text) for text in (person.name, person.staff_id, person.handle) if text]
    if staff_id and any(_says_staff_id(text, folded(staff_id)) for text in texts):
        return True
    addresses = [address for text in texts for address in addresses_in(text)]
    if email and any(same_address(address, email) for address in addresses):
        return True
    name = name or (spelled_by(folded(email)) if email else None)
    if not name:
        return False
    said = [person.name or "", *(spelled_by(address) for address in addresses)]
    return any(_same_person(words, name) for words in said) or _handle_spells(person.handle, name)


def addresses_in(text: str) -> list[str]:
    """Return the addresses in a folded text."""
    return _ADDRESS.findall(text.replace("mailto:", "").lstrip("@"))


def same_address(one: str, other: str) -> bool:
    """Return whether two addresses may belong to one person: ignores order of parts, +tag, numbers and domain."""
    ours, theirs = folded(one).lstrip("@"), folded(other).lstrip("@")
    if _without_tag(ours) == _without_tag(theirs):
        return True
    parts = frozenset(_LETTERS.findall(local_part(ours)))
    return len(parts) > 1 and parts == frozenset(_LETTERS.findall(local_part(theirs)))


def folded(text: str) -> str:
    """Return `text` for comparison: without accents, capitals or surrounding space."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(c for c in parts if not unicodedata.combining(c)).translate(_NOT_DECOMPOSED).strip()


def name_words(name: str) -> tuple[str, ...]:
    """Return the words of a name for comparison, in order, without titles."""
    words = _WORDS.findall(_APOSTROPHES.sub("", folded(name)))
    return tuple(word for word in words if not _TITLE.fullmatch(word))


def _same_person(said: str, name: str) -> bool:
    """Return whether two names match: by surname, by one's words within the other in any order, or by initials."""
    ours, theirs = name_words(said), name_words(name)
    if surnames(name) & frozenset(ours) or surnames(said) & surnames(name):
        return True
    shorter, longer = sorted((ours, theirs), key=len)
    if len("".join(shorter)) < 2:  # noqa: PLR2004 -- a single letter is no name
        return False
    return all(any(_stands_for(word, other) for other in longer) for word in shorter)


def _stands_for(word: str, other: str) -> bool:
    return word == other or (1 in (len(word), len(other)) and word[0] == other[0])


def surnames(name: str) -> frozenset[str]:
    """Return the words of the last name: the part before a comma, or the last word with its hyphens."""
    before, comma, _ = name.partition(",")
    if comma and name_words(before):
        return frozenset(word for word in name_words(before) if len(word) > 1)
    parts = [words for part in folded(name).split() if (words := name_words(part))]
    return frozenset(word for word in (parts[-1] if parts else ()) if len(word) > 1)


def _handle_spells(handle: str | None, name: str) -> bool:
    """Return whether a handle spells the whole name: `@Grace_Okafor`, `graceokafor1`, `okafor.grace`."""
    if not handle:
        return False
    text, words = folded(handle), frozenset(name_words(name))
    said = frozenset(name_words(text)) | frozenset(_LETTERS.findall(text))
    joined = "".join(_LETTERS.findall(text))
    ordered = name_words(name)
    return len(words) > 1 and (words <= said or joined in ("".join(ordered), "".join(reversed(ordered))))


def _says_staff_id(text: str, staff_id: str) -> bool:
    return bool(staff_id) and (text == staff_id or staff_id in _WORDS.findall(text))


def spelled_by(address: str) -> str:
    """Return the name that an address spells."""
    return " ".join(_LETTERS.findall(local_part(address)))


def local_part(address: str) -> str:
    """Return the part before the @, without a +tag."""
    return address.partition("@")[0].partition("+")[0]


def _without_tag(address: str) -> str:
    return f"{local_part(address)}@{address.partition('@')[2]}"


def keys_of_named(person: Person) -> frozenset[str]:
    """Return the keys of a person named on a report."""
    texts = [folded(text) for text in (person.name, person.staff_id, person.handle) if text]
    keys = {f"id:{one}" for text in texts for one in (text, *_WORDS.findall(text))}
    addresses = [address for text in texts for address in addresses_in(text)]
    keys.update(key for address in addresses for key in _address_keys(address))
    names = [person.name or "", *map(spelled_by, addresses)]
    if person.staff_id and not any(c.isdigit() for c in person.staff_id):
        names.append(person.staff_id)
    keys.update(key for name in names for key in _said_name_keys(name_words(name)))
    if person.handle:
        keys.update(_handle_keys(folded(person.handle)))
    return frozenset(keys)


def keys_of_member(*, staff_id: str | None, name: str | None, email: str | None) -> frozenset[str]:
    """Return the keys of a member of staff with this staff id, name and address."""
    keys = set(identity_keys(staff_id=staff_id, email=email))
    name = name or (spelled_by(folded(email)) if email else "")
    words = name_words(name)
    keys.update(f"surname:{word}" for word in surnames(name))
    keys.update(f"joined:{''.join(order)}" for order in (words, words[::-1]) if len(words) > 1)
    for some in (words, _without_repeats(words)):
        keys.update(f"alone:{mark}" for word in some for mark in _asking(word))
        keys.update(_pairs([_asking(word) for word in some]))
        if len(some) == 1:
            keys.update(f"any:{mark}" for mark in _asking(some[0]))
    return frozenset(keys)


def identity_keys(*, staff_id: str | None, email: str | None) -> frozenset[str]:
    """Return the keys that identify one person for certain, and not a namesake."""
    keys = {f"id:{folded(staff_id)}"} if staff_id else set()
    return frozenset(keys.union(_address_keys(folded(email)) if email else ()))


def _said_name_keys(words: Sequence[str]) -> Iterable[str]:
    yield from (f"surname:{word}" for word in words)
    yield from (f"any:{mark}" for word in words for mark in _named(word))
    letters = sorted({word for word in words if len(word) == 1})
    yield from _pairs([_named(letter) for letter in letters for _ in range(2)])
    if len(words) > _LONGEST_NAME:
        yield from (f"alone:{mark}" for word in words if len(word) > 1 for mark in _named(word))
        return
    yield from _pairs([_named(word) for word in words])
    short = _without_repeats(words)
    if len(short) == 1 and len("".join(words)) > 1:
        yield from (f"alone:{mark}" for mark in _named(short[0]))


def _handle_keys(handle: str) -> Iterable[str]:
    letters = _LETTERS.findall(handle)
    yield f"joined:{''.join(letters)}"
    words = sorted({*name_words(handle), *letters})
    if len(words) > 2 * _LONGEST_NAME:
        yield from _said_name_keys(words)
        return
    yield from _pairs([(f"={word}",) for word in words])


def _address_keys(address: str) -> Iterable[str]:
    address = address.lstrip("@")
    yield f"at:{local_part(address)}@{address.partition('@')[2]}"
    parts = sorted(set(_LETTERS.findall(local_part(address))))
    if len(parts) > 1:
        yield f"parts:{'.'.join(parts)}"


def _without_repeats(words: Sequence[str]) -> tuple[str, ...]:
    """Return each word once, without initials of other words."""
    longer = {word[0] for word in words if len(word) > 1}
    return tuple(word for word in dict.fromkeys(words) if len(word) > 1 or word not in longer)


def _named(word: str) -> tuple[str, str]:
    """Return the marks of a word in a report: one is also in `_asking`'s if one word may stand for the other."""
    return f"={word}", f"{'initial' if len(word) == 1 else 'full'} {word[0]}"


def _asking(word: str) -> tuple[str, str]:
    return f"={word}", f"{'full' if len(word) == 1 else 'initial'} {word[0]}"


def _pairs(words: Sequence[tuple[str, ...]]) -> Iterable[str]:
    for one, other in combinations(words, 2):
        yield from ("pair:" + "|".join(sorted((a, b))) for a in one for b in other)
