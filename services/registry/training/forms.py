"""The form that records training."""

from services.registry.context.forms import Answers, Cells, Field, FormPage, Kind
from services.registry.training.domain import Completion
from shared.web.forms import FormErrors

RECORD = FormPage(
    title="Record training",
    action="/accounts/training/new",
    button="Record",
    back=("All training", "/accounts/training"),
    fields=(
        Field("staff_id", "Staff ID of who completed it", Kind.ID),
        Field("course", "Course"),
        Field("completed_on", "Completed on", Kind.ID, "For example, 2026-03-31"),
    ),
)


def read_completion(answers: Answers, errors: FormErrors) -> Completion | None:
    """Read what was completed; None where an error was recorded."""
    cells = Cells(answers, errors)
    staff_id = cells.staff_id("staff_id", "Enter the staff ID of who completed it")
    course = cells.line("course", "Enter the course")
    completed_on = cells.day("completed_on", "Enter the day on which it was completed")
    if errors or not (staff_id and course and completed_on):
        return None
    return Completion(staff_id, course, completed_on)
