"""Forms about operators: what is asked, and what was typed, read into use cases."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.registry.accounts.domain import Account
from services.registry.accounts.views import name_of
from services.registry.context.forms import Answers, Cells, Field, FormPage, Kind
from services.registry.context.work import Work
from services.registry.operators import handlers
from services.registry.operators.domain import Device
from services.registry.operators.handlers import Naming, NewException
from services.registry.operators.queries import Checked
from services.registry.operators.views import DEVICE_LABELS
from shared.web.forms import FormErrors

_DEVICE = Field("device", "What do they use the account on?", Kind.CHOICE, options=DEVICE_LABELS)
_WHY = Field("reason", "Why?", Kind.WORDS)


class Recorded(StrEnum):
    """What those who record gates do with an operator; also the address of the page."""

    DEVICE = "device"
    WITHDRAW = "withdraw"
    REINSTATE = "reinstate"
    REMOVAL = "removal"


class Granted(StrEnum):
    """What those who grant exceptions do; also the address of the page."""

    EXCEPTION = "exception"
    EXCEPTION_END = "exception-end"


@dataclass(frozen=True, slots=True)
class Action:
    """A page that asks, and what makes a use case of its answers; None where an error was recorded."""

    title: str
    button: str
    fields: tuple[Field, ...]
    read: Callable[[Work, Checked, Cells, FormErrors], Awaitable[object] | None]
    intro: tuple[str, ...] = ()


def _device(work: Work, checked: Checked, cells: Cells, errors: FormErrors) -> Awaitable[object] | None:
    device, version = cells.choice("device", Device, "Choose a device"), cells.version("device")
    return handlers.record_device(work, checked.operator.id, version, device) if device and not errors else None


def _withdraw(work: Work, checked: Checked, cells: Cells, errors: FormErrors) -> Awaitable[object] | None:
    reason, version = cells.words("reason", "Enter why"), cells.version("reason")
    return handlers.withdraw(work, checked.operator.id, version, reason) if reason and not errors else None


def _reinstate(work: Work, checked: Checked, cells: Cells, errors: FormErrors) -> Awaitable[object] | None:
    reason, version = cells.words("reason", "Enter why"), cells.version("reason")
    return handlers.reinstate(work, checked.operator.id, version, reason) if reason and not errors else None


def _removal(work: Work, checked: Checked, cells: Cells, errors: FormErrors) -> Awaitable[object] | None:
    evidence = cells.words("evidence", "Say how you know that access is gone")
    if checked.removal is None:
        errors.add("evidence", "There is no access left to remove: it was recorded already")
    return handlers.record_removal(work, checked.removal.id, evidence) if checked.removal and evidence else None


def _grant(work: Work, checked: Checked, cells: Cells, errors: FormErrors) -> Awaitable[object] | None:
    last_day, version = cells.day("last_day", "Enter the last day"), cells.version("last_day")
    reason = cells.words("reason", "Enter why")
    if errors or not (last_day and reason):
        return None
    return handlers.grant_exception(work, NewException(checked.operator.id, version, last_day, reason))


def _end(work: Work, checked: Checked, cells: Cells, errors: FormErrors) -> Awaitable[object] | None:
    reason, version = cells.words("reason", "Enter why"), cells.version("reason")
    return handlers.end_exception(work, checked.operator.id, version, reason) if reason and not errors else None


ACTIONS: Mapping[str, Action] = {
    Recorded.DEVICE: Action("Record the device", "Record", (_DEVICE,), _device),
    Recorded.WITHDRAW: Action(
        "Withdraw the authorisation",
        "Withdraw",
        (_WHY,),
        _withdraw,
        ("Signpost cannot log anybody out. Remove their access on the platform, then record how you know.",),
    ),
    Recorded.REINSTATE: Action(
        "Let them operate it again",
        "Continue",
        (_WHY,),
        _reinstate,
        ("They are authorised once every gate is passed.",),
    ),
    Recorded.REMOVAL: Action(
        "Record that access is removed",
        "Record",
        (Field("evidence", "How do you know that their access on the platform is gone?", Kind.WORDS),),
        _removal,
    ),
    Granted.EXCEPTION: Action(
        "Grant a Security Policy Exception",
        "Grant",
        (Field("last_day", "Last day", Kind.ID, "It counts until midnight, for example, 2027-03-31"), _WHY),
        _grant,
        ("With it they may use another device than a DWP approved one.",),
    ),
    Granted.EXCEPTION_END: Action("End the exception", "End it", (_WHY,), _end),
}


def action_page(slug: str, account: Account, checked: Checked) -> FormPage:
    """Return the page of an action."""
    action, operator = ACTIONS[slug], checked.operator
    kind = "granted" if slug in set(Granted) else "recorded"
    return FormPage(
        title=action.title,
        about=f"{operator.staff_id}: {name_of(account)}",
        action=f"/accounts/operators/{operator.id}/{kind}/{slug}",
        button=action.button,
        back=("Back to the operator", f"/accounts/operators/{operator.id}"),
        fields=action.fields,
        intro=action.intro,
        version=operator.version,
    )


def naming_page(account: Account) -> FormPage:
    """Return the page that names an operator."""
    return FormPage(
        title="Name an operator",
        about=name_of(account),
        action=f"/accounts/{account.id}/operators/new",
        button="Name the operator",
        back=("Back to the account", f"/accounts/{account.id}"),
        fields=(Field("staff_id", "Staff ID", Kind.ID), _DEVICE),
        intro=("They are authorised once they pass every gate: training, vetting where the account needs it, device.",),
    )


def read_naming(account: Account, answers: Answers, errors: FormErrors) -> Naming | None:
    """Read who is named; None where an error was recorded."""
    cells = Cells(answers, errors)
    staff_id, device = cells.staff_id("staff_id", "Enter their staff ID"), cells.choice("device", Device)
    return Naming(account.id, staff_id, device) if staff_id and not errors else None
