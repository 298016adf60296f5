"""What responders type on a case page, read and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from services.triage.cases.access import QUEUES
from services.triage.cases.queries import Changed
from shared.events.vocabulary import Outcome, Team
from shared.web.forms import FormErrors, refuse_null_characters

LONGEST_TEXT = 10_000
_LONGEST_VERSION = 9
_STAFF_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
E = TypeVar("E", bound=StrEnum)


class Action(StrEnum):
    """What the buttons of a case page do."""

    CLAIM = "claim"
    RELEASE = "release"
    START = "start"
    NOTE = "note"
    SHARE = "share"
    ASK = "ask"
    TRANSFER = "transfer"
    RESOLVE = "resolve"
    CLOSE = "close"
    REOPEN = "reopen"
    EXEMPT = "exempt"
    NOT_EXEMPT = "not-exempt"
    MISUSE = "open-misuse"
    BREACH = "breach"
    BREACH_DECIDED = "breach-decided"
    TAKEN_OVER = "confirm-taken-over"
    NAME = "name-person"


_TEXTS: Mapping[Action, str] = {
    Action.NOTE: "Write the note",
    Action.SHARE: "Write what the reporter will read",
    Action.ASK: "Write what you need to know",
    Action.TRANSFER: "Say why it is another team's work",
    Action.REOPEN: "Say why work goes on",
    Action.NOT_EXEMPT: "Say why it is no trade union activity",
    Action.MISUSE: "Say why it is misuse as well",
    Action.BREACH: "Say what you know of the breach",
    Action.BREACH_DECIDED: "Say what was decided, and why",
    Action.NAME: "Give a staff number",
}
"""Actions that need a text, and what to say where it is missing."""


@dataclass(frozen=True, slots=True)
class ActionForm:
    """One action as it was asked for. Where `errors` is not empty, nothing else is to be used but for showing it."""

    action: Action
    version: int | None
    text: str = ""
    team: Team | None = None
    outcome: Outcome | None = None
    accounts: tuple[UUID, ...] = ()
    """Registered accounts that were ticked."""
    errors: FormErrors = field(default_factory=FormErrors)
    changes: tuple[Changed, ...] = ()
    """What others changed since the page was read, where that is why it was refused."""


def read_action(action: Action, answers: Mapping[str, list[str]]) -> ActionForm:
    """Read what was posted; what is missing or wrong is in `errors`."""
    errors = FormErrors()
    cleaned = refuse_null_characters(answers, errors)

    def one(name: str) -> str:
        return next(iter(cleaned.get(name, [])), "").strip()

    text = one("text")
    version = one("version")
    if action in _TEXTS and not text:
        errors.add(f"{action}-text", _TEXTS[action])
    if len(text) > LONGEST_TEXT:
        errors.add(f"{action}-text", f"Use {LONGEST_TEXT:,} characters or fewer")
    team, outcome = _choice(Team, one("team")), _choice(Outcome, one("outcome"))
    if action is Action.TRANSFER and team not in QUEUES:
        errors.add("transfer-team", "Choose a team")
    if action is Action.RESOLVE and outcome is None:
        errors.add("resolve-outcome", "Choose how it ended")
    accounts = tuple(account for text in cleaned.get("account", []) if (account := _account(text)))
    if action is Action.TAKEN_OVER and not accounts:
        errors.add(f"{action}-account", "Choose which accounts somebody else controls")
    if action is Action.NAME and text and not _STAFF_NUMBER.fullmatch(text):
        errors.add(f"{action}-text", "Give a staff number, such as S4001")
    known = int(version) if version.isascii() and version.isdigit() and len(version) <= _LONGEST_VERSION else None
    return ActionForm(action, known, text, team, outcome, accounts, errors)


def _account(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _choice(kind: type[E], text: str) -> E | None:
    try:
        return kind(text)
    except ValueError:
        return None
