"""The answer to each refusal that is common to the whole registry."""

from collections.abc import Sequence

from services.registry.context.domain import Refused
from services.registry.context.work import NotAPerson, NotYourAccount
from shared.web.problems import FieldProblem
from shared.web.refusals import Refusal, Refusals, reading


def _faults(error: Refused) -> Sequence[FieldProblem]:
    return [FieldProblem(name=fault.field, message=fault.message) for fault in error.faults]


REFUSALS: Refusals = {
    Refused: Refusal(422, "invalid", "Some answers are missing or not right", fields=reading(Refused, _faults)),
    NotAPerson: Refusal(403, "not-a-person", "Only a person can do this", "Use a token that names a staff id."),
    NotYourAccount: Refusal(
        403, "not-your-account", "Another person answers for this account", "Ask its owner, or communications."
    ),
}
