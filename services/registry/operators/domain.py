"""Gates: what a person needs to operate an account, and what happens if it lapses (S5, Sc-c, D-pia). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from services.registry.accounts.domain import Registration
from services.registry.context.domain import end_of
from services.registry.eligibility.domain import Clearance
from shared.events.vocabulary import AccountClass, AccountStatus, WithdrawalReason
from shared.ids import AccountId, StaffId

LONGEST_EXCEPTION_DAYS = 366
"""The longest exception. Our choice; the policy states no period."""


class Device(StrEnum):
    """The device that an operator uses an account on."""

    DWP_APPROVED = "dwp_approved"
    OTHER = "other"


class GateName(StrEnum):
    """What a person needs to operate an account."""

    TRAINING = "training"
    VETTING = "vetting"
    DEVICE = "device"


class OperatorState(StrEnum):
    """Whether an operator may operate the account."""

    PENDING = "pending"
    """Named, but never authorised so far."""
    AUTHORISED = "authorised"
    WITHDRAWN = "withdrawn"


_CLOSED = {
    AccountStatus.CLOSED: WithdrawalReason.ACCOUNT_CLOSED,
    AccountStatus.FROZEN: WithdrawalReason.ACCOUNT_FROZEN,
}
_LAPSED = {
    GateName.TRAINING: WithdrawalReason.TRAINING_LAPSED,
    GateName.VETTING: WithdrawalReason.VETTING_LAPSED,
    GateName.DEVICE: WithdrawalReason.EXCEPTION_EXPIRED,
}


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate, passed or not, and until when: a day in the past if it has lapsed."""

    name: GateName
    passed: bool
    until: date | None = None
    """The last day; None if there is none, or nothing was recorded."""
    by_exception: bool = False


@dataclass(frozen=True, slots=True)
class GateRecord:
    """The records about an operator that decide which gates they pass."""

    trained_until: date | None = None
    clearance: Clearance | None = None
    device: Device | None = None
    exception_until: date | None = None
    """The last day of the newest exception, including one that has ended."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A person named to operate an account."""

    id: UUID
    account_id: AccountId
    staff_id: StaffId
    state: OperatorState
    wanted: bool
    """False once it was decided that they should no longer operate it."""
    device: Device | None
    reason: WithdrawalReason | None
    lapses_at: datetime | None
    """When the first of their gates lapses."""
    version: int
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an operator's state should be on a day."""

    state: OperatorState
    reason: WithdrawalReason | None = None
    lapses_at: datetime | None = None


def needs_device(registration: Registration) -> bool:
    """Return whether the account is used on DWP approved devices only (D-pia, D-linkedin)."""
    individual = {AccountClass.PROFESSIONAL_INDIVIDUAL, AccountClass.LINKEDIN}
    return registration.account_class in individual and registration.official_use


def can_have_operators(registration: Registration) -> bool:
    """Return whether anyone can be authorised: only if the use is official, never for a union's account."""
    return registration.official_use and registration.status is not AccountStatus.CLOSED


def gates(registration: Registration, record: GateRecord, today: date) -> tuple[Gate, ...]:
    """Return the gates of an account, and whether an operator with this record passes them today."""
    checks = [_training(record, today), _vetting(registration, record, today)]
    if needs_device(registration):
        checks.append(_device(record, today))
    return tuple(checks)


def evaluate(registration: Registration, operator: Operator, record: GateRecord, today: date) -> Evaluation:
    """Return the state of an operator today: authorised only while every gate is passed and the account is open."""
    passed = gates(registration, record, today)
    if reason := _withdrawal_reason(registration, operator, record, passed):
        never = operator.state is OperatorState.PENDING
        return Evaluation(OperatorState.PENDING) if never else Evaluation(OperatorState.WITHDRAWN, reason)
    last_days = [gate.until for gate in passed if gate.until]
    return Evaluation(OperatorState.AUTHORISED, None, end_of(min(last_days)) if last_days else None)


def _training(record: GateRecord, today: date) -> Gate:
    until = record.trained_until
    return Gate(GateName.TRAINING, until is not None and today <= until, until)


def _vetting(registration: Registration, record: GateRecord, today: date) -> Gate:
    required, clearance = registration.vetting_required, record.clearance
    if required is None:
        return Gate(GateName.VETTING, passed=True)
    if clearance is None:
        return Gate(GateName.VETTING, passed=False)
    enough = clearance.level is not None and clearance.level.covers(required)
    return Gate(GateName.VETTING, clearance.covers(required, today), clearance.expires_on if enough else None)


def _device(record: GateRecord, today: date) -> Gate:
    if record.device is Device.DWP_APPROVED:
        return Gate(GateName.DEVICE, passed=True)
    until = record.exception_until
    return Gate(GateName.DEVICE, until is not None and today <= until, until, by_exception=until is not None)


def _withdrawal_reason(
    registration: Registration, operator: Operator, record: GateRecord, passed: Sequence[Gate]
) -> WithdrawalReason | None:
    """Return why an operator is not authorised, the most general reason first; None if nothing prevents it."""
    if closed := _CLOSED.get(registration.status):
        return closed
    if not operator.wanted or not can_have_operators(registration):
        return WithdrawalReason.BY_DECISION
    failed = next((gate.name for gate in passed if not gate.passed), None)
    if failed is GateName.DEVICE and record.exception_until is None:
        return WithdrawalReason.BY_DECISION
    return _LAPSED[failed] if failed else None
