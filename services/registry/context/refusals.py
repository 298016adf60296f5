"""What refused use cases look like: as a problem of the API, and on a form beside the field, with nothing half done."""

from collections.abc import Awaitable, Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar

from services.registry.context.domain import Refused
from services.registry.context.work import NotAPerson, NotYourAccount, Work
from shared.web.forms import FormErrors
from shared.web.problems import ProblemType

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What to say, and the status of the answer."""

    field: str
    message: str
    status: int = 422


Refusals = Mapping[type[Exception], Refusal]


def _faults(error: Exception) -> Mapping[str, object]:
    found = error.faults if isinstance(error, Refused) else ()
    return {"errors": [asdict(fault) for fault in found]}


PROBLEMS: Mapping[type[Exception], ProblemType] = {
    Refused: ProblemType(422, "invalid", "Some answers are missing or not right", members=_faults),
    NotAPerson: ProblemType(403, "not-a-person", "Only a person can do this", "Use a token that names a staff id."),
    NotYourAccount: ProblemType(
        403, "not-your-account", "Somebody else answers for this account", "Ask its owner, or communications."
    ),
}


async def attempt(work: Work, step: Awaitable[T], errors: FormErrors, refusals: Refusals, field: str) -> T | int:
    """Do `step`; where it is refused, undo what it did, record the error and return the status of the answer.

    Args:
        work: whose transaction is saved.
        step: the use case, not yet begun.
        errors: takes what to say.
        refusals: what each refusal looks like; one about no field of the form is put beside `field`.
        field: the first field of the form.
    """
    try:
        async with work.session.begin_nested():
            return await step
    except Refused as refused:
        for fault in refused.faults:
            errors.add(fault.field, fault.message)
        return 422
    except tuple(refusals) as refused:
        found = refusals[type(refused)]
        errors.add(field if found.field == "changed" else found.field, found.message)
        return found.status
