"""What refusals of the creation gate look like from outside."""

from collections.abc import Mapping

from services.registry.accounts.refusals import ACCOUNT_REFUSALS
from services.registry.approvals.asking import HandleRequested
from services.registry.approvals.delegating import DelegationOverlaps, UnknownDelegation
from services.registry.approvals.handlers import (
    NoApprover,
    NotYourRequest,
    OwnRequest,
    RequestChangedMeanwhile,
    StepNotAllowed,
    UnknownRequest,
)
from services.registry.context.refusals import Refusal, Refusals
from shared.web.problems import ProblemType

_OWN = "Nobody decides about their own request, nor about an account that is for them; not by a proxy either."
_NO_APPROVER = "An approver decides, or the proxy that they recorded for today."


PROBLEMS: Mapping[type[Exception], ProblemType] = {
    UnknownRequest: ProblemType(404, "request-not-found", "There is no such request"),
    UnknownDelegation: ProblemType(404, "delegation-not-found", "There is no such delegation of yours"),
    HandleRequested: ProblemType(409, "handle-requested", "Another open request is for this handle"),
    StepNotAllowed: ProblemType(409, "step-not-allowed", "This cannot happen to the request where it is now"),
    DelegationOverlaps: ProblemType(409, "delegation-overlaps", "You have a proxy on one of these days already"),
    RequestChangedMeanwhile: ProblemType(
        412, "request-changed", "Somebody changed this request meanwhile", "Read it again, then decide."
    ),
    OwnRequest: ProblemType(403, "own-request", "This request is yours", _OWN),
    NoApprover: ProblemType(403, "not-an-approver", "You cannot decide about this request", _NO_APPROVER),
    NotYourRequest: ProblemType(403, "not-your-request", "Only who made a request changes or withdraws it"),
}

REFUSALS: Refusals = {
    **ACCOUNT_REFUSALS,
    HandleRequested: Refusal("handle", "Another open request is for this handle", 409),
    StepNotAllowed: Refusal("changed", "This cannot happen to the request where it is now. Look at it again.", 409),
    RequestChangedMeanwhile: Refusal(
        "changed", "Somebody changed this request meanwhile. Look at it as it is now, then decide.", 412
    ),
    OwnRequest: Refusal("changed", _OWN, 403),
    NoApprover: Refusal("changed", _NO_APPROVER, 403),
    NotYourRequest: Refusal("changed", "Only who made a request changes or withdraws it", 403),
    DelegationOverlaps: Refusal("first_day", "You have a proxy on one of these days already", 409),
}
