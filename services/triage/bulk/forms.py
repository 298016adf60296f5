"""What a person types about many cases: which they choose in the queue, and what is to be done with them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from fastapi import Request

from services.triage.bulk.domain import Action, Order
from services.triage.cases.forms import LONGEST_TEXT, STAFF_NUMBER
from services.triage.conversation.domain import NoSuchField, require_known_fields
from services.triage.conversation.refusals import REFUSALS
from shared.auth.permissions import QUEUES
from shared.events.vocabulary import Outcome, Team
from shared.web.forms import FormErrors, FormReader

_CHOSEN = re.compile(r"(?P<case>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_(?P<version>[0-9]{1,9})")
_TEXTS: Mapping[Action, str | None] = {
    Action.ASSIGN: None,
    Action.TRANSFER: "Say why it is another team’s work",
    Action.MESSAGE: "Write what the reporters will read",
    Action.RESOLVE: None,
    Action.MERGE: None,
}
"""Actions that take a text, and the message where it is missing; None if it may be empty."""


@dataclass(frozen=True, slots=True)
class ChosenForm:
    """What was chosen in the queue."""

    action: Action | None
    cases: Mapping[UUID, int]
    """Each case with the version that the page showed."""
    whole: bool
    """Whether all cases of the view are meant, also those on other pages."""
    view: str
    """The queue, as the query of its address."""
    campaign: UUID | None
    """The campaign on whose page they were ticked."""


@dataclass(frozen=True, slots=True)
class OrderForm:
    """What is to be done with the chosen cases. If `errors` is not empty, use the rest only to show the form again."""

    typed: str = ""
    text: str = ""
    team: Team | None = None
    outcome: Outcome | None = None
    assignee: str = ""
    """The colleague who was chosen from the list, or whose staff number was typed."""
    number: str = ""
    """The staff number as it was typed."""
    into: str = ""
    template: str = ""
    """The id of the reply template whose text is to come after what was typed."""
    shown: bool = False
    """Whether to show what a reporter would read."""
    errors: FormErrors = field(default_factory=FormErrors)

    def order(self, action: Action) -> Order:
        """Return what is to be done."""
        return Order(action, self.team, self.outcome, self.assignee or None, self.into or None, self.text)


async def read_chosen(request: Request) -> ChosenForm:
    """Read which cases were ticked, and which button was pressed; what makes no sense is left out."""
    form = await FormReader.posted(request)
    ticked = [found for text in form.typed.get("case", ()) if (found := _CHOSEN.fullmatch(text))]
    return ChosenForm(
        action=form.choice("action", Action),
        cases={UUID(one["case"]): int(one["version"]) for one in ticked},
        whole=form.ticked("whole"),
        view=form.first("view"),
        campaign=next(iter(form.uuids("campaign")), None),
    )


async def read_order(request: Request, action: Action) -> OrderForm:
    """Read what is to be done; `errors` holds what is missing or wrong."""
    form = await FormReader.posted(request)
    team = form.one_of("team", QUEUES, "Choose a team") if action is Action.TRANSFER else None
    outcome = form.choice("outcome", Outcome, "Choose how they ended") if action is Action.RESOLVE else None
    merges = action is Action.MERGE
    assignee = _assignee(form) if action is Action.ASSIGN else None
    into = form.line("into", "Give the reference of the case that they are merged into") if merges else None
    text = form.text("text", _TEXTS[action], LONGEST_TEXT) if action in _TEXTS else None
    if action is Action.MESSAGE:
        _require_known_fields(text or "", form.errors)
    return OrderForm(
        typed=form.first("text"),
        text=text or "",
        team=Team(team) if team else None,
        outcome=outcome,
        assignee=assignee or "",
        number=form.first("number"),
        into=into or form.first("into"),
        errors=form.errors,
    )


async def read_begun(request: Request) -> OrderForm:
    """Read a message that is not sent yet, and which template it begins with, or that an example is to be shown."""
    form = await FormReader.posted(request)
    adds = form.first("into") == Action.MESSAGE
    return OrderForm(typed=form.first("text"), template=form.first("template") if adds else "", shown=True)


def _require_known_fields(text: str, errors: FormErrors) -> None:
    try:
        require_known_fields(text)
    except NoSuchField:
        refusal = REFUSALS[NoSuchField]
        errors.add("text", f"{refusal.title}. {refusal.detail}")


def _assignee(form: FormReader) -> str | None:
    """Return the staff number that was typed, or else that of the colleague chosen."""
    number = form.line("number")
    if number and not re.fullmatch(STAFF_NUMBER, number):
        form.errors.add("number", "Give a staff number, such as S4001")
    return number or form.line("assignee", "Choose a colleague, or give a staff number")
