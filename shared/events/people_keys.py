"""`may_be` for a database: keys of a person named on a report and of a member of staff; one in common means yes.

Wherever `people.may_be` says yes the keys meet. They may also meet where it says no: two words in common are enough.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import combinations

from shared.events.parts import Person
from shared.events.people import addresses_in, folded, local_part, name_words, spelled_by, surnames

_WORDS = re.compile(r"[^\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")
_LONGEST_NAME = 6
"""What has more words is a sentence: each of its words may be a name."""


def keys_of_named(person: Person) -> frozenset[str]:
    """Return the keys of a person as a report names them."""
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
    """Return the keys that identify a person for certain: no namesake has them."""
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
    """Return the words once each, and no initial of another one."""
    longer = {word[0] for word in words if len(word) > 1}
    return tuple(word for word in dict.fromkeys(words) if len(word) > 1 or word not in longer)


def _named(word: str) -> tuple[str, str]:
    """Return the marks of a word that was said: they meet `_asking`'s where one word may stand for the other."""
    return f"={word}", f"{'initial' if len(word) == 1 else 'full'} {word[0]}"


def _asking(word: str) -> tuple[str, str]:
    return f"={word}", f"{'full' if len(word) == 1 else 'initial'} {word[0]}"


def _pairs(words: Sequence[tuple[str, ...]]) -> Iterable[str]:
    for one, other in combinations(words, 2):
        yield from ("pair:" + "|".join(sorted((a, b))) for a in one for b in other)
