"""The form that records vetting."""

from services.registry.accounts.domain import Vetting
from services.registry.accounts.views import VETTING_LABELS
from services.registry.context.forms import Answers, Cells, Field, FormPage, Kind
from services.registry.vetting.domain import Clearance
from shared.web.forms import FormErrors

RECORD = FormPage(
    title="Record vetting",
    action="/accounts/vetting/new",
    button="Record",
    back=("All vetting", "/accounts/vetting"),
    intro=("What you record here counts from now on, in place of what was recorded before.",),
    fields=(
        Field("staff_id", "Staff ID of who was vetted", Kind.ID),
        Field("level", "Level", Kind.LIST, options={"": "None, or taken away", **VETTING_LABELS}),
        Field("expires_on", "Last day (optional)", Kind.ID, "For example, 2027-03-31"),
    ),
)


def read_clearance(answers: Answers, errors: FormErrors) -> Clearance | None:
    """Read what somebody holds; None where an error was recorded."""
    cells = Cells(answers, errors)
    staff_id = cells.staff_id("staff_id", "Enter the staff ID of who was vetted")
    level, last_day = cells.choice("level", Vetting), cells.day("expires_on")
    if errors or not staff_id:
        return None
    return Clearance(staff_id, level, last_day if level else None)
