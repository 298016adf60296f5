"""What a client sees when a report cannot be shown."""

from collections.abc import Mapping
from typing import cast

from services.intake.tracking.access import ReportNotFound, TooManyAttempts
from shared.web.problems import ProblemType


def _retry_after(error: Exception) -> Mapping[str, str]:
    return {"retry-after": str(cast(TooManyAttempts, error).wait)}


PROBLEMS: Mapping[type[Exception], ProblemType] = {
    ReportNotFound: ProblemType(
        404, "report-not-found", "No report to show", "Check the reference. Only its reporter can see a report here."
    ),
    TooManyAttempts: ProblemType(
        429, "too-many-attempts", "Too many wrong codes", "Wait a minute, then try again.", headers=_retry_after
    ),
}
