"""Canaries: words that occur nowhere else; each is typed in one place and searched for everywhere."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

CANARY = "CANARY"
_WORD = re.compile(r"zq\d{5}qz")


class Canaries:
    """Hands out words and remembers where each was typed."""

    def __init__(self) -> None:
        self._typed: dict[str, str] = {}

    def new(self, where: str) -> str:
        """Return a word that was never used before."""
        word = f"zq{len(self._typed):05}qz"
        self._typed[word] = where
        return word

    def in_text(self, text: str | bytes) -> set[str]:
        """Return the words that `text` contains, in any case and also in PostgreSQL's notation for bytes."""
        plain = text.decode("latin-1") if isinstance(text, bytes) else text
        return {word for word in _words(plain.lower()) if word in self._typed}

    def typed(self, words: set[str]) -> Sequence[str]:
        """Return where `words` were typed."""
        return sorted({self._typed[word] for word in words})


def _words(text: str) -> Iterator[str]:
    yield from _WORD.findall(text)
    if "7a71" in text:
        yield from (bytes.fromhex(found).decode() for found in re.findall(r"7a71(?:3\d){5}717a", text))


def filled(written: Any, where: str, new: Callable[[str], str]) -> Any:  # noqa: ANN401 - JSON
    """Return `written` with a new word for each `CANARY`, also inside a text."""
    if isinstance(written, Mapping):
        return {name: filled(value, f"{where} {name}", new) for name, value in written.items()}
    if isinstance(written, list):
        return [filled(value, where, new) for value in written]
    return written.replace(CANARY, new(where)) if isinstance(written, str) and CANARY in written else written
