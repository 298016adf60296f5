"""What responders type on a case page, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from services.triage.cases.access import QUEUES
from services.triage.cases.changes import Changed
from shared.events.vocabulary import Outcome, Team
from shared.web.forms import FormErrors, refuse_null_characters

LONGEST_TEXT = 10_000
_LONGEST_VERSION = 9
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


_TEXTS: Mapping[Action, str] = {
    Action.NOTE: "Write the note",
    Action.SHARE: "Write what the reporter will read",
    Action.ASK: "Write what you need to know",
    Action.TRANSFER: "Say why it is another team's work",
    Action.REOPEN: "Say why work goes on",
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
    known = int(version) if version.isascii() and version.isdigit() and len(version) <= _LONGEST_VERSION else None
    return ActionForm(action, known, text, team, outcome, errors)


def _choice(kind: type[E], text: str) -> E | None:
    try:
        return kind(text)
    except ValueError:
        return None
