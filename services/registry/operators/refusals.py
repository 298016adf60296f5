"""The answer to each domain error about operators."""

from services.registry.accounts import refusals as accounts
from services.registry.operators import handlers
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    **accounts.REFUSALS,
    handlers.UnknownOperator: Refusal(404, "operator-not-found", "There is no such operator"),
    handlers.NoSuchRemoval: Refusal(404, "removal-not-found", "There is no such removal task"),
    handlers.RemovalRecorded: Refusal(409, "removal-recorded", "The removal of this access is recorded already"),
    handlers.OperatorNamed: Refusal(
        409, "operator-named", "This person is named for the account already", field="staff_id"
    ),
    handlers.NoOperatorsAllowed: Refusal(
        409,
        "nobody-operates",
        "No one can be authorised for this account: it is not used officially, or it is frozen or closed",
    ),
    handlers.NotTheApprovedPerson: Refusal(
        409, "not-the-approved-person", "Only the person who was approved uses this account"
    ),
    handlers.NoException: Refusal(409, "no-exception", "There is no exception that could end"),
    handlers.OperatorChangedMeanwhile: Refusal(
        412, "operator-changed", "Something changed for this operator", "Read it again, then decide."
    ),
    handlers.OwnGates: Refusal(403, "own-gates", "Another person records what your own authorisation depends on"),
}
