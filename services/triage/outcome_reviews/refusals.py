"""How the API and the pages answer when an outcome is not looked at again."""

from services.triage.outcome_reviews.domain import NothingToReview, ResolvedByThem
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    NothingToReview: Refusal(
        409,
        "nothing-to-review",
        "No request to look at this outcome again is waiting",
        "It was decided already, or the case is open again. Read the case again.",
    ),
    ResolvedByThem: Refusal(
        409,
        "resolved-by-you",
        "You resolved this case, so someone else has to look at its outcome again",
        "Ask a colleague, or your lead.",
        field="result",
    ),
}
