"""What refusals of training records look like from outside."""

from collections.abc import Mapping
from typing import cast

from services.registry.training.handlers import TrainingRefused
from shared.web.problems import ProblemType


def _fault(error: Exception) -> Mapping[str, object]:
    fault = cast(TrainingRefused, error).fault
    return {"errors": [{"field": fault.field, "message": fault.message}]}


PROBLEMS: Mapping[type[Exception], ProblemType] = {
    TrainingRefused: ProblemType(422, "invalid", "Some answers are missing or not right", members=_fault),
}
