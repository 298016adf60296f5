"""The text rule: how text is cleaned before it is stored. Pure.

A *line* (names, ids, addresses, handles, links, references, claims) is put into one spelling, so that two spellings of
one thing are equal. A *text* (narratives, notes, messages) is kept as it was written. Tokens, keys and codes are
neither, and are never cleaned. Unicode's `Default_Ignorable_Code_Point` says which marks are invisible (Unicode 15.0,
DerivedCoreProperties.txt).

How a size is written in words is here, too: domains and pages say it.
"""

import re
import unicodedata
from itertools import islice

JOINERS = "\u200c\u200d"
"""They change how a name is written in Persian or Hindi, and which picture a sequence of emoji shows."""

_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_BLANK = "\u2800"
"""A Braille pattern without dots: a symbol for Unicode, but it looks like a space."""
_MARK = re.compile(f"[{_INVISIBLE}]")
_NO_CHARACTERS = "\ufdd0-\ufdef\ufffe\uffff"
_SHAPE = re.compile(rf"[^{_INVISIBLE}{_BLANK}{_NO_CHARACTERS}\s]")
_MARK_BUT_JOINER = re.compile(rf"(?![{JOINERS}])[{_INVISIBLE}]")
_JOINERS = re.compile(f"([{JOINERS}])[{JOINERS}]*")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
"""Control characters, except line ends and the tab, which pasted tables contain; and surrogates, half characters."""
_CONTROL_NAMES = (
    *("NULL", "START OF HEADING", "START OF TEXT", "END OF TEXT", "END OF TRANSMISSION", "ENQUIRY", "ACKNOWLEDGE"),
    *("BELL", "BACKSPACE", "TAB", "LINE FEED", "LINE TABULATION", "FORM FEED", "CARRIAGE RETURN", "SHIFT OUT"),
    *("SHIFT IN", "DATA LINK ESCAPE", "DEVICE CONTROL ONE", "DEVICE CONTROL TWO", "DEVICE CONTROL THREE"),
    *("DEVICE CONTROL FOUR", "NEGATIVE ACKNOWLEDGE", "SYNCHRONOUS IDLE", "END OF TRANSMISSION BLOCK", "CANCEL"),
    *("END OF MEDIUM", "SUBSTITUTE", "ESCAPE", "FILE SEPARATOR", "GROUP SEPARATOR", "RECORD SEPARATOR"),
    "UNIT SEPARATOR",
)
"""Their names in Unicode's code charts: `unicodedata` has none for them."""
_ENOUGH = 1000
"""Accents of nothing, before a text without anything else is taken for blank."""
_NOTHING_TO_SEE = frozenset({"Mn", "Mc", "Me", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co"})
"""Kinds of character. Those that Python does not know yet (Cn) may be the newest emoji."""
_NAMES_OF_KINDS = {"Cc": "CONTROL CHARACTER", "Cs": "SURROGATE", "Co": "PRIVATE USE CHARACTER"}


def called(character: str) -> str:
    """Return what messages call a character that people may not see: `U+200B ZERO WIDTH SPACE`."""
    number = ord(character)
    known = _CONTROL_NAMES[number] if number < len(_CONTROL_NAMES) else unicodedata.name(character, None)
    return f"U+{number:04X} {known or _NAMES_OF_KINDS.get(unicodedata.category(character), 'UNASSIGNED')}"


class NothingVisible(ValueError):
    """A text has no visible character."""


class ControlCharacter(ValueError):
    """A text holds a control character. The message names the character, and nothing else of the text."""

    def __init__(self, character: str) -> None:
        super().__init__(called(character))


def line(given: str) -> str:
    """Return `given` as a line: NFC, spaces of any kind folded into one, no invisible mark.

    Raises:
        ControlCharacter: it holds one that is not a space.
    """
    if _is_plain(given):
        return " ".join(given.split())
    return _folded(_MARK.sub("", refuse_control_characters(given)))


def name(given: str) -> str:
    """Return `given` as a line that keeps the joiners between two characters of a name.

    Raises:
        ControlCharacter: it holds one that is not a space.
    """
    if _is_plain(given):
        return " ".join(given.split())
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
    """Return whether `given` has no visible character: only spaces, invisible marks, and accents of nothing."""
    if _is_plain(given):
        return not given.strip()
    shapes = (found[0] for found in islice(_SHAPE.finditer(given), _ENOUGH))
    return all(unicodedata.category(one) in _NOTHING_TO_SEE for one in shapes)


def is_invisible(character: str) -> bool:
    """Return whether a character is a space or an invisible mark; an accent is neither."""
    return not _SHAPE.match(character)


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


def _is_plain(given: str) -> bool:
    """Return whether there is nothing to clean but spaces: most lines are like that, and cost the least."""
    return given.isascii() and given.isprintable()


def _folded(given: str) -> str:
    return "" if is_blank(given) else unicodedata.normalize("NFC", " ".join(given.replace(_BLANK, " ").split()))


_UNITS = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


def size_in_words(size: int) -> str:
    """Return how large a file is, as people write it: `1 byte`, `640 bytes`, `123 kB`, `4.5 MB`, `100 MB`."""
    unit, name = next((one for one in _UNITS if size >= one[0]), (1, "byte" if size == 1 else "bytes"))
    return f"{size / unit:.{0 if name == 'kB' else 1}f}".removesuffix(".0") + f" {name}"
