"""The life cycle of an operator's authorisation, for any events in any order."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.registry.accounts.domain import Registration, Vetting, next_statuses
from services.registry.context.domain import uk_day
from services.registry.eligibility.domain import Clearance
from services.registry.operators.domain import Device, GateRecord, Operator, OperatorState, evaluate, gates
from shared.events.vocabulary import AccountStatus
from shared.ids import AccountId, StaffId
from tests.services.registry.conftest import INDIVIDUAL, NOW, OFFICIAL, RECRUITER

days = st.integers(-40, 40).map(lambda number: timedelta(days=number))


class LifeOfAnAuthorisation(RuleBasedStateMachine):
    """Each event is followed by an evaluation, and each day by the sweep, as in the handlers."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.registration: Registration = OFFICIAL
        self.record = GateRecord(trained_until=uk_day(NOW) + timedelta(days=20), device=Device.DWP_APPROVED)
        self.operator = Operator(
            UUID(int=1), AccountId(UUID(int=2)), StaffId("S1"), OperatorState.PENDING, True, None, None, None, 1, NOW
        )
        self._evaluate()

    @rule(kind=st.sampled_from([OFFICIAL, INDIVIDUAL, RECRUITER]), level=st.none() | st.sampled_from(Vetting))
    def be_another_account(self, kind: Registration, level: Vetting | None) -> None:
        self.registration = replace(kind, status=self.registration.status, vetting_required=level)
        self._evaluate()

    @rule(until=days)
    def train(self, until: timedelta) -> None:
        self.record = replace(self.record, trained_until=uk_day(self.now) + until)
        self._evaluate()

    @rule(level=st.none() | st.sampled_from(Vetting), until=st.none() | days)
    def vet(self, level: Vetting | None, until: timedelta | None) -> None:
        expires = None if until is None else uk_day(self.now) + until
        self.record = replace(self.record, clearance=Clearance(StaffId("S1"), level, expires))
        self._evaluate()

    @rule(device=st.sampled_from(Device), until=st.none() | days)
    def use(self, device: Device, until: timedelta | None) -> None:
        expires = None if until is None else uk_day(self.now) + until
        self.record = replace(self.record, device=device, exception_until=expires)
        self._evaluate()

    @rule(wanted=st.booleans())
    def decide(self, *, wanted: bool) -> None:
        self.operator = replace(self.operator, wanted=wanted)
        self._evaluate()

    @rule(data=st.data())
    def change_status(self, data: st.DataObject) -> None:
        following = next_statuses(self.registration)
        if following:
            status = data.draw(st.sampled_from(following))
            self.registration = replace(self.registration, status=status)
            self._evaluate()

    @rule(hours=st.integers(1, 24 * 30))
    def pass_time(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        if self.operator.lapses_at and self.operator.lapses_at <= self.now:
            self._evaluate()

    @invariant()
    def no_one_is_authorised_who_lacks_a_gate(self) -> None:
        if self.operator.state is OperatorState.AUTHORISED:
            assert all(gate.passed for gate in gates(self.registration, self.record, uk_day(self.now)))
            assert self.operator.wanted
            assert self.registration.status in {AccountStatus.LIVE, AccountStatus.LEGACY}

    @invariant()
    def an_operator_who_passes_every_gate_is_authorised(self) -> None:
        passed = all(gate.passed for gate in gates(self.registration, self.record, uk_day(self.now)))
        open_ = self.registration.status in {AccountStatus.LIVE, AccountStatus.LEGACY}
        if passed and open_ and self.operator.wanted:
            assert self.operator.state is OperatorState.AUTHORISED

    @invariant()
    def a_withdrawal_has_a_reason_and_nothing_else_has(self) -> None:
        assert (self.operator.state is OperatorState.WITHDRAWN) == (self.operator.reason is not None)

    def _evaluate(self) -> None:
        now = evaluate(self.registration, self.operator, self.record, uk_day(self.now))
        before = self.operator
        self.operator = replace(before, state=now.state, reason=now.reason, lapses_at=now.lapses_at)
        if before.state is not OperatorState.PENDING:
            assert now.state is not OperatorState.PENDING


LifeOfAnAuthorisation.TestCase.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
TestLifeOfAnAuthorisation = LifeOfAnAuthorisation.TestCase
