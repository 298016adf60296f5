"""Identifiers: their form, how they are made, and how typing errors in them are found."""

import re
import secrets
from typing import NewType, Protocol, Self
from uuid import UUID

import uuid_utils.compat

from shared.text import ControlCharacter, line

ReportId = NewType("ReportId", UUID)
CaseId = NewType("CaseId", UUID)
AccountId = NewType("AccountId", UUID)
AlertId = NewType("AlertId", UUID)
StaffId = NewType("StaffId", str)

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford base32: no I, L, O or U, so that a reference can be read out loud."""

_CHECK_SYMBOLS = ALPHABET + "*~$=U"
_READ_ALOUD = str.maketrans("ILO", "110")
_DATA_SYMBOLS = 7
_TYPED = re.compile(r"(?:SP)?[ -]*(?P<head>[0-9A-TV-Z]{4})[ -]*(?P<tail>[0-9A-TV-Z]{4})(?:[ -]+(?P<link>[1-9][0-9]?))?")
_DASHES = re.compile("[\u2010-\u2015\u2043\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d]")
"""What phones, word processors and other keyboards write for a hyphen."""
_GROUP = 4
_FEWEST_BEGUN = 3
"""Symbols after `SP-` that few references have in common: three of them, one in 32,768."""
_BEGUN = re.compile(r"SP[ -]+(?P<rest>[0-9A-TV-Z]{0,4}[ -]*[0-9A-TV-Z]{0,4})")


def folded_id(staff_id: str) -> str:
    """Return a staff id or a subject as it is compared: `s7004` and `S7004` are one person.

    Lower case, as SQL's `lower()` makes it: indexes and joins compare with that, and `known_person` stores it.
    """
    return staff_id.strip().lower()


class InvalidReference(ValueError):
    """The text is not a reference: wrong shape, or its check symbol does not match."""


class Reference(str):
    """A report's public name: `SP-XXXX-XXXX`, seven symbols and a mod-37 check symbol.

    A linked case adds `-2`, `-3`, …. Only references whose check symbol is in the base alphabet are issued, so that
    none needs escaping in a URL.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a reference as a person types it: any case, spaces or dashes, O for 0, I and L for 1.

        Raises:
            InvalidReference: the shape is wrong or the check symbol does not match.
        """
        match = _TYPED.fullmatch(_upper(text))
        if match is None:
            raise InvalidReference
        symbols = (match["head"] + match["tail"]).translate(_READ_ALOUD)
        if _check_symbol(symbols[:-1]) != symbols[-1]:
            raise InvalidReference
        return cls._from_symbols(symbols, match["link"] or "")

    @classmethod
    def issue(cls, number: int) -> Self | None:
        """Return the reference of `number`, or None if its check symbol would need escaping."""
        symbols = "".join(ALPHABET[number >> shift & 31] for shift in range(5 * (_DATA_SYMBOLS - 1), -1, -5))
        check = _check_symbol(symbols)
        return cls._from_symbols(symbols + check, "") if check in ALPHABET else None

    def linked(self, number: int) -> "Reference":
        """Return the reference of the `number`th case of the same report (2 or more)."""
        return Reference(f"{self}-{number}")

    @classmethod
    def start(cls, text: str) -> str | None:
        """Return how the references begin that `text` may stand for: a reference, or `SP` and three symbols or more."""
        try:
            return cls.parse(text)
        except InvalidReference:
            match = _BEGUN.fullmatch(_upper(text))
        if match is None:
            return None
        symbols = re.sub("[ -]", "", match["rest"]).translate(_READ_ALOUD)
        if len(symbols) < _FEWEST_BEGUN:
            return None
        return f"SP-{symbols[:4]}" if len(symbols) <= _GROUP else f"SP-{symbols[:4]}-{symbols[4:]}"

    @classmethod
    def _from_symbols(cls, symbols: str, suffix: str) -> Self:
        return cls(f"SP-{symbols[:4]}-{symbols[4:]}" + (f"-{suffix}" if suffix else ""))


class ReceiptCode(str):
    """An anonymous reporter's secret: 20 Crockford symbols (100 bits) in groups of four. Stored only as a hash."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a receipt code as a person types it. Never fails: a wrong code matches nothing."""
        symbols = "".join(c for c in text.upper().translate(_READ_ALOUD) if c in ALPHABET)
        return cls("-".join(symbols[i : i + 4] for i in range(0, len(symbols), 4)))


class Ids(Protocol):
    """Makes new identifiers; an argument of every handler that creates something."""

    def uuid(self) -> UUID: ...

    def reference(self) -> Reference: ...

    def receipt_code(self) -> ReceiptCode: ...


class RandomIds:
    """UUIDv7 (RFC 9562) for rows and events; `secrets` for codes that must not be guessed."""

    def uuid(self) -> UUID:
        return uuid_utils.compat.uuid7()

    def reference(self) -> Reference:
        while True:
            if reference := Reference.issue(secrets.randbits(5 * _DATA_SYMBOLS)):
                return reference

    def receipt_code(self) -> ReceiptCode:
        return ReceiptCode.parse("".join(secrets.choice(ALPHABET) for _ in range(20)))


def _upper(text: str) -> str:
    try:
        return _DASHES.sub("-", line(text)).upper()
    except ControlCharacter:
        return ""


def _check_symbol(symbols: str) -> str:
    number = 0
    for symbol in symbols:
        number = number * 32 + ALPHABET.index(symbol)
    return _CHECK_SYMBOLS[number % 37]
