"""The answer to each domain error about requests and proxies."""

from services.registry.accounts import refusals as accounts
from services.registry.approvals import handlers
from services.registry.approvals.delegations import DelegationOverlaps, UnknownDelegation
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    **accounts.REFUSALS,
    handlers.UnknownRequest: Refusal(404, "request-not-found", "There is no such request"),
    UnknownDelegation: Refusal(404, "delegation-not-found", "There is no such delegation of yours"),
    handlers.HandleRequested: Refusal(
        409, "handle-requested", "Another open request is for this handle", field="handle"
    ),
    handlers.ActionNotAllowed: Refusal(
        409, "step-not-allowed", "The request is in a state that does not allow this", "Look at it again."
    ),
    DelegationOverlaps: Refusal(
        409, "delegation-overlaps", "You have a proxy on one of these days already", field="first_day"
    ),
    handlers.RequestChangedMeanwhile: Refusal(
        412, "request-changed", "Another person changed this request", "Read it again, then decide."
    ),
    handlers.OwnRequest: Refusal(
        403,
        "own-request",
        "This request is yours",
        "You cannot decide about your own request, nor about an account that is for you; nor can your proxy.",
    ),
    handlers.NoApprover: Refusal(
        403,
        "not-an-approver",
        "You cannot decide about this request",
        "An approver decides, or the proxy that they recorded for today.",
    ),
    handlers.NotYourRequest: Refusal(
        403, "not-your-request", "Only the person who made a request changes or withdraws it"
    ),
}
