"""How the API and the pages answer when a report, or an addition to one, is refused."""

from collections.abc import Sequence

from services.intake.idempotency.handlers import KeyUsedForAnotherRequest, WeakKey
from services.intake.reports import domain
from shared.web.problems import FieldProblem
from shared.web.refusals import Refusal, Refusals, reading


def _fields(error: domain.ReportRefused) -> Sequence[FieldProblem]:
    return [FieldProblem(name=refusal.field, message=refusal.message) for refusal in error.refusals]


REFUSALS: Refusals = {
    domain.ReportRefused: Refusal(
        422,
        "invalid",
        "Some answers are missing or not right",
        "Correct the fields that are named.",
        fields=reading(domain.ReportRefused, _fields),
    ),
    domain.MonitoringRoleRequired: Refusal(
        403, "monitoring-role-needed", "Only routine monitoring may say that it found this", "Leave out found_by."
    ),
    domain.TooManyAdditions: Refusal(409, "too-many-additions", "A lot was added to this report already"),
    domain.NothingToAgreeTo: Refusal(409, "nothing-to-agree-to", "There is nothing left to agree to"),
    domain.NothingToReview: Refusal(
        409,
        "nothing-to-review",
        "There is no outcome that can be looked at again",
        "Wait until the report is finished. Until then, write to the team.",
    ),
    domain.ReviewAskedAlready: Refusal(
        409,
        "review-asked-already",
        "You have asked for this outcome to be looked at again",
        "That can be asked once. You can still write to the team.",
    ),
    domain.AskedAlready: Refusal(409, "asked-already", "You have asked already", "Wait a day, then ask again."),
    KeyUsedForAnotherRequest: Refusal(
        422,
        "idempotency-key-reused",
        "This Idempotency-Key was used for another request",
        "Use a new key for a new report; send the same body to get the same answer.",
    ),
    WeakKey: Refusal(
        422,
        "idempotency-key-too-weak",
        "This Idempotency-Key could be used by someone else too",
        "Without a token, make a new UUID for each report, or 22 random characters or more.",
        field="Idempotency-Key",
    ),
}
