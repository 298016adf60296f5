"""What responders type on the page of a campaign, read and checked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from fastapi import Request

from shared.web.forms import FormErrors, FormReader

LONGEST_NAME = 200
LONGEST_REASON = 2_000
DAYS: Mapping[str, str] = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "A year"}
"""For how long a campaign can be dismissed."""


class Action(StrEnum):
    """What the buttons of a campaign's page do."""

    CONFIRM = "confirm"
    NAME = "name"
    ADD = "add"
    TAKE_OUT = "take-out"
    DISMISS = "dismiss"


_TEXTS: Mapping[Action, tuple[str | None, int]] = {
    Action.CONFIRM: (None, LONGEST_NAME),
    Action.NAME: ("Enter a name", LONGEST_NAME),
    Action.ADD: ("Enter the reference of a case", LONGEST_NAME),
    Action.TAKE_OUT: (None, LONGEST_REASON),
    Action.DISMISS: (None, LONGEST_REASON),
}
"""The message where a text is missing, and how long it may be."""
_LINES = frozenset({Action.CONFIRM, Action.NAME, Action.ADD})


@dataclass(frozen=True, slots=True)
class ActionForm:
    """One posted action. If `errors` is not empty, use the rest only to show the form again."""

    action: Action
    version: int | None = None
    """The version of the campaign that the person read."""
    typed: str = ""
    """The text as it was typed, to be shown again."""
    text: str = ""
    days: int = 30
    chosen: Mapping[UUID, int] = field(default_factory=dict)
    """The cases that were ticked, each with the version that the person read."""
    errors: FormErrors = field(default_factory=FormErrors)


async def read_action(request: Request, action: Action) -> ActionForm:
    """Read the posted form; `errors` holds what is missing or wrong."""
    form = await FormReader.posted(request, prefix=f"{action}-")
    needed, longest = _TEXTS[action]
    chosen = dict(filter(None, map(_ticked, form.typed.get("case", ()))))
    needed = None if action is Action.ADD and chosen else needed
    text = (form.name if action in _LINES else form.text)("text", needed, longest) or ""
    if action is Action.TAKE_OUT and not chosen:
        form.errors.add("chosen", "Tick the cases in the list first")
    days = form.one_of("days", DAYS, "Choose for how long") if action is Action.DISMISS else None
    return ActionForm(
        action, form.version(beside=f"{action}-text"), form.first("text"), text, int(days or 0), chosen, form.errors
    )


def _ticked(value: str) -> tuple[UUID, int] | None:
    """Return the case and the version that a box of the list stands for."""
    case_id, _, version = value.partition("_")
    try:
        return UUID(case_id), int(version)
    except ValueError:
        return None
