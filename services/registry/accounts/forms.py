"""Forms of the register: what was typed, read into commands, with every error beside its field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query

from services.registry.accounts.domain import (
    CLASS_LABELS,
    LEGACY_PERIOD,
    STATUS_LABELS,
    Account,
    Registration,
    ReviewOutcome,
    Vetting,
    faults,
    sanctioned_use,
    status_before,
)
from services.registry.accounts.handlers import Closing, Details, NewReview, StatusChange
from services.registry.accounts.queries import AccountFilter
from services.registry.accounts.views import VETTING_LABELS, name_of
from services.registry.context.domain import uk_day
from services.registry.context.forms import Answers, Cells, Field, FormPage, Kind
from shared.events.platforms import PLATFORMS, platform_label
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.web.bodies import Text
from shared.web.dependencies import Now
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


_REGISTER = "/accounts"
_MOST = 30


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of the filter, and the address without it."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class FilterInUrl:
    """What was asked for, in the order of the address."""

    pairs: tuple[tuple[str, str], ...]
    wanted: AccountFilter

    def has(self, name: str, value: str) -> bool:
        """Say whether the address asks for this."""
        return (name, value) in self.pairs

    def address(self, path: str = _REGISTER, *, cursor: UUID | None = None) -> str:
        """Return the address of `path` with this filter."""
        pairs = [*self.pairs, *([("cursor", str(cursor))] if cursor else [])]
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def chips(self) -> Iterator[Chip]:
        """Give each part with the address that leaves it out."""
        for pair in self.pairs:
            rest = [other for other in self.pairs if other != pair]
            yield Chip(_filter_label(*pair), f"{_REGISTER}?{urlencode(rest)}" if rest else _REGISTER)


async def _read_filter(
    now: Now,
    account_class: Annotated[Sequence[Text], Query(alias="class", max_length=_MOST)] = (),
    platform: Annotated[Sequence[Text], Query(max_length=_MOST)] = (),
    status: Annotated[Sequence[Text], Query(max_length=_MOST)] = (),
    overdue: Text | None = None,
) -> FilterInUrl:
    """Read a filter from an address. What is not known there is left out, so that an old bookmark still opens."""
    classes = tuple(value for value in AccountClass if value in account_class)
    platforms = tuple(slug for slug in PLATFORMS if slug in platform)
    statuses = tuple(value for value in AccountStatus if value in status)
    late: date | None = uk_day(now) if overdue == "yes" else None
    pairs = (
        *(("class", str(value)) for value in classes),
        *(("platform", slug) for slug in platforms),
        *(("status", str(value)) for value in statuses),
        *((("overdue", "yes"),) if late else ()),
    )
    return FilterInUrl(pairs, AccountFilter(classes, platforms, statuses, late))


FilterDep = Annotated[FilterInUrl, Depends(_read_filter)]


def _filter_label(name: str, value: str) -> str:
    match name:
        case "class":
            return CLASS_LABELS[AccountClass(value)]
        case "status":
            return STATUS_LABELS[AccountStatus(value)]
        case "platform":
            return platform_label(value)
        case _:
            return "Overdue"


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


def read_review(account: Account, answers: Answers, errors: FormErrors) -> NewReview | None:
    """Read what a review decided; None where an error was recorded."""
    cells = Cells(answers, errors)
    outcome = cells.choice("outcome", ReviewOutcome, "Choose what should become of the account")
    version = cells.version("outcome")
    reason = cells.words("reason", "Enter why")
    next_on, evidence = cells.day("next_on"), cells.words("evidence")
    if errors or outcome is None or reason is None:
        return None
    return NewReview(account.id, version, outcome, reason, next_on, evidence)


def recovery_page(account: Account) -> FormPage:
    """Return the page that records how a frozen account was recovered."""
    return FormPage(
        title="Record the recovery",
        about=name_of(account),
        action=f"/accounts/{account.id}/recover",
        button="Record the recovery",
        back=("Back to the account", f"/accounts/{account.id}"),
        version=account.version,
        intro=("The account opens again. Its operators are authorised again where they pass every gate.",),
        fields=(
            Field(
                "what_was_done",
                "What was done to get the account back?",
                Kind.WORDS,
                "For example: password and recovery address changed, sessions ended, two-step sign-in checked",
            ),
        ),
    )
