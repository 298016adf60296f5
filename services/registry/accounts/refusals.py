"""The answer to each domain error about accounts."""

from services.registry.accounts.changes import AccountChangedMeanwhile
from services.registry.accounts.handlers import HandleTaken, NotReviewed, StatusNotAllowed
from services.registry.accounts.queries import UnknownAccount
from services.registry.context import dependencies as context
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    **context.REFUSALS,
    UnknownAccount: Refusal(404, "account-not-found", "There is no such account on the register"),
    HandleTaken: Refusal(
        409, "handle-taken", "This handle is on the register already", "One account has one purpose.", field="handle"
    ),
    StatusNotAllowed: Refusal(
        409,
        "status-not-allowed",
        "The account cannot go to this status from where it is",
        "The checks need an approved request, recovery needs what was done, and closing needs evidence of removal.",
    ),
    AccountChangedMeanwhile: Refusal(
        412, "account-changed", "Another person changed this account", "Read it again, then decide."
    ),
    NotReviewed: Refusal(409, "not-reviewed", "This account is not reviewed: it is closed, or outside the policy"),
}
