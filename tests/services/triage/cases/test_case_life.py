"""The life cycle of a case, by example and in any order."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.triage.cases import domain, rulings
from services.triage.cases.domain import ASSIGNED_LEASE, CLAIM_LEASE, Actor, Case
from services.triage.cases.pages import possible
from shared.events.vocabulary import CaseState, Outcome, Priority, ReportType, Team
from shared.ids import CaseId, ReportId
from tests.services.triage.builders import IDS, NOW

SAM = Actor("S4001", "Sam Reid", lead=False)
AISHA = Actor("S4002", "Aisha Khan", lead=True)
LEO = Actor("S5001", "Leo Grant", lead=False)
REFUSALS = (
    domain.StateForbids,
    domain.ClaimedByAnother,
    domain.NotYourClaim,
    domain.SameTeam,
    domain.OutcomeDoesNotFit,
    domain.HasItAlready,
    domain.SamePriority,
)


def new_case(**changes: object) -> Case:
    case = Case(
        case_id=CaseId(IDS.uuid()),
        report_id=ReportId(IDS.uuid()),
        reference=str(IDS.reference()),
        report_type=ReportType.ABUSE,
        team=Team.SMART,
        state=CaseState.NEW,
        priority=Priority.P3,
        restricted=False,
        version=1,
        transfers=0,
        held_by=(Team.SMART,),
        submitted_at=NOW,
        opened_at=NOW,
    )
    return replace(case, **changes)  # type: ignore[arg-type] # replace checks the names


def test_a_claim_is_a_lease_that_another_cannot_take_until_it_runs_out() -> None:
    claimed = domain.claim(new_case(), SAM, NOW)
    assert (claimed.state, claimed.assignee) == (CaseState.IN_PROGRESS, "S4001")
    assert claimed.lease_until == NOW + CLAIM_LEASE
    with pytest.raises(domain.ClaimedByAnother):
        domain.claim(claimed, LEO, NOW + CLAIM_LEASE - timedelta(seconds=1))
    assert domain.claim(claimed, LEO, NOW + CLAIM_LEASE).assignee == "S5001"


def test_a_write_renews_the_lease() -> None:
    later = NOW + timedelta(minutes=9)
    noted = domain.note(domain.claim(new_case(), SAM, NOW), SAM, later)
    assert (noted.state, noted.lease_until) == (CaseState.IN_PROGRESS, later + CLAIM_LEASE)


@pytest.mark.parametrize("worked", [domain.note, domain.write_to_reporter])
def test_a_claim_that_ends_without_work_is_undone_and_after_work_only_the_assignee_goes(
    worked: Callable[[Case, Actor, datetime], Case],
) -> None:
    claimed = domain.claim(new_case(), SAM, NOW)
    assert domain.expire(claimed, NOW + timedelta(minutes=9)) is None
    for case, state in ((claimed, CaseState.NEW), (worked(claimed, SAM, NOW), CaseState.IN_PROGRESS)):
        ended = domain.expire(case, NOW + CLAIM_LEASE)
        assert ended
        for gone in (ended, domain.release(case, SAM)):
            assert (gone.state, gone.assignee, gone.only_claimed) == (state, None, False)
        again = domain.expire(domain.claim(ended, LEO, NOW + CLAIM_LEASE), NOW + 2 * CLAIM_LEASE)
        assert again
        assert again.state is state, "work that was done counts for the person who claims next"


def test_a_case_that_was_claimed_before_claims_started_work_goes_on_as_it_was() -> None:
    old = new_case(state=CaseState.CLAIMED, assignee="S4001", lease_until=NOW + CLAIM_LEASE)
    gone = domain.expire(old, NOW + CLAIM_LEASE)
    assert gone
    assert gone.state is CaseState.NEW
    assert domain.start(old, SAM, NOW).state is domain.note(old, SAM, NOW).state is CaseState.IN_PROGRESS
    assert domain.ask(old, SAM, NOW).state is CaseState.AWAITING_INFORMATION


def test_a_case_is_given_to_a_colleague_who_has_longer_to_begin() -> None:
    free, mine = new_case(), domain.claim(new_case(), SAM, NOW)
    for case, actor in ((free, SAM), (mine, SAM), (mine, AISHA)):
        given = domain.assign(case, actor, "S4003", "Una", NOW)
        assert (given.state, given.assignee, given.assignee_name) == (CaseState.IN_PROGRESS, "S4003", "Una")
        assert given.lease_until == NOW + ASSIGNED_LEASE
    for left, lease in ((5, CLAIM_LEASE), (20, timedelta(minutes=20)), (500, ASSIGNED_LEASE)):
        given = domain.assign(free, SAM, "S4003", "Una", NOW, NOW + timedelta(minutes=left))
        assert given.lease_until == NOW + lease
    with pytest.raises(domain.ClaimedByAnother):
        domain.assign(mine, LEO, "S5001", "Leo Grant", NOW)
    with pytest.raises(domain.HasItAlready):
        domain.assign(mine, AISHA, "S4001", "Sam Reid", NOW)
    taken = domain.assign(mine, AISHA, "S4002", "Aisha Khan", NOW)
    assert (taken.assignee, taken.lease_until) == ("S4002", NOW + CLAIM_LEASE)


def test_a_second_transfer_and_any_return_go_to_the_triage_desk_whose_word_stands() -> None:
    once = domain.transfer(new_case(), AISHA, Team.SIRT)
    assert (once.team, once.transfers, once.state) == (Team.SIRT, 1, CaseState.NEW)
    returned = domain.transfer(once, AISHA, Team.SMART)
    again = domain.transfer(once, AISHA, Team.ADVICE_CENTRE)
    assert (returned.team, again.team) == (Team.TRIAGE_DESK, Team.TRIAGE_DESK)
    assert domain.transfer(returned, AISHA, Team.SMART).team is Team.SMART


def test_only_who_has_the_case_or_a_lead_may_move_it() -> None:
    claimed = domain.claim(new_case(), SAM, NOW)
    with pytest.raises(domain.NotYourClaim):
        domain.transfer(claimed, LEO, Team.SIRT)
    with pytest.raises(domain.NotYourClaim):
        domain.resolve(claimed, LEO, Outcome.DUPLICATE)
    with pytest.raises(domain.NotYourClaim):
        domain.release(claimed, LEO)
    assert domain.release(claimed, AISHA).state is CaseState.NEW


def test_an_outcome_fits_the_type_of_report() -> None:
    incident = domain.claim(new_case(report_type=ReportType.SECURITY_INCIDENT), SAM, NOW)
    with pytest.raises(domain.OutcomeDoesNotFit):
        domain.resolve(incident, SAM, Outcome.REMOVED_BY_PLATFORM)


@pytest.mark.parametrize("state", [CaseState.NEW, CaseState.IN_PROGRESS, CaseState.CLOSED])
def test_only_a_resolved_case_is_closed(state: CaseState) -> None:
    with pytest.raises(domain.StateForbids):
        domain.close(new_case(state=state))


ACTORS = st.sampled_from([SAM, AISHA, LEO])


class CaseLife(RuleBasedStateMachine):
    """Any person does anything at any time: a refusal changes nothing, and each action leaves the case consistent."""

    def __init__(self) -> None:
        super().__init__()
        self.case = new_case(category=domain.UNION_ACTIVITY, restricted=True)
        self.now = NOW
        self.moves = 0
        self.unread = False

    def attempt(self, following: "Case | None") -> None:
        if following is not None:
            assert following.version == self.case.version + 1
            self.case = following

    @rule(minutes=st.integers(0, 30))
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule(actor=ACTORS, action=st.sampled_from(["claim", "start", "ask", "note", "write_to_reporter", "reopen"]))
    def work(self, actor: Actor, action: str) -> None:
        try:
            self.attempt(getattr(domain, action)(self.case, actor, self.now))
        except REFUSALS:
            assert {"write_to_reporter": "share"}.get(action, action) not in possible(self.case, actor, self.now)
        else:
            self.unread = self.unread and action not in {"ask", "write_to_reporter"}

    @rule(actor=ACTORS, to=ACTORS)
    def assign(self, actor: Actor, to: Actor) -> None:
        before = self.case
        try:
            self.attempt(domain.assign(before, actor, to.subject, to.name, self.now))
        except REFUSALS:
            assert before.finished or before.assignee
        else:
            assert self.case.assignee == to.subject
            assert actor.lead or before.assignee in {None, actor.subject} or (before.lease_until or NOW) <= self.now

    @rule(actor=ACTORS, priority=st.sampled_from(Priority))
    def prioritise(self, actor: Actor, priority: Priority) -> None:
        try:
            self.attempt(domain.prioritise(self.case, actor, priority, self.now))
        except REFUSALS:
            assert self.case.finished or self.case.priority is priority or not actor.lead

    @rule(actor=ACTORS)
    def release(self, actor: Actor) -> None:
        try:
            self.attempt(domain.release(self.case, actor))
        except REFUSALS:
            assert "release" not in possible(self.case, actor, self.now)

    @rule(actor=ACTORS, to=st.sampled_from([Team.SMART, Team.SIRT, Team.TRIAGE_DESK]))
    def transfer(self, actor: Actor, to: Team) -> None:
        before = self.case
        try:
            self.attempt(domain.transfer(before, actor, to))
        except REFUSALS:
            return
        assert self.case.team in {to, Team.TRIAGE_DESK}
        assert self.case.team is not before.team or before.team is Team.TRIAGE_DESK or before.transfers

    @rule(actor=ACTORS, outcome=st.sampled_from(Outcome))
    def resolve(self, actor: Actor, outcome: Outcome) -> None:
        try:
            self.attempt(domain.resolve(self.case, actor, outcome))
        except domain.OutcomeDoesNotFit:
            assert outcome not in domain.OUTCOMES[self.case.report_type]
        except REFUSALS:
            assert "resolve" not in possible(self.case, actor, self.now)

    @rule(action=st.sampled_from(["informed", "to_the_desk", "to_sirt", "concluded", "withdrawn", "assigned"]))
    def others_say(self, action: str) -> None:
        said: dict[str, Callable[[Case], Case]] = {
            "informed": lambda case: domain.informed(case, self.now),
            "to_the_desk": lambda case: domain.moved(case, Team.TRIAGE_DESK),
            "to_sirt": lambda case: domain.moved(case, Team.SIRT),
            "concluded": lambda case: domain.concluded(case, Outcome.NO_BREACH),
            "withdrawn": lambda case: domain.withdrawal_asked(case, self.now),
            "assigned": lambda case: domain.assigned(case, "S2001"),
        }
        before, following = self.case, said[action](self.case)
        if before.state in domain.FINISHED:
            assert (following.state, following.outcome) == (before.state, before.outcome)
        if following is not self.case:
            self.attempt(following)
        self.unread = self.unread or action == "informed"

    @rule(actor=ACTORS, action=st.sampled_from(["exempt", "not-exempt", "breach", "confirm-taken-over", "name-person"]))
    def judge(self, actor: Actor, action: str) -> None:
        judged = {
            "exempt": lambda: rulings.exempted(self.case, actor),
            "not-exempt": lambda: rulings.not_exempted(self.case, actor, Team.SIRT, "misuse"),
            "breach": lambda: rulings.aware_of_breach(self.case, actor, self.now),
            "confirm-taken-over": lambda: rulings.compromise_confirmed(self.case, actor),
            "name-person": lambda: rulings.named(self.case, actor),
        }
        try:
            self.attempt(judged[action]())
            self.unread = self.unread and action != "exempt"
        except (*REFUSALS, domain.NotForThisCase):
            assert action not in possible(self.case, actor, self.now)

    @rule()
    def close(self) -> None:
        try:
            self.attempt(domain.close(self.case))
        except REFUSALS:
            assert self.case.state is not CaseState.RESOLVED

    @rule()
    def sweep(self) -> None:
        self.attempt(domain.expire(self.case, self.now))

    @invariant()
    def a_claimed_case_has_somebody_and_a_lease(self) -> None:
        if self.case.state is CaseState.CLAIMED:
            assert self.case.assignee
            assert self.case.lease_until

    @invariant()
    def who_only_claimed_it_has_it(self) -> None:
        if self.case.only_claimed:
            assert self.case.state is CaseState.IN_PROGRESS
            assert self.case.assignee

    @invariant()
    def a_finished_case_has_an_outcome_and_no_other_has(self) -> None:
        assert (self.case.outcome is not None) == (self.case.state in domain.FINISHED)

    @invariant()
    def one_team_owns_it(self) -> None:
        assert self.case.held_by[-1] is self.case.team
        assert len(self.case.held_by) == self.case.transfers + 1

    @invariant()
    def somebody_can_do_something_unless_it_is_closed_for_good(self) -> None:
        assert possible(self.case, AISHA, self.now) or self.case.outcome is Outcome.EXEMPT

    @invariant()
    def what_the_reporter_wrote_is_unread_until_someone_writes_to_them(self) -> None:
        assert (self.case.replied_at is not None) == self.unread

    @invariant()
    def a_manager_has_it_only_while_no_team_took_it_from_them(self) -> None:
        if self.case.transfers > self.moves:
            self.moves = self.case.transfers
            assert self.case.manager is None


test_a_case_stays_whole_whatever_happens = CaseLife.TestCase
