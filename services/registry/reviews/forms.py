"""The form that records a review."""

from collections.abc import Mapping

from services.registry.accounts.domain import Account
from services.registry.accounts.views import name_of
from services.registry.context.forms import Answers, Cells, Field, FormPage, Kind
from services.registry.reviews.domain import ReviewOutcome
from services.registry.reviews.handlers import Outcome
from shared.web.forms import FormErrors

OUTCOMES: Mapping[str, str] = {
    ReviewOutcome.KEEP: "Keep it: it still fulfils its strategic business requirement",
    ReviewOutcome.CHANGE: "Keep it, and change something",
    ReviewOutcome.CLOSE: "Close it: it was removed from the platform",
}


def review_page(account: Account) -> FormPage:
    """Return the page that records a review."""
    return FormPage(
        title="Record a review",
        about=name_of(account),
        action=f"/accounts/{account.id}/review",
        button="Record the review",
        back=("Back to the account", f"/accounts/{account.id}"),
        version=account.version,
        fields=(
            Field("outcome", "What should become of the account?", Kind.CHOICE, options=OUTCOMES),
            Field("reason", "Why? If something changes: what", Kind.WORDS),
            Field("next_on", "Next review", Kind.ID, "Unless it is closed. For example, 2027-03-31"),
            Field("evidence", "How do you know that it is gone from the platform?", Kind.WORDS, "Only if it is closed"),
        ),
    )


def read_review(account: Account, answers: Answers, errors: FormErrors) -> Outcome | None:
    """Read what a review decided; None where an error was recorded."""
    cells = Cells(answers, errors)
    outcome = cells.choice("outcome", ReviewOutcome, "Choose what should become of the account")
    version = cells.version("outcome")
    reason = cells.words("reason", "Enter why")
    next_on, evidence = cells.day("next_on"), cells.words("evidence")
    if errors or outcome is None or reason is None:
        return None
    return Outcome(account.id, version, outcome, reason, next_on, evidence)
