"""Gates and dates: who may operate an account, and until when."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.registry.accounts.domain import Registration, Vetting
from services.registry.context.domain import end_of, months_later, uk_day
from services.registry.eligibility.domain import Clearance
from services.registry.operators.domain import (
    Device,
    Evaluation,
    GateName,
    GateRecord,
    Operator,
    OperatorState,
    evaluate,
    gates,
)
from shared.events.vocabulary import AccountStatus, WithdrawalReason
from shared.ids import AccountId, StaffId
from tests.services.registry.conftest import INDIVIDUAL, NETWORKING, NOW, OFFICIAL, RECRUITER, UNION

TODAY = NOW.date()
OPERATOR_ID = StaffId("S7004")
OPERATOR = Operator(
    UUID(int=1), AccountId(UUID(int=2)), OPERATOR_ID, OperatorState.PENDING, True, None, None, None, 1, NOW
)
TRAINED = GateRecord(trained_until=TODAY)
NEEDS_SC = replace(OFFICIAL, vetting_required=Vetting.SC)


def vetted(level: Vetting | None, expires_on: date | None = None) -> GateRecord:
    return replace(TRAINED, clearance=Clearance(OPERATOR_ID, level, expires_on))


PASSED = [
    (OFFICIAL, TRAINED),
    (NEEDS_SC, vetted(Vetting.SC)),
    (NEEDS_SC, vetted(Vetting.DV, TODAY)),
    (INDIVIDUAL, replace(TRAINED, device=Device.DWP_APPROVED)),
    (INDIVIDUAL, replace(TRAINED, device=Device.OTHER, exception_until=TODAY)),
    (INDIVIDUAL, replace(TRAINED, exception_until=TODAY)),
    (RECRUITER, replace(TRAINED, device=Device.DWP_APPROVED)),
]
YESTERDAY = TODAY - timedelta(days=1)
FAILED = [
    (OFFICIAL, GateRecord(), GateName.TRAINING, WithdrawalReason.TRAINING_LAPSED),
    (OFFICIAL, GateRecord(trained_until=YESTERDAY), GateName.TRAINING, WithdrawalReason.TRAINING_LAPSED),
    (NEEDS_SC, TRAINED, GateName.VETTING, WithdrawalReason.VETTING_LAPSED),
    (NEEDS_SC, vetted(None), GateName.VETTING, WithdrawalReason.VETTING_LAPSED),
    (NEEDS_SC, vetted(Vetting.CTC), GateName.VETTING, WithdrawalReason.VETTING_LAPSED),
    (NEEDS_SC, vetted(Vetting.DV, YESTERDAY), GateName.VETTING, WithdrawalReason.VETTING_LAPSED),
    (INDIVIDUAL, TRAINED, GateName.DEVICE, WithdrawalReason.BY_DECISION),
    (INDIVIDUAL, replace(TRAINED, device=Device.OTHER), GateName.DEVICE, WithdrawalReason.BY_DECISION),
    (INDIVIDUAL, replace(TRAINED, exception_until=YESTERDAY), GateName.DEVICE, WithdrawalReason.EXCEPTION_EXPIRED),
    (RECRUITER, replace(TRAINED, device=Device.OTHER), GateName.DEVICE, WithdrawalReason.BY_DECISION),
]


@pytest.mark.policy("S5")
@pytest.mark.policy("Sc-c")
@pytest.mark.policy("D-pia")
@pytest.mark.policy("D-linkedin")
@pytest.mark.parametrize(("registration", "record"), PASSED)
def test_an_operator_who_passes_every_gate_is_authorised(registration: Registration, record: GateRecord) -> None:
    assert all(gate.passed for gate in gates(registration, record, TODAY))
    assert evaluate(registration, OPERATOR, record, TODAY).state is OperatorState.AUTHORISED


@pytest.mark.policy("S5")
@pytest.mark.policy("Sc-c")
@pytest.mark.policy("D-pia")
@pytest.mark.policy("D-linkedin")
@pytest.mark.parametrize(("registration", "record", "gate", "reason"), FAILED)
def test_an_operator_who_fails_one_gate_is_not(
    registration: Registration, record: GateRecord, gate: GateName, reason: WithdrawalReason
) -> None:
    assert [one.name for one in gates(registration, record, TODAY) if not one.passed] == [gate]
    assert evaluate(registration, OPERATOR, record, TODAY) == Evaluation(OperatorState.PENDING)
    authorised = replace(OPERATOR, state=OperatorState.AUTHORISED)
    assert evaluate(registration, authorised, record, TODAY) == Evaluation(OperatorState.WITHDRAWN, reason)


@pytest.mark.parametrize(
    ("registration", "operator", "reason"),
    [
        (replace(OFFICIAL, status=AccountStatus.FROZEN), OPERATOR, WithdrawalReason.ACCOUNT_FROZEN),
        (replace(OFFICIAL, status=AccountStatus.CLOSED), OPERATOR, WithdrawalReason.ACCOUNT_CLOSED),
        (OFFICIAL, replace(OPERATOR, wanted=False), WithdrawalReason.BY_DECISION),
        (NETWORKING, OPERATOR, WithdrawalReason.BY_DECISION),
        (UNION, OPERATOR, WithdrawalReason.BY_DECISION),
    ],
)
def test_what_is_frozen_closed_not_official_or_decided_is_not_operated(
    registration: Registration, operator: Operator, reason: WithdrawalReason
) -> None:
    authorised = replace(operator, state=OperatorState.AUTHORISED)
    assert evaluate(registration, authorised, TRAINED, TODAY) == Evaluation(OperatorState.WITHDRAWN, reason)


def test_an_account_without_a_device_rule_asks_for_no_device() -> None:
    assert [gate.name for gate in gates(OFFICIAL, TRAINED, TODAY)] == [GateName.TRAINING, GateName.VETTING]


def test_the_first_gate_that_closes_ends_the_authorisation() -> None:
    soon, later = date(2026, 12, 1), date(2027, 5, 3)
    record = GateRecord(trained_until=later, device=Device.OTHER, exception_until=soon)
    evaluation = evaluate(INDIVIDUAL, OPERATOR, record, TODAY)
    assert evaluation.lapses_at == end_of(soon)
    approved = replace(record, device=Device.DWP_APPROVED)
    assert evaluate(INDIVIDUAL, OPERATOR, approved, TODAY).lapses_at == end_of(later)


LAST_DAYS = [
    (date(2026, 12, 1), datetime(2026, 12, 1, 23, 59, 59, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC)),
    # The clocks go forward on 28 March 2027: its midnight begins in winter time and ends in summer time.
    (date(2027, 3, 27), datetime(2027, 3, 27, 23, 59, 59, tzinfo=UTC), datetime(2027, 3, 28, tzinfo=UTC)),
    (date(2027, 3, 28), datetime(2027, 3, 28, 22, 59, 59, tzinfo=UTC), datetime(2027, 3, 28, 23, tzinfo=UTC)),
    # They go back on 25 October 2026: its midnight begins in summer time and ends in winter time.
    (date(2026, 10, 24), datetime(2026, 10, 24, 22, 59, 59, tzinfo=UTC), datetime(2026, 10, 24, 23, tzinfo=UTC)),
    (date(2026, 10, 25), datetime(2026, 10, 25, 23, 59, 59, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC)),
    (date(2028, 2, 29), datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)),
    (date(2026, 7, 31), datetime(2026, 7, 31, 22, 59, 59, tzinfo=UTC), datetime(2026, 7, 31, 23, tzinfo=UTC)),
]


@pytest.mark.policy("S5")
@pytest.mark.parametrize(("last_day", "before", "over"), LAST_DAYS)
def test_what_counts_on_a_day_counts_until_midnight_in_the_united_kingdom(
    last_day: date, before: datetime, over: datetime
) -> None:
    record = GateRecord(trained_until=last_day)
    evaluation = evaluate(OFFICIAL, OPERATOR, record, uk_day(before))
    assert evaluation == Evaluation(OperatorState.AUTHORISED, None, over)
    authorised = replace(OPERATOR, state=OperatorState.AUTHORISED)
    lapsed = Evaluation(OperatorState.WITHDRAWN, WithdrawalReason.TRAINING_LAPSED)
    assert evaluate(OFFICIAL, authorised, record, uk_day(over)) == lapsed


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2023, 2, 28), 12, date(2024, 2, 28)),
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2026, 12, 31), 2, date(2027, 2, 28)),
        (date(2026, 5, 3), 24, date(2028, 5, 3)),
    ],
)
def test_months_are_counted_by_the_calendar(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later
