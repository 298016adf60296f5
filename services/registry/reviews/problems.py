"""What refusals of reviews look like from outside."""

from collections.abc import Mapping
from typing import cast

from services.registry.accounts.refusals import ACCOUNT_REFUSALS, Refusal, Refusals
from services.registry.reviews.handlers import NotReviewed, ReviewRefused
from shared.web.problems import ProblemType

_NOT = "This account is not reviewed: it is closed, or outside the policy"


def _fault(error: Exception) -> Mapping[str, object]:
    fault = cast(ReviewRefused, error).fault
    return {"errors": [{"field": fault.field, "message": fault.message}]}


PROBLEMS: Mapping[type[Exception], ProblemType] = {
    NotReviewed: ProblemType(409, "not-reviewed", _NOT),
    ReviewRefused: ProblemType(422, "invalid", "Some answers are missing or not right", members=_fault),
}

REFUSALS: Refusals = {**ACCOUNT_REFUSALS, NotReviewed: Refusal("changed", _NOT, 409)}
