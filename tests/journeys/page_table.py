"""The table of all pages, `pages.yaml`: where each of their states is checked."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

HERE = Path(__file__).parent
STATES = frozenset({"normal", "empty", "error", "long"})
COLOURS = "colours"
"""No state: where a page of casework is looked at in forced colours and without scripts, if not in its normal state."""


@dataclass(frozen=True, slots=True)
class Look:
    """A page in one of its states, to be opened; `who` is None without a sign-in."""

    page: str
    state: str
    who: str | None
    address: str
    says: str


@dataclass(frozen=True, slots=True)
class SeenElsewhere:
    """A page in one of its states, checked by the journey in `file`, which contains `text`."""

    page: str
    state: str
    file: str
    text: str

    @property
    def is_so(self) -> bool:
        return self.text in (HERE / self.file).read_text("utf-8")


def states_of_pages() -> Mapping[str, Mapping[str, str | list[str]]]:
    """Return the table as it is written: page → state → where."""
    found: Mapping[str, Mapping[str, str | list[str]]] = yaml.safe_load((HERE / "pages.yaml").read_text("utf-8"))
    return found


def looks() -> Iterator[Look]:
    """Yield the pages to open."""
    for page, states in states_of_pages().items():
        for state, entry in states.items():
            if isinstance(entry, list):
                who, address, says = entry
                yield Look(page, state, who, address, says)


def seen_elsewhere() -> Iterator[SeenElsewhere]:
    """Yield the pages that other journeys check."""
    for page, states in states_of_pages().items():
        for state, entry in states.items():
            if isinstance(entry, str) and entry.startswith("seen "):
                file, _, text = entry.removeprefix("seen ").partition(": ")
                yield SeenElsewhere(page, state, file, text)
