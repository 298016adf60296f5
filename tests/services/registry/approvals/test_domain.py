"""The creation gate: states, actions, and who may decide."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.registry.approvals.domain import (
    OPEN,
    About,
    AccountRequest,
    Barrier,
    Decider,
    Delegation,
    Draft,
    RequestAction,
    RequestState,
    allowed,
    barrier,
    first_state,
)
from shared.events.vocabulary import AccountClass
from shared.ids import AccountId, StaffId
from tests.services.registry.conftest import NOW

ASKS, OWNS, USES, APPROVES, PROXY = (StaffId(text) for text in ("S8003", "S7001", "S3001", "S7003", "S7002"))
DRAFT = Draft("x", "sampledept", AccountClass.OFFICIAL, "Tell people of their rights", "News", OWNS)
REQUEST = AccountRequest(
    id=UUID(int=1),
    account_id=AccountId(UUID(int=2)),
    about=About.NEW,
    state=RequestState.REQUESTED,
    draft=replace(DRAFT, approved_person=USES),
    requested_by=ASKS,
    requested_at=NOW,
    changed_at=NOW,
    version=1,
    new_platform=False,
    reason=None,
    relevance=None,
    decided_by=None,
    on_behalf_of=None,
)
OTHER = StaffId("S9001")


@pytest.mark.policy("S7")
@pytest.mark.parametrize(
    ("decider", "barred"),
    [
        (Decider(APPROVES, approves=True), None),
        (Decider(PROXY, approves=False, stands_in_for=APPROVES, delegated=True), None),
        (Decider(PROXY, approves=True, stands_in_for=APPROVES, delegated=True), None),
        (Decider(OTHER, approves=False), Barrier.NO_APPROVER),
        (Decider(PROXY, approves=True, stands_in_for=APPROVES), Barrier.NO_DELEGATION),
        (Decider(ASKS, approves=True), Barrier.OWN_REQUEST),
        (Decider(OWNS, approves=True), Barrier.OWN_REQUEST),
        (Decider(USES, approves=True), Barrier.OWN_REQUEST),
        (Decider(StaffId("s8003"), approves=True), Barrier.OWN_REQUEST),
        (Decider(ASKS, approves=False, stands_in_for=APPROVES, delegated=True), Barrier.OWN_REQUEST),
        (Decider(PROXY, approves=False, stands_in_for=ASKS, delegated=True), Barrier.OWN_REQUEST),
        (Decider(PROXY, approves=False, stands_in_for=OWNS, delegated=True), Barrier.OWN_REQUEST),
    ],
)
def test_two_people_and_never_ones_own_request_nor_by_proxy(decider: Decider, barred: Barrier | None) -> None:
    assert barrier(REQUEST, decider) is barred


_S, _T = RequestState, RequestAction
ALLOWED = {
    _S.WITH_ADVICE_CENTRE: {_T.CLEAR, _T.RETURN, _T.REFUSE, _T.WITHDRAW},
    _S.REQUESTED: {_T.APPROVE, _T.RETURN, _T.REFUSE, _T.WITHDRAW},
    _S.RETURNED: {_T.RESUBMIT, _T.WITHDRAW},
    _S.APPROVED: set(),
    _S.REFUSED: set(),
    _S.WITHDRAWN: set(),
}


@pytest.mark.policy("S7")
@pytest.mark.parametrize("state", RequestState)
def test_each_state_allows_its_steps_and_no_other(state: RequestState) -> None:
    assert {step for step in RequestAction if allowed(state, step)} == ALLOWED[state]
    assert (state in OPEN) == bool(ALLOWED[state])


@pytest.mark.policy("X3")
def test_a_platform_not_in_use_yet_goes_to_the_advice_centre_first() -> None:
    assert first_state(platform_in_use=False) is RequestState.WITH_ADVICE_CENTRE
    assert first_state(platform_in_use=True) is RequestState.REQUESTED


@pytest.mark.parametrize(
    ("day", "ended", "holds"),
    [
        (date(2026, 11, 22), False, False),
        (date(2026, 11, 23), False, True),
        (date(2026, 11, 30), False, True),
        (date(2026, 12, 1), False, False),
        (date(2026, 11, 25), True, False),
    ],
)
def test_a_delegation_holds_on_its_days_the_last_included(day: date, *, ended: bool, holds: bool) -> None:
    delegation = Delegation(UUID(int=1), APPROVES, PROXY, date(2026, 11, 23), date(2026, 11, 30), "Leave", ended)
    assert delegation.holds_on(day) is holds


class LifeOfARequest(RuleBasedStateMachine):
    """Any person tries actions in any order: two people always agree before an account is live."""

    def __init__(self) -> None:
        super().__init__()
        self.state = first_state(platform_in_use=False)
        self.cleared_by: StaffId | None = None
        self.decided_by: StaffId | None = None

    @rule(who=st.sampled_from([ASKS, OWNS, APPROVES, PROXY]), step=st.sampled_from(RequestAction), in_use=st.booleans())
    def take(self, who: StaffId, step: RequestAction, *, in_use: bool) -> None:
        request = replace(REQUEST, state=self.state)
        own_step = step in {RequestAction.RESUBMIT, RequestAction.WITHDRAW}
        barred = who != ASKS if own_step else barrier(request, Decider(who, approves=True)) is not None
        if barred or not allowed(self.state, step):
            return
        match step:
            case RequestAction.CLEAR:
                self.state, self.cleared_by = RequestState.REQUESTED, who
            case RequestAction.APPROVE:
                self.state, self.decided_by = RequestState.APPROVED, who
            case RequestAction.RETURN:
                self.state = RequestState.RETURNED
            case RequestAction.REFUSE:
                self.state = RequestState.REFUSED
            case RequestAction.WITHDRAW:
                self.state = RequestState.WITHDRAWN
            case RequestAction.RESUBMIT:
                known = in_use or self.cleared_by is not None
                self.state = first_state(platform_in_use=known)
                self.cleared_by = self.cleared_by or (OTHER if in_use else None)

    @invariant()
    def a_live_account_was_approved_by_another_person(self) -> None:
        if self.state is RequestState.APPROVED:
            assert self.cleared_by is not None
            assert self.decided_by in {APPROVES, PROXY}

    @invariant()
    def what_is_over_stays_over(self) -> None:
        if self.state not in OPEN:
            assert not any(allowed(self.state, step) for step in RequestAction)


LifeOfARequest.TestCase.settings = settings(max_examples=60, stateful_step_count=15, deadline=None)
TestLifeOfARequest = LifeOfARequest.TestCase
