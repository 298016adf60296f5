"""The answer to each refusal about requests and proxies."""

from services.registry.accounts import refusals as accounts
from services.registry.approvals.delegations import DelegationOverlaps, UnknownDelegation
from services.registry.approvals.handlers import (
    ActionNotAllowed,
    HandleRequested,
    NoApprover,
    NotYourRequest,
    OwnRequest,
    RequestChangedMeanwhile,
    UnknownRequest,
)
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    **accounts.REFUSALS,
    UnknownRequest: Refusal(404, "request-not-found", "There is no such request"),
    UnknownDelegation: Refusal(404, "delegation-not-found", "There is no such delegation of yours"),
    HandleRequested: Refusal(409, "handle-requested", "Another open request is for this handle", field="handle"),
    ActionNotAllowed: Refusal(
        409, "step-not-allowed", "This cannot happen to the request where it is now", "Look at it again."
    ),
    DelegationOverlaps: Refusal(
        409, "delegation-overlaps", "You have a proxy on one of these days already", field="first_day"
    ),
    RequestChangedMeanwhile: Refusal(
        412, "request-changed", "Another person changed this request", "Read it again, then decide."
    ),
    OwnRequest: Refusal(
        403,
        "own-request",
        "This request is yours",
        "You cannot decide about your own request, nor about an account that is for you; nor can your proxy.",
    ),
    NoApprover: Refusal(
        403,
        "not-an-approver",
        "You cannot decide about this request",
        "An approver decides, or the proxy that they recorded for today.",
    ),
    NotYourRequest: Refusal(403, "not-your-request", "Only the person who made a request changes or withdraws it"),
}
