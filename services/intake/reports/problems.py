"""What a client sees of the domain's refusals."""

from collections.abc import Mapping
from typing import cast

from services.intake.idempotency.handlers import KeyUsedForAnotherRequest
from services.intake.reports.domain import (
    AskedAlready,
    MonitoringRoleRequired,
    NothingToAgreeTo,
    ReportRefused,
    TooManyAdditions,
)
from shared.web.problems import ProblemType


def _fields(error: Exception) -> Mapping[str, object]:
    refused = cast(ReportRefused, error).refusals
    return {"errors": [{"field": refusal.field, "message": refusal.message} for refusal in refused]}


PROBLEMS: Mapping[type[Exception], ProblemType] = {
    ReportRefused: ProblemType(
        422, "invalid", "Some answers are missing or not right", "Correct the fields that are named.", _fields
    ),
    MonitoringRoleRequired: ProblemType(
        403, "monitoring-role-needed", "Only routine monitoring may say that it found this", "Leave out found_by."
    ),
    TooManyAdditions: ProblemType(409, "too-many-additions", "A lot was added to this report already"),
    NothingToAgreeTo: ProblemType(409, "nothing-to-agree-to", "There is nothing to agree to any more"),
    AskedAlready: ProblemType(409, "asked-already", "You have asked already", "Wait a day, then ask again."),
    KeyUsedForAnotherRequest: ProblemType(
        422,
        "idempotency-key-reused",
        "This Idempotency-Key was used for another request",
        "Use a new key for a new report; send the same body to get the same answer.",
    ),
}
