"""Accounts on the register, and their rules. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.registry.context.domain import Fault, months_later
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import AccountId, StaffId

LEGACY_PERIOD = timedelta(days=90)
"""How long a legacy account has to pass the checks (Sc-d). The period is our choice; the policy states none."""


class Vetting(StrEnum):
    """National security vetting, lowest level first (Sc-c)."""

    BPSS = "bpss"
    CTC = "ctc"
    SC = "sc"
    DV = "dv"

    def covers(self, required: "Vetting") -> bool:
        """Return whether this level includes the required one."""
        levels = tuple(Vetting)
        return levels.index(self) >= levels.index(required)


CLASS_LABELS: Mapping[AccountClass, str] = {
    AccountClass.OFFICIAL: "Official DWP account",
    AccountClass.PROFESSIONAL_INDIVIDUAL: "Professional individual account",
    AccountClass.LINKEDIN: "LinkedIn account",
    AccountClass.UNION: "Trade union account",
}
"""Personal accounts are not a class of the register, because they are never sanctioned (D-personal)."""

STATUS_LABELS: Mapping[AccountStatus, str] = {
    AccountStatus.APPROVED: "Approved, to be confirmed",
    AccountStatus.LIVE: "Live",
    AccountStatus.LEGACY: "Legacy, to be checked",
    AccountStatus.FROZEN: "Frozen",
    AccountStatus.CLOSED: "Closed",
}

_PERSONAL = ("owner", "approved_person", "declared_by")

_FOLLOWING: Mapping[AccountStatus, tuple[AccountStatus, ...]] = {
    AccountStatus.APPROVED: (AccountStatus.LIVE, AccountStatus.FROZEN, AccountStatus.CLOSED),
    AccountStatus.LIVE: (AccountStatus.FROZEN, AccountStatus.CLOSED),
    AccountStatus.LEGACY: (AccountStatus.APPROVED, AccountStatus.LIVE, AccountStatus.FROZEN, AccountStatus.CLOSED),
    AccountStatus.CLOSED: (),
}


@dataclass(frozen=True, slots=True)
class Registration:
    """The details of an account on the register."""

    platform: str
    handle: str
    """Canonical for its platform."""
    account_class: AccountClass
    status: AccountStatus = AccountStatus.LIVE
    official_use: bool = False
    """Whether the department sanctions its use: always for the first two classes, never for a union account."""
    title: str | None = None
    owner: StaffId | None = None
    approved_person: StaffId | None = None
    next_review_on: date | None = None
    checks_due_on: date | None = None
    """By when a legacy account must pass the checks (Sc-d)."""
    vetting_required: Vetting | None = None
    """The vetting that its operators need (Sc-c); None if none is needed."""
    declared_by: StaffId | None = None
    """Who declared that they hold or sponsor it (Sc-d); None if the register itself vouches for it."""
    to_confirm: bool = False
    """Whether someone still has to record that it exists on the platform and is ours (S7)."""

    @property
    def vouched_for(self) -> bool:
        """Whether the department vouches that the account is its own: not if it is only declared, or not confirmed."""
        return not self.declared and not self.to_confirm

    @property
    def declared(self) -> bool:
        """Whether only the person who declared it vouches for it."""
        return self.declared_by is not None and self.checks_due_on is not None

    @property
    def sanctioned(self) -> bool:
        """Whether the department sanctions its use, and vouches for it."""
        return self.official_use and self.vouched_for


@dataclass(frozen=True, slots=True)
class Account:
    """An account on the register, with its id and state."""

    id: AccountId
    registration: Registration
    version: int
    registered_at: datetime
    changed_at: datetime

    def overdue(self, today: date) -> bool:
        """Return whether a legacy account missed the date of its checks, or any account its review (Sc-d, S8)."""
        due = (self.registration.checks_due_on, self.registration.next_review_on)
        return self.registration.status is not AccountStatus.CLOSED and any(day < today for day in due if day)


def faults(registration: Registration) -> tuple[Fault, ...]:
    """Return every rule of the register that a registration breaks; empty if it breaks none."""
    return tuple(fault for rule in _RULES if (fault := rule(registration)))


def sanctioned_use(account_class: AccountClass, *, claimed: bool) -> bool:
    """Return whether an account of this class is used officially: only a LinkedIn account leaves a choice."""
    if account_class is AccountClass.LINKEDIN:
        return claimed
    return account_class is not AccountClass.UNION


def first_status(account_class: AccountClass) -> AccountStatus:
    """Return the first status of an account from before the register: legacy (Sc-d), but live for a union's (C-j)."""
    return AccountStatus.LIVE if account_class is AccountClass.UNION else AccountStatus.LEGACY


def statuses_by_hand(registration: Registration) -> tuple[AccountStatus, ...]:
    """Return the statuses that need only a reason; passing the checks, recovery and closing need more."""
    by_hand = AccountStatus.CLOSED if registration.account_class is AccountClass.UNION else AccountStatus.FROZEN
    return tuple(status for status in next_statuses(registration) if status is by_hand)


def status_after_recovery(registration: Registration) -> AccountStatus:
    """Return the status after a frozen account is recovered: what was still to be checked or confirmed still is."""
    return AccountStatus.LEGACY if registration.checks_due_on else status_after_approval(registration)


def status_after_approval(registration: Registration) -> AccountStatus:
    """Return the status after an approval: live only if it is known that the account exists and is ours."""
    return AccountStatus.APPROVED if registration.to_confirm else AccountStatus.LIVE


def next_statuses(registration: Registration) -> tuple[AccountStatus, ...]:
    """Return the statuses that can follow."""
    if registration.status is AccountStatus.FROZEN:
        return (status_after_recovery(registration), AccountStatus.CLOSED)
    following = _FOLLOWING[registration.status]
    if registration.account_class is AccountClass.UNION:
        return tuple(status for status in following if status is AccountStatus.CLOSED)
    return following


def _union_keeps_platform_and_handle_only(registration: Registration) -> Fault | None:
    """Return a fault if the register could show who is a member of a union (C-j)."""
    if registration.account_class is not AccountClass.UNION:
        return None
    forbidden = (*_PERSONAL, "title", "next_review_on", "checks_due_on", "vetting_required")
    for field in forbidden:
        if getattr(registration, field) is not None:
            return Fault(field, "A union account keeps its platform and handle only")
    if registration.official_use:
        return Fault("official_use", "A union account is never used for the department")
    if registration.status not in {AccountStatus.LIVE, AccountStatus.CLOSED}:
        return Fault("status", "A union account is live or closed: it is outside the policy")
    return None


def _professional_individual_names_a_person(registration: Registration) -> Fault | None:
    """Return a fault if a professional individual's account has no approved person, or another one has (D-pia)."""
    individual = registration.account_class is AccountClass.PROFESSIONAL_INDIVIDUAL
    missing = individual and registration.approved_person is None
    return Fault("approved_person", "Enter the staff ID of the person who was approved") if missing else None


def _only_individuals_are_approved(registration: Registration) -> Fault | None:
    individual = registration.account_class in {AccountClass.PROFESSIONAL_INDIVIDUAL, AccountClass.LINKEDIN}
    misplaced = registration.approved_person is not None and not individual
    return Fault("approved_person", "Only an individual's account has an approved person") if misplaced else None


def _linkedin_is_on_linkedin(registration: Registration) -> Fault | None:
    """D-linkedin."""
    elsewhere = registration.account_class is AccountClass.LINKEDIN and registration.platform != "linkedin"
    return Fault("platform", "An account of the class LinkedIn is on LinkedIn") if elsewhere else None


def _use_fits_the_class(registration: Registration) -> Fault | None:
    fitting = sanctioned_use(registration.account_class, claimed=registration.official_use)
    return None if fitting == registration.official_use else Fault("official_use", "This does not fit the class")


def _legacy_has_a_date(registration: Registration) -> Fault | None:
    """Return a fault if a legacy account has no date for its checks (Sc-d)."""
    legacy, dated = registration.status is AccountStatus.LEGACY, registration.checks_due_on is not None
    return Fault("checks_due_on", "Enter the date by which the checks must be passed") if legacy and not dated else None


def _live_is_confirmed(registration: Registration) -> Fault | None:
    """Return a fault if an account is live before someone recorded that it exists and is ours (S7)."""
    live, approved = registration.status is AccountStatus.LIVE, registration.status is AccountStatus.APPROVED
    unfit = (live and registration.to_confirm) or (approved and not registration.to_confirm)
    return Fault("status", "An account is live once it is confirmed to exist and to be ours") if unfit else None


_RULES: tuple[Callable[[Registration], Fault | None], ...] = (
    _union_keeps_platform_and_handle_only,
    _professional_individual_names_a_person,
    _only_individuals_are_approved,
    _linkedin_is_on_linkedin,
    _use_fits_the_class,
    _legacy_has_a_date,
    _live_is_confirmed,
)


LONGEST_MONTHS = 24
"""The longest time between reviews. Our choice; the policy states no period."""


class ReviewOutcome(StrEnum):
    """The decision of a review."""

    KEEP = "keep"
    CHANGE = "change"
    CLOSE = "close"


@dataclass(frozen=True, slots=True)
class Review:
    """A recorded review."""

    id: UUID
    account_id: UUID
    due_on: date | None
    outcome: ReviewOutcome
    reason: str
    next_on: date | None
    reviewed_by: str
    reviewed_at: datetime


def can_be_reviewed(registration: Registration) -> bool:
    """Return whether an account is reviewed: any open account except a union's."""
    union = registration.account_class is AccountClass.UNION
    return not union and registration.status is not AccountStatus.CLOSED


def review_fault(outcome: ReviewOutcome, next_on: date | None, evidence: str | None, today: date) -> Fault | None:
    """Return what is missing: the day of the next review, or the evidence that the account is gone."""
    if outcome is ReviewOutcome.CLOSE:
        missing = "Enter how you know that the account is gone from the platform"
        return None if evidence else Fault("evidence", missing)
    if next_on is None or not today < next_on <= months_later(today, LONGEST_MONTHS):
        return Fault("next_on", f"Enter a day in the next {LONGEST_MONTHS} months for the next review")
    return None
