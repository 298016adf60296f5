"""Operators as JSON."""

from datetime import date, datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from services.registry.context.dependencies import Day, Name, Words
from services.registry.operators.domain import Device, Gate, GateName, OperatorState
from services.registry.operators.queries import Checked
from shared.events.vocabulary import WithdrawalReason
from shared.web.bodies import Body


class GateBody(BaseModel):
    """One gate, as somebody passes it today."""

    model_config = ConfigDict(frozen=True)

    gate: GateName
    passed: bool
    until: date | None
    by_exception: bool

    @classmethod
    def of(cls, gate: Gate) -> Self:
        """Return what a client sees of a gate."""
        return cls(gate=gate.name, passed=gate.passed, until=gate.until, by_exception=gate.by_exception)


class OperatorBody(BaseModel):
    """One operator. Platform access is open while they operate, and until its removal is evidenced."""

    model_config = ConfigDict(frozen=True)

    operator_id: UUID
    account_id: UUID
    staff_id: str
    state: OperatorState
    reason: WithdrawalReason | None
    wanted: bool
    device: Device | None
    gates: tuple[GateBody, ...]
    lapses_at: datetime | None
    exception_until: date | None
    removal_task: UUID | None
    """The open task to remove access on the platform."""
    version: int

    @classmethod
    def of(cls, checked: Checked) -> Self:
        """Return what a client sees of an operator."""
        operator = checked.operator
        return cls(
            operator_id=operator.id,
            account_id=operator.account_id,
            staff_id=operator.staff_id,
            state=operator.state,
            reason=operator.reason,
            wanted=operator.wanted,
            device=operator.device,
            gates=tuple(map(GateBody.of, checked.gates)),
            lapses_at=operator.lapses_at,
            exception_until=checked.exception_until,
            removal_task=checked.removal.id if checked.removal else None,
            version=operator.version,
        )


class OperatorList(BaseModel):
    """The operators of an account."""

    model_config = ConfigDict(frozen=True)

    items: tuple[OperatorBody, ...]


class NamingBody(Body):
    """Who is to operate the account, and on what."""

    staff_id: Name
    device: Device | None = None


class DeviceBody(Body):
    """What somebody uses the account on."""

    device: Device


class WhyBody(Body):
    """Why."""

    reason: Words


class GrantBody(Body):
    """Until the end of which day, and why."""

    last_day: Day
    reason: Words


class EvidenceBody(Body):
    """How one knows that access on the platform is gone."""

    evidence: Words
