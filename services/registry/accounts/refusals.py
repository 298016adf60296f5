"""What refusals about accounts look like: as problems of the API, and on forms."""

from collections.abc import Mapping

from services.registry.accounts.changes import AccountChangedMeanwhile
from services.registry.accounts.handlers import HandleTaken, NotReviewed, StatusNotAllowed
from services.registry.accounts.queries import UnknownAccount
from services.registry.context.refusals import Refusal, Refusals
from shared.web.problems import ProblemType

_NOT_REVIEWED = "This account is not reviewed: it is closed, or outside the policy"

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
    NotReviewed: ProblemType(409, "not-reviewed", _NOT_REVIEWED),
    AccountChangedMeanwhile: ProblemType(
        412, "account-changed", "Somebody changed this account meanwhile", "Read it again, then decide."
    ),
}


ACCOUNT_REFUSALS: Refusals = {
    HandleTaken: Refusal("handle", "This handle is on the register already: one account has one purpose", 409),
    AccountChangedMeanwhile: Refusal(
        "changed", "Somebody changed this account meanwhile. Look at it as it is now, then choose again.", 412
    ),
    StatusNotAllowed: Refusal(
        "changed", "The account cannot go to this status from where it is. Go back and look at it.", 409
    ),
    NotReviewed: Refusal("changed", _NOT_REVIEWED, 409),
}
