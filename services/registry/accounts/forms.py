"""Forms of the register: what was typed, read into commands, with every error beside its field."""

from datetime import date
from uuid import UUID

from services.registry.accounts.changing import Closing, Details, StatusChange
from services.registry.accounts.domain import (
    LEGACY_PERIOD,
    Account,
    Registration,
    Vetting,
    faults,
    sanctioned_use,
    status_before,
)
from services.registry.accounts.views import VETTING_LABELS, name_of
from services.registry.context.forms import Answers, Cells, Field, FormPage, Kind
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.web.forms import FormErrors

VETTING_FIELD = Field(
    "vetting_required", "Vetting that its operators need", Kind.LIST, options={"": "None", **VETTING_LABELS}
)


def details_page(account: Account) -> FormPage:
    """Return the page that changes what the register holds of an account."""
    return FormPage(
        title="Change details",
        about=name_of(account),
        action=f"/accounts/{account.id}/details",
        button="Save",
        back=("Back to the account", f"/accounts/{account.id}"),
        version=account.version,
        fields=(
            Field("title", "What it is called (optional)"),
            Field("owner", "Staff ID of its owner (optional)", Kind.ID),
            VETTING_FIELD,
            Field("next_review_on", "Next review (optional)", Kind.ID, "For example, 2027-03-31"),
        ),
    )


def closing_page(account: Account) -> FormPage:
    """Return the page that closes an account."""
    return FormPage(
        title="Close the account",
        about=name_of(account),
        action=f"/accounts/{account.id}/close",
        button="Close the account",
        back=("Back to the account", f"/accounts/{account.id}"),
        version=account.version,
        intro=("Remove the account from the platform first. Signpost cannot do that for you.",),
        fields=(
            Field("close_reason", "Why is it closed?", Kind.WORDS),
            Field("evidence", "How do you know that it is gone from the platform?", Kind.WORDS),
        ),
    )


def read_registration(answers: Answers, today: date, errors: FormErrors) -> Registration | None:
    """Read the registration form; None where an error was recorded.

    It is for accounts from before, which are legacy until they passed the checks, and for those of unions: a new
    account of the department is asked for (S7).
    """
    cells = Cells(answers, errors)
    platform = cells.platform()
    handle = cells.handle(platform)
    account_class = cells.choice("account_class", AccountClass, "Choose what kind of account it is")
    title, owner, person = cells.line("title"), cells.staff_id("owner"), cells.staff_id("approved_person")
    review = cells.day("next_review_on")
    vetting = cells.choice("vetting_required", Vetting)
    if errors or platform is None or handle is None or account_class is None:
        return None
    status = status_before(account_class)
    registration = Registration(
        platform=platform,
        handle=handle,
        account_class=account_class,
        status=status,
        official_use=sanctioned_use(account_class, claimed=cells.ticked("official_use")),
        title=title,
        owner=owner,
        approved_person=person,
        next_review_on=review,
        checks_due_on=today + LEGACY_PERIOD if status is AccountStatus.LEGACY else None,
        vetting_required=vetting,
    )
    add_faults(registration, errors)
    return None if errors else registration


def read_status_change(account_id: UUID, answers: Answers, errors: FormErrors) -> StatusChange | None:
    """Read the form that changes a status; None where an error was recorded."""
    cells = Cells(answers, errors)
    status = cells.choice("status", AccountStatus, "Choose what should happen to the account")
    version = cells.version("status")
    reason = cells.words("reason", "Enter a reason")
    if errors or status is None or reason is None:
        return None
    return StatusChange(account_id, version, status, reason)


def read_details(account_id: UUID, answers: Answers, errors: FormErrors) -> Details | None:
    """Read the form that changes what the register holds; None where an error was recorded."""
    cells = Cells(answers, errors)
    details = Details(
        account_id,
        cells.version("title"),
        title=cells.line("title"),
        owner=cells.staff_id("owner"),
        vetting_required=cells.choice("vetting_required", Vetting),
        next_review_on=cells.day("next_review_on"),
    )
    return None if errors else details


def read_closing(account_id: UUID, answers: Answers, errors: FormErrors) -> Closing | None:
    """Read the form that closes an account; None where an error was recorded."""
    cells = Cells(answers, errors)
    version = cells.version("evidence")
    reason = cells.words("close_reason", "Enter why it is closed")
    evidence = cells.words("evidence", "Say how you know that the account is gone from the platform")
    if errors or reason is None or evidence is None:
        return None
    return Closing(account_id, version, reason, evidence)


def add_faults(registration: Registration, errors: FormErrors) -> None:
    """Put what keeps a registration off the register beside its fields."""
    for fault in faults(registration):
        errors.add(fault.field, fault.message)
