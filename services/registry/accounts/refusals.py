"""Refusals of use cases, as a form shows them: beside a field, with what to do, and nothing half done."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from services.registry.accounts.handlers import (
    AccountChangedMeanwhile,
    HandleTaken,
    RegistrationRefused,
    StatusNotAllowed,
)
from services.registry.accounts.work import Work
from shared.web.forms import FormErrors

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What to say, and the status of the answer."""

    field: str
    message: str
    status: int = 422


Refusals = Mapping[type[Exception], Refusal]

ACCOUNT_REFUSALS: Refusals = {
    HandleTaken: Refusal("handle", "This handle is on the register already: one account has one purpose", 409),
    AccountChangedMeanwhile: Refusal(
        "changed", "Somebody changed this account meanwhile. Look at it as it is now, then choose again.", 412
    ),
    StatusNotAllowed: Refusal(
        "changed", "The account cannot go to this status from where it is. Go back and look at it.", 409
    ),
}


async def attempt(work: Work, step: Awaitable[T], errors: FormErrors, refusals: Refusals, field: str) -> T | int:
    """Do `step`; where it is refused, undo what it did, record the error and return the status of the answer.

    Args:
        work: whose transaction is saved.
        step: the use case, not yet begun.
        errors: takes what to say.
        refusals: what each refusal looks like; one about no field of the form is put beside `field`.
        field: the first field of the form.
    """
    try:
        async with work.session.begin_nested():
            return await step
    except RegistrationRefused as refused:
        for fault in refused.faults:
            errors.add(fault.field, fault.message)
        return 422
    except tuple(refusals) as refused:
        found = refusals[type(refused)]
        errors.add(field if found.field == "changed" else found.field, found.message)
        return found.status
