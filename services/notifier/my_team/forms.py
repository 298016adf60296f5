"""What a manager records: categories and days, no details, nothing in the future."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TypeVar

from services.notifier.misuse.handlers import ActionTaken
from shared.events.vocabulary import AlertPurpose, ManagerAction, MisuseBehaviour
from shared.ids import StaffId
from shared.web.forms import FormErrors

E = TypeVar("E", bound=StrEnum)
Fields = Mapping[str, Sequence[str]]
_FIRST_YEAR = 2000


@dataclass(frozen=True, slots=True)
class Finding:
    """Non-compliance that a manager found without a report."""

    person: StaffId
    category: MisuseBehaviour
    found_on: date


def read_action(fields: Fields, today: date, errors: FormErrors) -> ActionTaken | None:
    """Return what the manager says they did; None where something is to be corrected."""
    action = _choice(fields, "action", ManagerAction, "Choose what you did", errors)
    acted_on = _day(fields, "acted_on", today, "the day on which you did it", errors)
    return ActionTaken(action, acted_on) if action and acted_on and not errors else None


def read_finding(fields: Fields, people: Collection[StaffId], today: date, errors: FormErrors) -> Finding | None:
    """Return what the manager found about one of `people`; None where something is to be corrected."""
    person = StaffId(_text(fields, "person"))
    if person not in people:
        errors.add("person", "Choose who it is about")
    category = _choice(fields, "category", MisuseBehaviour, "Choose what you found", errors)
    found_on = _day(fields, "found_on", today, "the day on which you found it", errors)
    return Finding(person, category, found_on) if category and found_on and not errors else None


def typed(fields: Fields) -> dict[str, str]:
    """Return what was typed, to be shown again."""
    return {name: values[0] for name, values in fields.items() if values}


def _choice(fields: Fields, name: str, kind: type[E], message: str, errors: FormErrors) -> E | None:
    given = fields.get(name, ())
    if len(given) == 1 and given[0] in set(kind):
        return kind(given[0])
    errors.add(name, message)
    return None


def _day(fields: Fields, name: str, today: date, what: str, errors: FormErrors) -> date | None:
    field = f"{name}-day"
    parts = [_text(fields, f"{name}-{part}") for part in ("year", "month", "day")]
    try:
        day = date(*(int(part) for part in parts if part.isascii() and part.isdigit()))
    except (TypeError, ValueError, OverflowError):
        errors.add(field, f"Enter {what}, like 23 11 2026")
        return None
    if day > today:
        errors.add(field, "The day must be today or in the past")
    elif day.year < _FIRST_YEAR:
        errors.add(field, f"Enter {what} with all four digits of the year")
    return day


def _text(fields: Fields, name: str) -> str:
    given = fields.get(name, ())
    return given[0].strip() if len(given) == 1 else ""


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
    MisuseBehaviour.HARASSMENT: "Harassed or abused somebody",
    MisuseBehaviour.UNSANCTIONED_ACCOUNT: "Used an account for the department that was not approved",
    MisuseBehaviour.UNTRAINED_OPERATOR: "Operated an account without training",
    MisuseBehaviour.UNAPPROVED_DEVICE: "Used a device that is not approved",
    MisuseBehaviour.FAILURE_TO_REPORT: "Did not report an incident",
    MisuseBehaviour.OTHER: "Something else",
}
