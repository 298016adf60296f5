"""What refusals about operators look like from outside."""

from collections.abc import Mapping

from services.registry.accounts.refusals import ACCOUNT_REFUSALS
from services.registry.context.refusals import Refusal, Refusals
from services.registry.operators.exceptions import NoException
from services.registry.operators.handlers import (
    NobodyOperates,
    NoSuchRemoval,
    NotTheApprovedPerson,
    OperatorChangedMeanwhile,
    OperatorNamed,
    OwnGates,
    UnknownOperator,
)
from shared.web.problems import ProblemType

_OWN = "Somebody else records what your own authorisation depends on"
_NOBODY = "Nobody can be authorised for this account: it is not used officially, or it is frozen or closed"
_APPROVED = "Only the person who was approved uses this account"


PROBLEMS: Mapping[type[Exception], ProblemType] = {
    UnknownOperator: ProblemType(404, "operator-not-found", "There is no such operator"),
    NoSuchRemoval: ProblemType(404, "removal-not-found", "There is no such open removal task"),
    OperatorNamed: ProblemType(409, "operator-named", "This person is named for the account already"),
    NobodyOperates: ProblemType(409, "nobody-operates", _NOBODY),
    NotTheApprovedPerson: ProblemType(409, "not-the-approved-person", _APPROVED),
    NoException: ProblemType(409, "no-exception", "There is no exception that could end"),
    OperatorChangedMeanwhile: ProblemType(
        412, "operator-changed", "Something changed for this operator meanwhile", "Read it again, then decide."
    ),
    OwnGates: ProblemType(403, "own-gates", _OWN),
}

REFUSALS: Refusals = {
    **ACCOUNT_REFUSALS,
    OperatorNamed: Refusal("staff_id", "This person is named for the account already", 409),
    NobodyOperates: Refusal("changed", _NOBODY, 409),
    NotTheApprovedPerson: Refusal("changed", _APPROVED, 409),
    NoException: Refusal("changed", "There is no exception that could end", 409),
    NoSuchRemoval: Refusal("changed", "This was recorded already", 409),
    OperatorChangedMeanwhile: Refusal(
        "changed", "Something changed for this operator meanwhile. Look again, then decide.", 412
    ),
    OwnGates: Refusal("changed", _OWN, 403),
}
