"""How the API and the pages answer when cases are not merged, taken apart or split."""

from services.triage.merges import domain
from shared.web.problems import FieldProblem
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    domain.MainCaseNotFound: Refusal(
        409,
        "other-case-not-found",
        "There is no such case that you can see",
        "Check its reference.",
        field="into",
        fields=lambda _error: [FieldProblem(name="into", message="Give the reference of a case that you can see")],
    ),
    domain.SameCase: Refusal(
        409, "same-case", "That is this case itself", "Give the reference of the other one.", field="into"
    ),
    domain.MainCaseMerged: Refusal(
        409,
        "other-case-merged",
        "That case is merged into another one",
        "Merge this case into the one that is worked.",
        field="into",
    ),
    domain.MainCaseFinished: Refusal(
        409,
        "other-case-finished",
        "That case is finished",
        "Reopen it first, or resolve this one as a duplicate.",
        field="into",
    ),
    domain.CasesDiffer: Refusal(
        409,
        "cases-differ",
        "These two cannot be merged",
        "Only cases of one team and one kind can, that are not restricted and not about trade union activity.",
        field="into",
    ),
    domain.ThreatUnanswered: Refusal(
        409,
        "threat-unanswered",
        "Say first whether there is a threat to life",
        "This case has to answer that by itself.",
    ),
    domain.TooManyMerged: Refusal(
        409,
        "too-many-merged",
        f"No more than {domain.MOST_MERGED} cases can be merged into one",
        "Group them in a campaign.",
        field="into",
    ),
    domain.NotMerged: Refusal(409, "not-merged", "This case is not merged into another", "Read the case again."),
    domain.NotYoursToUndo: Refusal(
        409,
        "not-yours-to-undo",
        "You cannot undo this",
        "Who did it can for 10 minutes, and a lead of the team at any time.",
    ),
    domain.NotPartOfCase: Refusal(
        422,
        "not-part-of-case",
        "The case has no such behaviour or link",
        "Choose from what the case is about.",
        field="what",
    ),
    domain.NotSplitOff: Refusal(
        409,
        "not-split-off",
        "The split cannot be undone",
        "Someone has worked on this case since, or it was not split off another. It can be merged.",
    ),
}
