"""What refusals of reviews look like from outside."""

from collections.abc import Mapping

from services.registry.accounts.refusals import ACCOUNT_REFUSALS
from services.registry.context.refusals import Refusal, Refusals
from services.registry.reviews.handlers import NotReviewed
from shared.web.problems import ProblemType

_NOT = "This account is not reviewed: it is closed, or outside the policy"


PROBLEMS: Mapping[type[Exception], ProblemType] = {
    NotReviewed: ProblemType(409, "not-reviewed", _NOT),
}

REFUSALS: Refusals = {**ACCOUNT_REFUSALS, NotReviewed: Refusal("changed", _NOT, 409)}
