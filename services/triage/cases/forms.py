"""What responders type on a case page, read and checked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from fastapi import Request

from services.triage.cases.queries import Changed
from shared.auth.permissions import QUEUES
from shared.events.vocabulary import Outcome, Priority, Team
from shared.web.forms import FormErrors, FormReader

LONGEST_TEXT = 10_000
STAFF_NUMBER = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$"


class Action(StrEnum):
    """What the buttons of a case page do."""

    CLAIM = "claim"
    ASSIGN = "assign"
    PRIORITY = "priority"
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
    Action.PRIORITY: "Say why it is more urgent, or less",
    Action.NOTE: "Write the note",
    Action.SHARE: "Write what the reporter will read",
    Action.ASK: "Write what you need to know",
    Action.TRANSFER: "Say why it is another team's work",
    Action.REOPEN: "Say why work continues",
    Action.NOT_EXEMPT: "Say why it is not trade union activity",
    Action.MISUSE: "Say why it is misuse as well",
    Action.BREACH: "Say what you know of the breach",
    Action.BREACH_DECIDED: "Say what was decided, and why",
    Action.NAME: "Give a staff number",
}
"""Actions that need a text, and the message where it is missing."""


@dataclass(frozen=True, slots=True)
class ActionForm:
    """One posted action. If `errors` is not empty, use the rest only to show the form again."""

    action: Action
    version: int | None
    typed: str = ""
    """The text as it was typed, to be shown again."""
    text: str = ""
    team: Team | None = None
    outcome: Outcome | None = None
    priority: Priority | None = None
    assignee: str | None = None
    """The colleague who was chosen from the list, or whose staff number was typed."""
    number: str = ""
    """The staff number as it was typed."""
    accounts: tuple[UUID, ...] = ()
    """Registered accounts that were ticked."""
    moves_on: bool = False
    """Whether the next case of that queue is wanted afterwards."""
    returns: bool = False
    """Whether the queue itself is."""
    errors: FormErrors = field(default_factory=FormErrors)
    changes: tuple[Changed, ...] = ()
    """What others changed since the page was read, if the action was refused for that."""


async def read_action(request: Request, action: Action) -> ActionForm:
    """Read the posted form; `errors` holds what is missing or wrong."""
    form = await FormReader.posted(request, prefix=f"{action}-")
    put = form.line if action is Action.NAME else form.text
    text = put("text", _TEXTS.get(action), LONGEST_TEXT) or ""
    team = form.one_of("team", QUEUES, "Choose a team") if action is Action.TRANSFER else None
    outcome = form.choice("outcome", Outcome, "Choose how it ended") if action is Action.RESOLVE else None
    priority = form.choice("priority", Priority, "Choose a priority") if action is Action.PRIORITY else None
    assignee = _assignee(form) if action is Action.ASSIGN else None
    accounts = form.uuids("account")
    if action is Action.TAKEN_OVER and not accounts:
        form.errors.add(f"{action}-account", "Choose which accounts another person controls")
    if action is Action.NAME and text and not re.fullmatch(STAFF_NUMBER, text):
        form.errors.add(f"{action}-text", "Give a staff number, such as S4001")
    return ActionForm(
        action=action,
        version=form.version(),
        typed=form.first("text"),
        text=text,
        team=Team(team) if team else None,
        outcome=outcome,
        priority=priority,
        assignee=assignee,
        number=form.first("number"),
        accounts=accounts,
        moves_on=form.ticked("next"),
        returns=form.ticked("back"),
        errors=form.errors,
    )


def _assignee(form: FormReader) -> str | None:
    """Return the staff number that was typed, or else that of the colleague chosen."""
    number = form.line("number")
    if number and not re.fullmatch(STAFF_NUMBER, number):
        form.errors.add(f"{Action.ASSIGN}-number", "Give a staff number, such as S4001")
    return number or form.line("assignee", "Choose a colleague, or give a staff number")
