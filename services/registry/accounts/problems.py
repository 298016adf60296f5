"""What the register's refusals look like from outside."""

from collections.abc import Mapping

from services.registry.accounts.handlers import (
    AccountChangedMeanwhile,
    HandleTaken,
    StatusNotAllowed,
    UnknownAccount,
)
from shared.web.problems import ProblemType

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
}
