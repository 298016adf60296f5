"""Forms of the register: what was typed, read into commands, with every error beside its field."""

from collections.abc import Mapping
from datetime import date
from uuid import UUID

from services.registry.accounts.domain import LEGACY_PERIOD, Fault, Registration, faults, sanctioned_use
from services.registry.accounts.handlers import StatusChange
from shared.events.platforms import PLATFORMS, InvalidHandle, canonical_handle
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import StaffId
from shared.web.forms import FormErrors, refuse_null_characters

_LONGEST = 200
_LONGEST_REASON = 2000

Answers = Mapping[str, list[str]]


def read_registration(answers: Answers, today: date, errors: FormErrors) -> Registration | None:
    """Read the registration form; None where an error was recorded."""
    cells = {name: values[0].strip() for name, values in refuse_null_characters(answers, errors).items() if values}
    for name, text in cells.items():
        if len(text) > _LONGEST:
            errors.add(name, f"Use at most {_LONGEST} characters")
    platform = _platform(cells, errors)
    handle = _handle(platform, cells.get("handle", ""), errors)
    account_class = _class(cells, errors)
    review = _day("next_review_on", cells, errors)
    if errors or platform is None or handle is None or account_class is None:
        return None
    legacy = cells.get("legacy") == "yes"
    registration = Registration(
        platform=platform,
        handle=handle,
        account_class=account_class,
        status=AccountStatus.LEGACY if legacy else AccountStatus.LIVE,
        official_use=sanctioned_use(account_class, claimed=cells.get("official_use") == "yes"),
        title=cells.get("title") or None,
        owner=_staff_id(cells.get("owner")),
        approved_person=_staff_id(cells.get("approved_person")),
        next_review_on=review,
        checks_due_on=today + LEGACY_PERIOD if legacy else None,
    )
    _add(faults(registration), errors)
    return None if errors else registration


def read_status_change(account_id: UUID, answers: Answers, errors: FormErrors) -> StatusChange | None:
    """Read the form that changes a status; None where an error was recorded."""
    cells = {name: values[0].strip() for name, values in refuse_null_characters(answers, errors).items() if values}
    if cells.get("status") not in set(AccountStatus):
        errors.add("status", "Choose what should happen to the account")
    if not cells.get("version", "").isascii() or not cells.get("version", "").isdigit():
        errors.add("status", "Reload the page and choose again")
    if not cells.get("reason"):
        errors.add("reason", "Enter a reason")
    if len(cells.get("reason", "")) > _LONGEST_REASON:
        errors.add("reason", f"Use at most {_LONGEST_REASON} characters")
    if errors:
        return None
    return StatusChange(account_id, int(cells["version"][:9]), AccountStatus(cells["status"]), cells["reason"])


def _add(found: tuple[Fault, ...], errors: FormErrors) -> None:
    for fault in found:
        errors.add(fault.field, fault.message)


def _platform(cells: Mapping[str, str], errors: FormErrors) -> str | None:
    platform = cells.get("platform", "")
    if platform in PLATFORMS:
        return platform
    errors.add("platform", "Choose a platform")
    return None


def _handle(platform: str | None, text: str, errors: FormErrors) -> str | None:
    if platform is None:
        return None
    try:
        return canonical_handle(platform, text)
    except InvalidHandle:
        errors.add("handle", "Enter a handle, or the address of a profile, of that platform")
        return None


def _class(cells: Mapping[str, str], errors: FormErrors) -> AccountClass | None:
    try:
        return AccountClass(cells.get("account_class", ""))
    except ValueError:
        errors.add("account_class", "Choose what kind of account it is")
        return None


def _day(name: str, cells: Mapping[str, str], errors: FormErrors) -> date | None:
    try:
        return date.fromisoformat(cells[name]) if cells.get(name) else None
    except ValueError:
        errors.add(name, "Enter a day such as 2027-03-31")
        return None


def _staff_id(text: str | None) -> StaffId | None:
    return StaffId(text) if text else None
