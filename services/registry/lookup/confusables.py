"""Adapter to confusable-homoglyphs: what a handle looks like at a quick glance."""

import unicodedata

from confusable_homoglyphs import confusables

_ALIKE = (("rn", "m"), ("vv", "w"), ("cl", "d"), ("0", "o"), ("1", "l"), ("i", "l"), ("|", "l"), ("5", "s"))
_UNSEEN = frozenset("._- ")


def skeleton(text: str) -> str:
    """Return the same text for texts that look alike: homoglyphs, accents, `rn` for `m`, punctuation left out."""
    latin = "".join(_latin(character) for character in unicodedata.normalize("NFKD", text.casefold()))
    plain = "".join(character for character in latin.casefold() if character not in _UNSEEN)
    for seen, taken_for in _ALIKE:
        plain = plain.replace(seen, taken_for)
    return plain


def _latin(character: str) -> str:
    if character.isascii():
        return character
    if unicodedata.category(character) in {"Mn", "Cf"}:
        return ""
    found = confusables.is_confusable(character, preferred_aliases=["latin"], greedy=True)
    glyphs = [glyph["c"] for glyph in found[0]["homoglyphs"]] if found else []
    return next((glyph for glyph in glyphs if glyph.isascii()), character)
