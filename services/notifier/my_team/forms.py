"""What a manager records: categories and days, no details, nothing in the future."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.notifier.directory.domain import StaffMember
from services.notifier.misuse.handlers import ActionTaken
from services.notifier.misuse.queries import AssignedCase
from shared.events.vocabulary import AlertPurpose, ManagerAction, MisuseBehaviour
from shared.ids import StaffId
from shared.web.forms import Field, FormPage, FormReader, Kind, Option, options

_FIRST_DAY = date(2000, 1, 1)
"""An earlier day is a typing error."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Non-compliance that a manager found without a report."""

    person: StaffId
    category: MisuseBehaviour
    found_on: date


ALERT: Mapping[AlertPurpose, str] = {
    AlertPurpose.ABUSE_REPORTED: "Social media abuse",
    AlertPurpose.MISUSE_REPORTED: "Misuse of social media",
    AlertPurpose.MISUSE_ASSIGNED: "A misuse case to work",
}
ACTION: Mapping[ManagerAction, str] = {
    ManagerAction.NO_BREACH: "No breach of the policy",
    ManagerAction.ADVICE_GIVEN: "I gave advice",
    ManagerAction.INFORMAL_ACTION: "I took informal action",
    ManagerAction.DISCIPLINARY_ROUTE: "It goes the disciplinary route",
    ManagerAction.INSUFFICIENT_INFORMATION: "There is not enough information",
    ManagerAction.OUT_OF_SCOPE: "The policy does not cover it",
}
FINDING: Mapping[MisuseBehaviour, str] = {
    MisuseBehaviour.SPEAKS_FOR_DEPARTMENT: "Spoke for the department without being allowed to",
    MisuseBehaviour.MIXED_ACCOUNT: "Mixed work and private content in one account",
    MisuseBehaviour.ASSOCIATION: "Connected private views with the department or the government",
    MisuseBehaviour.DISCLOSURE: "Showed information of the department",
    MisuseBehaviour.HARASSMENT: "Harassed or abused someone",
    MisuseBehaviour.UNSANCTIONED_ACCOUNT: "Used an account for the department that was not approved",
    MisuseBehaviour.UNTRAINED_OPERATOR: "Operated an account without training",
    MisuseBehaviour.UNAPPROVED_DEVICE: "Used a device that is not approved",
    MisuseBehaviour.FAILURE_TO_REPORT: "Did not report an incident",
    MisuseBehaviour.OTHER: "Something else",
}


_ACTION_FIELDS = (
    Field("action", "What did you do?", Kind.RADIOS, options=options(ACTION)),
    Field("acted_on", "When did you do it?", Kind.DAY),
)


def action_page(case: AssignedCase) -> FormPage:
    """Return the page that asks what the manager did, and when."""
    return FormPage(
        title="Record what you did",
        about=case.reference,
        button="Record it",
        back=("Back to my team", "/alerts/my-team"),
        fields=_ACTION_FIELDS,
        intro=(
            "Record the kind of action and the day only. Details belong in the personnel system.",
            "This finishes the case; it cannot be changed here afterwards.",
        ),
    )


def finding_fields(people: Sequence[StaffMember]) -> tuple[Field, ...]:
    """Return the fields of a finding: which of `people` it is about, what it is, and its day."""
    listed = (Option("", "Choose a person"), *(Option(member.staff_id, member.name) for member in people))
    return (
        Field("person", "Who is it about?", Kind.SELECT, options=listed),
        Field("category", "What did you find?", Kind.RADIOS, options=options(FINDING)),
        Field("found_on", "When did you find it?", Kind.DAY),
    )


def read_action(form: FormReader, today: date) -> ActionTaken | None:
    """Return what the manager says they did; None if an error was recorded."""
    action = form.choice("action", ManagerAction, "Choose what you did")
    acted_on = _past_day(form, "acted_on", "the day on which you did it", today)
    return ActionTaken(action, acted_on) if action and acted_on and not form.errors else None


def read_finding(form: FormReader, people: Sequence[StaffMember], today: date) -> Finding | None:
    """Return what the manager found about one of `people`; None if an error was recorded."""
    person = form.one_of("person", {member.staff_id for member in people}, "Choose who it is about")
    category = form.choice("category", MisuseBehaviour, "Choose what you found")
    found_on = _past_day(form, "found_on", "the day on which you found it", today)
    return (
        Finding(StaffId(person), category, found_on) if person and category and found_on and not form.errors else None
    )


def _past_day(form: FormReader, name: str, what: str, today: date) -> date | None:
    called = what[0].upper() + what[1:]
    day = form.day(name, called, f"Enter {what}, like 23 11 2026")
    if day and day > today:
        form.errors.add(name, f"{called} must be today or in the past")
    elif day and day < _FIRST_DAY:
        form.errors.add(name, f"{called} must be in {_FIRST_DAY.year} or later")
    return day
