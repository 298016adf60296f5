"""How it is answered that a report cannot be shown."""

from collections.abc import Mapping

from services.intake.tracking.access import ReportNotFound, TooManyAttempts
from shared.web.refusals import Refusal, Refusals, reading


def _retry_after(error: TooManyAttempts) -> Mapping[str, str]:
    return {"retry-after": str(error.wait)}


REFUSALS: Refusals = {
    ReportNotFound: Refusal(
        404, "report-not-found", "No report to show", "Check the reference. Only its reporter can see a report here."
    ),
    TooManyAttempts: Refusal(
        429,
        "too-many-attempts",
        "Too many wrong codes",
        "Wait a minute, then try again.",
        headers=reading(TooManyAttempts, _retry_after),
    ),
}
