"""Forms about operators: their fields, and how answers become calls of use cases."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from services.registry.accounts.domain import Account
from services.registry.accounts.views import name_of
from services.registry.context.forms import RegistryForm
from services.registry.context.work import Work
from services.registry.operators import handlers
from services.registry.operators.domain import Device
from services.registry.operators.queries import OperatorWithGates
from services.registry.operators.views import DEVICE_LABELS
from shared.people import Names
from shared.web.forms import Field, FormPage, Kind, options

_DEVICE = Field("device", "What do they use the account on?", Kind.RADIOS, options=options(DEVICE_LABELS))
_WHY = Field("reason", "Why?", Kind.TEXT)


class Recorded(StrEnum):
    """Actions of people who record gates; the value is also in the page's URL."""

    DEVICE = "device"
    WITHDRAW = "withdraw"
    REINSTATE = "reinstate"
    REMOVAL = "removal"


class Granted(StrEnum):
    """Actions of people who grant exceptions; the value is also in the page's URL."""

    EXCEPTION = "exception"
    EXCEPTION_END = "exception-end"


@dataclass(frozen=True, slots=True)
class Action:
    """A form, and the use case for its answers; `read` returns None if an error was recorded."""

    title: str
    button: str
    fields: tuple[Field, ...]
    read: Callable[[Work, OperatorWithGates, RegistryForm], Awaitable[object] | None]
    intro: tuple[str, ...] = ()


def _device(work: Work, checked: OperatorWithGates, form: RegistryForm) -> Awaitable[object] | None:
    device, version = form.choice("device", Device, "Choose a device"), form.version(beside="device")
    if form.errors or device is None or version is None:
        return None
    return handlers.record_device(work, checked.operator.id, version, device)


def _with_reason(
    step: Callable[[Work, UUID, int, str], Awaitable[object]],
) -> Callable[[Work, OperatorWithGates, RegistryForm], Awaitable[object] | None]:
    """Return a reader of a form with a reason; it calls `step`."""

    def read(work: Work, checked: OperatorWithGates, form: RegistryForm) -> Awaitable[object] | None:
        reason, version = form.text("reason", "Enter why"), form.version(beside="reason")
        if form.errors or reason is None or version is None:
            return None
        return step(work, checked.operator.id, version, reason)

    return read


def _removal(work: Work, checked: OperatorWithGates, form: RegistryForm) -> Awaitable[object] | None:
    evidence = form.text("evidence", "Enter how you know that their access has been removed")
    return handlers.record_removal_of(work, checked.operator.id, evidence) if evidence else None


def _grant(work: Work, checked: OperatorWithGates, form: RegistryForm) -> Awaitable[object] | None:
    last_day = form.register_day("last_day", "The last day", "Enter the last day")
    version, reason = form.version(beside="last_day"), form.text("reason", "Enter why")
    if form.errors or last_day is None or version is None or reason is None:
        return None
    return handlers.grant_exception(work, handlers.NewException(checked.operator.id, version, last_day, reason))


ACTIONS: Mapping[str, Action] = {
    Recorded.DEVICE: Action("Record the device", "Record", (_DEVICE,), _device),
    Recorded.WITHDRAW: Action(
        "Withdraw the authorisation",
        "Withdraw",
        (_WHY,),
        _with_reason(handlers.withdraw),
        ("Signpost cannot log anyone out. Remove their access on the platform, then record how you know.",),
    ),
    Recorded.REINSTATE: Action(
        "Let them operate it again",
        "Continue",
        (_WHY,),
        _with_reason(handlers.reinstate),
        ("They are authorised once they pass every gate.",),
    ),
    Recorded.REMOVAL: Action(
        "Record that access has been removed",
        "Record",
        (Field("evidence", "How do you know that their access on the platform has been removed?", Kind.TEXT),),
        _removal,
    ),
    Granted.EXCEPTION: Action(
        "Grant a Security Policy Exception",
        "Grant",
        (Field("last_day", "Last day", Kind.DAY, "It is valid until midnight. For example, 27 3 2026"), _WHY),
        _grant,
        ("They can then use a device that is not DWP approved.",),
    ),
    Granted.EXCEPTION_END: Action("End the exception", "End it", (_WHY,), _with_reason(handlers.end_exception)),
}


def action_page(slug: str, account: Account, checked: OperatorWithGates, names: Names) -> FormPage:
    """Return the page of an action."""
    action, operator = ACTIONS[slug], checked.operator
    kind = "granted" if slug in set(Granted) else "recorded"
    return FormPage(
        title=action.title,
        about=f"{names(operator.staff_id)}: {name_of(account)}",
        action=f"/accounts/operators/{operator.id}/{kind}/{slug}",
        button=action.button,
        back=("Back to the operator", f"/accounts/operators/{operator.id}"),
        fields=action.fields,
        intro=action.intro,
        version=operator.version,
    )


def new_operator_page(account: Account) -> FormPage:
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


def read_new_operator(account: Account, form: RegistryForm) -> handlers.NewOperator | None:
    """Read who is named; None if an error was recorded."""
    staff_id, device = form.staff_id("staff_id", "Enter their staff ID"), form.choice("device", Device)
    return handlers.NewOperator(account.id, staff_id, device) if staff_id and not form.errors else None
