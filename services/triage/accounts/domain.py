"""What triage knows of an account."""

from dataclasses import dataclass
from typing import NamedTuple


class Handle(NamedTuple):
    """An account's name: a handle in the canonical form of its platform."""

    platform: str
    handle: str

    def __str__(self) -> str:
        return f"{self.platform}:{self.handle}"


@dataclass(frozen=True, slots=True)
class Account:
    """The class and status of a registered account."""

    account_class: str
    status: str
