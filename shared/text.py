"""The text rule: how text is cleaned before it is stored. Pure.

A *line* (names, ids, addresses, handles, links, references, claims) is put into one spelling, so that two spellings of
one thing are equal. A *text* (narratives, notes, messages) is kept as it was written. Tokens, keys and codes are
neither, and are never cleaned. Unicode's `Default_Ignorable_Code_Point` says which marks are invisible (Unicode 15.0,
DerivedCoreProperties.txt).
"""

import re
import unicodedata

NULL = "\x00"
"""The only character that PostgreSQL cannot store."""
JOINERS = "\u200c\u200d"
"""They change how a name is written in Persian or Hindi, and which picture a sequence of emoji shows."""

_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_BLANK = "\u2800"
"""A Braille pattern without dots: a symbol for Unicode, but it looks like a space."""
_MARK = re.compile(f"[{_INVISIBLE}]")
_MARK_BUT_JOINER = re.compile(rf"(?![{JOINERS}])[{_INVISIBLE}]")
_JOINERS = re.compile(f"([{JOINERS}])[{JOINERS}]*")
_CONTROLS = r"\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
"""Control characters, except line ends and the tab, which pasted tables contain."""
_CONTROL = re.compile(f"[{_CONTROLS}]")
_VISIBLE = re.compile(rf"[^{_INVISIBLE}{_BLANK}{_CONTROLS}\s]")


class NothingVisible(ValueError):
    """A text has no visible character."""


class ControlCharacter(ValueError):
    """A text holds a control character. The message names the character, and nothing else of the text."""

    def __init__(self, character: str) -> None:
        super().__init__(f"U+{ord(character):04X}")


def line(given: str) -> str:
    """Return `given` as a line: NFC, spaces of any kind folded into one, no invisible mark.

    Raises:
        ControlCharacter: it holds one that is not a space.
    """
    return _folded(_MARK.sub("", refuse_control_characters(given)))


def name(given: str) -> str:
    """Return `given` as a line that keeps the joiners between two characters of a name.

    Raises:
        ControlCharacter: it holds one that is not a space.
    """
    words = _folded(_MARK_BUT_JOINER.sub("", refuse_control_characters(given))).split(" ")
    return _folded(_JOINERS.sub(r"\1", " ".join(word.strip(JOINERS) for word in words)))


def text(given: str) -> str:
    """Return `given` unchanged.

    Raises:
        ControlCharacter: it holds one that is neither a line end nor a tab.
        NothingVisible: it is empty, or has only spaces and invisible marks.
    """
    if is_blank(refuse_control_characters(given)):
        raise NothingVisible
    return given


def is_blank(given: str) -> bool:
    """Return whether `given` has no visible character."""
    return _VISIBLE.search(given) is None


def refuse_control_characters(given: str) -> str:
    """Return `given`.

    Raises:
        ControlCharacter: it holds one that is neither a line end nor a tab.
    """
    if found := _CONTROL.search(given):
        raise ControlCharacter(found[0])
    return given


def without_control_characters(given: str) -> str:
    """Return `given` without control characters, so that a page can show the rest again."""
    return _CONTROL.sub("", given)


def _folded(given: str) -> str:
    return unicodedata.normalize("NFC", " ".join(given.replace(_BLANK, " ").split()))
