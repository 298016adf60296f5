"""Forms of the register: their fields, and how answers become commands, with each error beside its field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query

from services.registry.accounts import domain
from services.registry.accounts.handlers import Closing, Details, NewReview, StatusChange
from services.registry.accounts.queries import AccountFilter
from services.registry.accounts.views import VETTING_LABELS, name_of
from services.registry.context.domain import uk_day
from services.registry.context.forms import RegistryForm
from shared.events.platforms import PLATFORMS, platform_label
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.web.bodies import Line
from shared.web.dependencies import Now
from shared.web.forms import Field, FormErrors, FormPage, Kind, Option, options

VETTING_FIELD = Field(
    "vetting_required",
    "Vetting that its operators need",
    Kind.SELECT,
    options=(Option("", "None"), *options(VETTING_LABELS)),
)


_CLASS_HINTS: Mapping[AccountClass, str] = {
    AccountClass.OFFICIAL: "Represents DWP or the Jobcentre Plus network",
    AccountClass.PROFESSIONAL_INDIVIDUAL: "An approved person speaks for DWP with it, on an approved device",
    AccountClass.LINKEDIN: "A colleague’s own account for professional networking",
    AccountClass.UNION: "Outside the policy: we keep only its platform and handle",
}
PLATFORM_FIELDS = (
    Field("platform", "Platform", Kind.SELECT, options=(Option("", "Choose a platform"), *options(PLATFORMS))),
    Field("handle", "Handle or address", hint="Such as @name, or the address of its profile"),
)
REGISTRATION = FormPage(
    title="Register an account",
    action="/accounts/new",
    button="Register",
    back=("All accounts", "/accounts"),
    intro=(
        f"An account from before the register is legacy. It must pass the checks in {domain.LEGACY_PERIOD.days} days.",
        "One account has one purpose. Personal accounts are never registered.",
    ),
    fields=(
        *PLATFORM_FIELDS,
        Field(
            "account_class",
            "What kind of account is it?",
            Kind.RADIOS,
            options=options(domain.CLASS_LABELS, _CLASS_HINTS),
        ),
        Field("title", "What it is called (optional)", hint="Shown on the public list of official accounts"),
        Field("owner", "Staff ID of its owner (optional)", Kind.ID),
        Field("approved_person", "Staff ID of the approved person", Kind.ID, "Only for an individual’s account"),
        Field("next_review_on", "Next review (optional)", Kind.DAY),
        VETTING_FIELD,
        Field(
            "official_use",
            "Official use",
            Kind.CHECKBOXES,
            options=(
                Option("yes", "DWP sanctions the official use of this LinkedIn account", "From a DWP device only"),
            ),
        ),
    ),
)


def details_page(account: domain.Account) -> FormPage:
    """Return the page that changes the details of an account."""
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
            Field("next_review_on", "Next review (optional)", Kind.DAY),
        ),
    )


def closing_page(account: domain.Account) -> FormPage:
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
            Field("close_reason", "Why is it closed?", Kind.TEXT),
            Field("evidence", "How do you know that it is gone from the platform?", Kind.TEXT),
        ),
    )


def read_registration(form: RegistryForm, today: date) -> domain.Registration | None:
    """Read the registration form; None if an error was recorded.

    It is for accounts that existed before the register, which are legacy until they pass the checks, and for union
    accounts. A new account of the department must be requested (S7).
    """
    platform = form.platform()
    handle = form.handle(platform)
    account_class = form.choice("account_class", AccountClass, "Choose what kind of account it is")
    title, owner, person = form.name("title"), form.staff_id("owner"), form.staff_id("approved_person")
    review = form.register_day("next_review_on", "The next review")
    vetting = form.choice("vetting_required", domain.Vetting)
    if form.errors or platform is None or handle is None or account_class is None:
        return None
    status = domain.first_status(account_class)
    registration = domain.Registration(
        platform=platform,
        handle=handle,
        account_class=account_class,
        status=status,
        official_use=domain.sanctioned_use(account_class, claimed=form.ticked("official_use")),
        title=title,
        owner=owner,
        approved_person=person,
        next_review_on=review,
        checks_due_on=today + domain.LEGACY_PERIOD if status is AccountStatus.LEGACY else None,
        vetting_required=vetting,
    )
    add_faults(registration, form.errors)
    return None if form.errors else registration


def read_status_change(account_id: UUID, form: RegistryForm) -> StatusChange | None:
    """Read the form that changes a status; None if an error was recorded."""
    status = form.choice("status", AccountStatus, "Choose what should happen to the account")
    version = form.version(beside="status")
    reason = form.text("reason", "Enter a reason")
    if form.errors or version is None or status is None or reason is None:
        return None
    return StatusChange(account_id, version, status, reason)


def read_details(account_id: UUID, form: RegistryForm) -> Details | None:
    """Read the form that changes the details; None if an error was recorded."""
    version, title, owner = form.version(beside="title"), form.name("title"), form.staff_id("owner")
    vetting = form.choice("vetting_required", domain.Vetting)
    review = form.register_day("next_review_on", "The next review")
    if form.errors or version is None:
        return None
    return Details(account_id, version, title, owner, vetting, review)


def read_closing(account_id: UUID, form: RegistryForm) -> Closing | None:
    """Read the form that closes an account; None if an error was recorded."""
    version = form.version(beside="evidence")
    reason = form.text("close_reason", "Enter why it is closed")
    evidence = form.text("evidence", "Enter how you know that the account is gone from the platform")
    if form.errors or version is None or reason is None or evidence is None:
        return None
    return Closing(account_id, version, reason, evidence)


def add_faults(registration: domain.Registration, errors: FormErrors) -> None:
    """Record each broken rule of a registration beside its field."""
    for fault in domain.faults(registration):
        errors.add(fault.field, fault.message)


_REGISTER = "/accounts"
_MOST = 30


@dataclass(frozen=True, slots=True)
class Chip:
    """One part of the filter, and the URL without it."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class FilterInUrl:
    """The filter in a URL, in the order of its parameters."""

    pairs: tuple[tuple[str, str], ...]
    wanted: AccountFilter

    def has(self, name: str, value: str) -> bool:
        """Return whether the URL has this value."""
        return (name, value) in self.pairs

    def address(self, path: str = _REGISTER, *, cursor: UUID | None = None) -> str:
        """Return the URL of `path` with this filter."""
        pairs = [*self.pairs, *([("cursor", str(cursor))] if cursor else [])]
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def chips(self) -> Iterator[Chip]:
        """Yield each part with the URL that leaves it out."""
        for pair in self.pairs:
            rest = [other for other in self.pairs if other != pair]
            yield Chip(_filter_label(*pair), f"{_REGISTER}?{urlencode(rest)}" if rest else _REGISTER)


async def _read_filter(
    now: Now,
    account_class: Annotated[Sequence[Line], Query(alias="class", max_length=_MOST)] = (),
    platform: Annotated[Sequence[Line], Query(max_length=_MOST)] = (),
    status: Annotated[Sequence[Line], Query(max_length=_MOST)] = (),
    overdue: Line | None = None,
) -> FilterInUrl:
    """Read a filter from a URL. Unknown values are ignored, so that old bookmarks still work."""
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
            return domain.CLASS_LABELS[AccountClass(value)]
        case "status":
            return domain.STATUS_LABELS[AccountStatus(value)]
        case "platform":
            return platform_label(value)
        case _:
            return "Overdue"


OUTCOMES: Mapping[str, str] = {
    domain.ReviewOutcome.KEEP: "Keep it: it still fulfils its strategic business requirement",
    domain.ReviewOutcome.CHANGE: "Keep it, and change something",
    domain.ReviewOutcome.CLOSE: "Close it: it was removed from the platform",
}


def review_page(account: domain.Account) -> FormPage:
    """Return the page that records a review."""
    return FormPage(
        title="Record a review",
        about=name_of(account),
        action=f"/accounts/{account.id}/review",
        button="Record the review",
        back=("Back to the account", f"/accounts/{account.id}"),
        version=account.version,
        fields=(
            Field("outcome", "What should happen to the account?", Kind.RADIOS, options=options(OUTCOMES)),
            Field("reason", "Why? If something changes, say what", Kind.TEXT),
            Field("next_on", "Next review", Kind.DAY, "Leave this empty if you close it. For example, 27 3 2026"),
            Field("evidence", "How do you know that it is gone from the platform?", Kind.TEXT, "Only if it is closed"),
        ),
    )


def read_review(account: domain.Account, form: RegistryForm) -> NewReview | None:
    """Read what a review decided; None if an error was recorded."""
    outcome = form.choice("outcome", domain.ReviewOutcome, "Choose what should happen to the account")
    version = form.version(beside="outcome")
    reason = form.text("reason", "Enter why")
    next_on, evidence = form.register_day("next_on", "The next review"), form.text("evidence")
    if form.errors or version is None or outcome is None or reason is None:
        return None
    return NewReview(account.id, version, outcome, reason, next_on, evidence)


def recovery_page(account: domain.Account) -> FormPage:
    """Return the page that records how a frozen account was recovered."""
    return FormPage(
        title="Record the recovery",
        about=name_of(account),
        action=f"/accounts/{account.id}/recover",
        button="Record the recovery",
        back=("Back to the account", f"/accounts/{account.id}"),
        version=account.version,
        intro=("The account opens again. Its operators are authorised again if they pass every gate.",),
        fields=(
            Field(
                "what_was_done",
                "What was done to get the account back?",
                Kind.TEXT,
                "For example: password and recovery address changed, sessions ended, two-step sign-in checked",
            ),
        ),
    )


def read_recovery(form: RegistryForm) -> tuple[int, str] | None:
    """Read how an account was recovered, and its version; None if an error was recorded."""
    done, version = form.text("what_was_done", "Enter what was done"), form.version(beside="what_was_done")
    return None if form.errors or done is None or version is None else (version, done)


def status_fields(account: domain.Account, following: Sequence[AccountStatus]) -> tuple[Field, ...]:
    """Return the fields that change a status on the page of the account."""
    union = account.registration.account_class is AccountClass.UNION
    kept = "We do not keep this: a union account keeps only its platform and handle"
    statuses = options({status: domain.STATUS_LABELS[status] for status in following})
    return (
        Field("status", "Change its status to", Kind.RADIOS, options=statuses),
        Field("reason", "Why", Kind.TEXT, kept if union else "We show this in the account’s history"),
    )
