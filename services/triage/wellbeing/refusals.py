"""How the API and the pages answer when someone cannot step back, or cannot be let in again."""

from services.triage.exposure.domain import NotTheirLead
from services.triage.wellbeing.domain import NoConflictDeclared, NoSuchReview, NothingHandedOver, ReviewDecided
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    NotTheirLead: Refusal(
        409,
        "no-such-request",
        "That person does not ask you to see more",
        "Another lead may have decided already.",
        field="subject",
    ),
    NothingHandedOver: Refusal(
        409,
        "no-such-hand-over",
        "That hand-over is not there any more",
        "Another lead may have noted it.",
        field="hand_over",
    ),
    NoSuchReview: Refusal(
        404, "second-review-not-found", "There is no such second review here", "It may be with another team."
    ),
    ReviewDecided: Refusal(
        409,
        "second-review-decided",
        "This second review is over",
        "Someone decided it meanwhile, or the case is open again.",
        field="outcome",
    ),
    NoConflictDeclared: Refusal(
        409,
        "no-conflict-declared",
        "That person has not declared a conflict of interest",
        "They may see the case again already. Read the case again.",
        field="staff_id",
    ),
}
