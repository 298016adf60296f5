"""How the API and the pages answer when a bulk action, or one case of it, is not done or not undone."""

from collections.abc import Mapping

from services.triage.bulk import domain
from services.triage.bulk.handlers import FAILED
from services.triage.cases import domain as cases
from services.triage.cases.refusals import REFUSALS as OF_CASES
from services.triage.merges import domain as merges
from services.triage.merges.refusals import REFUSALS as OF_MERGES
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    domain.BulkNotFound: Refusal(
        404,
        "bulk-not-found",
        "There is no such action on many cases",
        "Only the person who began it sees it, for a week.",
    ),
    domain.StillRunning: Refusal(
        409, "bulk-running", "Not every case has been looked at yet", "Undo it once all cases have been looked at."
    ),
    domain.UndoOver: Refusal(
        409, "undo-over", "The 10 minutes to undo this are over", "Open the cases and change them one by one."
    ),
}

OF_ITEMS: Refusals = {
    **OF_CASES,
    **OF_MERGES,
    merges.SameCase: Refusal(409, "same-case", "It is the case that the others are merged into"),
    cases.NoSuchColleague: Refusal(
        409, "no-such-colleague", "No colleague has that staff number", "Give the staff number of a colleague."
    ),
    cases.TeamDoesNotFit: Refusal(
        409, "team-does-not-fit", "That team does not work on this type of report", "Choose another team for it."
    ),
    cases.OutcomeDoesNotFit: Refusal(
        409, "outcome-does-not-fit", "That outcome does not fit this type of report", "Resolve it with another outcome."
    ),
    domain.MessageSent: Refusal(
        409, "message-sent", "The message was sent and cannot be taken back", "Write to the reporter again."
    ),
    domain.MovedOn: Refusal(
        409,
        "case-moved-on",
        "The case, or one that is merged into it, changed after this action",
        "Look at the case, and decide what to do.",
    ),
}
"""Why one case is not changed, or not put back."""
NAMES: Mapping[type[Exception], str] = {kind: row.type for kind, row in OF_ITEMS.items()}
_FAILED = Refusal(500, FAILED, "Something went wrong with this case", "It is as it was. Open it and try again.")
PROBLEMS: Mapping[str, Refusal] = {row.type: row for row in (*OF_ITEMS.values(), _FAILED)}
