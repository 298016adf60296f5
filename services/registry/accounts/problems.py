"""What the register's refusals look like from outside."""

from collections.abc import Mapping
from typing import cast

from services.registry.accounts.handlers import (
    AccountChangedMeanwhile,
    HandleTaken,
    RegistrationRefused,
    StatusNotAllowed,
    UnknownAccount,
)
from services.registry.accounts.work import NotAPerson, NotYourAccount
from shared.web.problems import ProblemType


def _faults(error: Exception) -> Mapping[str, object]:
    found = cast(RegistrationRefused, error).faults
    return {"errors": [{"field": fault.field, "message": fault.message} for fault in found]}


PROBLEMS: Mapping[type[Exception], ProblemType] = {
    UnknownAccount: ProblemType(404, "account-not-found", "There is no such account on the register"),
    HandleTaken: ProblemType(
        409, "handle-taken", "This handle is on the register already", "One account has one purpose."
    ),
    StatusNotAllowed: ProblemType(
        409,
        "status-not-allowed",
        "The account cannot go to this status from where it is",
        "Passing the checks takes an approved request, recovery what was done, and closing evidence of removal.",
    ),
    AccountChangedMeanwhile: ProblemType(
        412, "account-changed", "Somebody changed this account meanwhile", "Read it again, then decide."
    ),
    RegistrationRefused: ProblemType(422, "invalid", "Some answers are missing or not right", members=_faults),
    NotAPerson: ProblemType(403, "not-a-person", "Only a person can do this", "Use a token that names a staff id."),
    NotYourAccount: ProblemType(
        403, "not-your-account", "Somebody else answers for this account", "Ask its owner, or communications."
    ),
}
