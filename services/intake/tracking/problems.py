"""What a client sees when a report cannot be shown."""

from collections.abc import Mapping

from services.intake.tracking.access import ReportNotFound, TooManyAttempts
from shared.web.problems import ProblemType

PROBLEMS: Mapping[type[Exception], ProblemType] = {
    ReportNotFound: ProblemType(
        404, "report-not-found", "No report to show", "Check the reference. Only its reporter can see a report here."
    ),
    TooManyAttempts: ProblemType(429, "too-many-attempts", "Too many wrong codes", "Wait a minute, then try again."),
}
