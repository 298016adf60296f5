"""Operators and their gates, as pages show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.registry.operators.domain import Device, Gate, GateName, OperatorState
from services.registry.operators.queries import OperatorWithGates
from shared.events.vocabulary import WithdrawalReason
from shared.web.times import uk_date

DEVICE_LABELS: Mapping[str, str] = {Device.DWP_APPROVED: "A DWP approved device", Device.OTHER: "Another device"}
REASON_LABELS: Mapping[WithdrawalReason, str] = {
    WithdrawalReason.TRAINING_LAPSED: "training lapsed",
    WithdrawalReason.VETTING_LAPSED: "vetting lapsed",
    WithdrawalReason.EXCEPTION_EXPIRED: "the exception expired",
    WithdrawalReason.ACCOUNT_FROZEN: "the account was frozen",
    WithdrawalReason.ACCOUNT_CLOSED: "the account was closed",
    WithdrawalReason.BY_DECISION: "by decision",
}
_STATES = {
    OperatorState.PENDING: ("Not authorised yet", "govuk-tag--yellow"),
    OperatorState.AUTHORISED: ("Authorised", "govuk-tag--green"),
    OperatorState.WITHDRAWN: ("Withdrawn", "govuk-tag--grey"),
}
_MISSING = {
    GateName.TRAINING: "not recorded",
    GateName.VETTING: "not recorded, or not enough",
    GateName.DEVICE: "needs a DWP approved device or an exception",
}
_OVER = {
    GateName.TRAINING: "lapsed after",
    GateName.VETTING: "lapsed after",
    GateName.DEVICE: "needs an exception, the last one ended after",
}


@dataclass(frozen=True, slots=True)
class GateView:
    """One line of the checklist."""

    passed: bool
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class OperatorView:
    """One operator, as a page shows them."""

    id: UUID
    staff_id: str
    state: str
    tag: str
    because: str | None
    unwanted: bool
    gates: tuple[GateView, ...]
    device: str | None
    exception_until: date | None
    removal: UUID | None
    version: int


def operator_view(checked: OperatorWithGates) -> OperatorView:
    """Return an operator in words."""
    operator = checked.operator
    state, tag = _STATES[operator.state]
    return OperatorView(
        id=operator.id,
        staff_id=operator.staff_id,
        state=state,
        tag=tag,
        because=REASON_LABELS[operator.reason] if operator.reason else None,
        unwanted=not operator.wanted,
        gates=tuple(map(gate_view, checked.gates)),
        device=DEVICE_LABELS[operator.device] if operator.device else None,
        exception_until=checked.exception_until,
        removal=checked.removal_task,
        version=operator.version,
    )


def gate_view(gate: Gate) -> GateView:
    """Return a gate in words: "to 3 May 2027", "needs an exception"."""
    return GateView(gate.passed, gate.name.capitalize(), _said(gate))


def _said(gate: Gate) -> str:
    if gate.passed:
        how = "by exception " if gate.by_exception else ""
        return f"{how}to {uk_date(gate.until)}" if gate.until else ""
    return f"{_OVER[gate.name]} {uk_date(gate.until)}" if gate.until else _MISSING[gate.name]
