"""How the API and the pages answer when a task, support or an answer of the protocol is not recorded."""

from services.triage.tasks import domain
from shared.web.refusals import Refusal, Refusals

REFUSALS: Refusals = {
    domain.TaskNotFound: Refusal(
        404, "task-not-found", "There is no such task on this case", "Look at the list of what there is."
    ),
    domain.TaskDone: Refusal(409, "task-done", "It is done or listed already", "Read the tasks of the case again."),
    domain.TooManyTasks: Refusal(
        409, "too-many-tasks", f"A case has at most {domain.MOST_OF_A_CASE} tasks", "Write a note instead."
    ),
    domain.NotWithinReach: Refusal(
        422, "not-within-reach", "The time is past, or more than a year ahead", "Choose another.", field="due_at"
    ),
    domain.AnswerWithoutOffer: Refusal(
        409, "support-not-offered", "Support was not offered yet", "Record the offer first.", field="support"
    ),
    domain.NotYetRung: Refusal(
        422,
        "not-yet-rung",
        "The time of the call is still to come",
        "Record the call once it was made.",
        field="rung_at",
    ),
    domain.RungBeforeReport: Refusal(
        422,
        "rung-before-report",
        "The time of the call is before the report was sent",
        "Record a call about this report.",
        field="rung_at",
    ),
}
