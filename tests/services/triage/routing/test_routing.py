"""Where abuse reports go, row by row of the routing table; none is ever without a team."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.accounts.domain import Account
from services.triage.reports.normalise import normalise
from services.triage.routing.domain import Also, Decision, Facts, History, RuleState, decide, facts_of
from shared.events.vocabulary import (
    UNRECOGNISED,
    AccountClass,
    AlsoAffects,
    Behaviour,
    Confidentiality,
    ContentKind,
    ContentState,
    FoundBy,
    Priority,
    Relation,
    ReportType,
    Team,
)
from tests.services.triage.builders import BOOK, PLAIN, report

TODAY = date(2026, 11, 23)


def decided(**changes: object) -> Decision:
    return decide(replace(PLAIN, **changes), BOOK, TODAY)  # type: ignore[arg-type] # replace checks the names


def sent(decision: Decision) -> tuple[str, str, str]:
    return decision.team, decision.rule, decision.clause


@pytest.mark.policy("S3")
def test_abuse_of_a_user_goes_to_smart() -> None:
    assert sent(decided()) == (Team.SMART, "abuse-of-a-user", "S3")


@pytest.mark.policy("S1")
@pytest.mark.parametrize("affected", [("customer",), ("public",), ("public", "customer")])
def test_abuse_of_the_public_goes_to_smart(affected: tuple[str, ...]) -> None:
    assert sent(decided(affected=affected)) == (Team.SMART, "abuse-of-the-public", "S1")


@pytest.mark.policy("S1")
def test_abuse_by_a_colleague_still_goes_to_smart_and_opens_nothing_by_itself() -> None:
    decision = decided(suspected=("colleague",))
    assert (decision.team, decision.also) == (Team.SMART, ())


@pytest.mark.policy("S2", "O2")
@pytest.mark.parametrize("answers", [{"behaviours": ("unauthorised_recording",)}, {"content_kind": "call_recording"}])
def test_unauthorised_recordings_go_to_smart(answers: dict[str, object]) -> None:
    assert sent(decided(**answers)) == (Team.SMART, "unauthorised-recording", "S2")


@pytest.mark.policy("D-trolling", "D-cyberstalking", "D-cyberbullying", "D-doxing")
@pytest.mark.parametrize("behaviour", Behaviour)
def test_every_behaviour_goes_to_smart(behaviour: Behaviour) -> None:
    assert decided(behaviours=(behaviour,)).team is Team.SMART


@pytest.mark.policy("D-doxing")
@pytest.mark.parametrize("behaviour", ["doxing", "threat", "intimate_image"])
def test_doxing_threats_and_intimate_images_raise_the_priority(behaviour: str) -> None:
    assert decided().priority is Priority.P3
    assert decided(behaviours=(behaviour,)).priority is Priority.P2
    assert decided(behaviours=("trolling", behaviour), content_state="online").priority is Priority.P1


@pytest.mark.policy("O1", "O2", "P1", "P2")
@pytest.mark.parametrize("kind", [*ContentKind, ""])
@pytest.mark.parametrize("state", [*ContentState, ""])
def test_any_kind_of_content_wherever_it_is_now_has_a_team(kind: str, state: str) -> None:
    assert decided(content_kind=kind, content_state=state, platform="other").team is Team.SMART


@pytest.mark.policy("C-h")
def test_abuse_found_by_monitoring_goes_to_smart_not_to_sirt() -> None:
    assert sent(decided(found_by="monitoring")) == (Team.SMART, "abuse-found-by-monitoring", "C-h")


@pytest.mark.policy("C-j")
def test_abuse_from_a_union_account_is_in_scope() -> None:
    assert sent(decided(account_classes=("union",))) == (Team.SMART, "abuse-from-a-union-account", "C-j")


@pytest.mark.policy("C-c")
@pytest.mark.parametrize("risk", ["dwp_information", "system", "sanctioned_account"])
def test_abuse_with_risk_to_the_department_is_worked_by_both(risk: str) -> None:
    decision = decided(also_affects=(risk,))
    assert decision.team is Team.SMART
    assert [(also.team, also.clause) for also in decision.also] == [(Team.SIRT, "C-c")]


@pytest.mark.policy("C-c")
def test_an_official_account_taken_over_goes_to_sirt_at_once() -> None:
    decision = decided(also_affects=("account_taken_over", "sanctioned_account"), behaviours=("impersonation",))
    assert (decision.team, decision.priority, decision.also) == (Team.SIRT, Priority.P1, ())


@pytest.mark.policy("S3")
def test_abuse_beside_a_taken_over_account_still_reaches_smart() -> None:
    decision = decided(also_affects=("account_taken_over",), behaviours=("harassment",))
    assert (decision.team, decision.priority) == (Team.SIRT, Priority.P1)
    assert [also.team for also in decision.also] == [Team.SMART]


@pytest.mark.parametrize(
    "answers",
    [
        {"found_by": "monitoring", "reporter": "anonymous"},
        {"behaviours": (UNRECOGNISED,)},
        {"behaviours": ()},
        {"found_by": UNRECOGNISED},
    ],
)
def test_contradictory_answers_go_to_the_triage_desk(answers: dict[str, object]) -> None:
    assert sent(decided(**answers)) == (Team.TRIAGE_DESK, "contradictory-answers", "S3")


@pytest.mark.parametrize(("report_type", "restricted"), [(ReportType.MISUSE, True), (None, False)])
def test_a_linked_case_of_misuse_is_restricted_as_every_one_is(
    report_type: ReportType | None, restricted: bool
) -> None:
    also = Also(Team.LINE_MANAGER, "S1", "A colleague may have done it.", report_type)
    assert not decided().restricted
    assert decided().of_linked(also).restricted is restricted


def test_what_no_rule_knows_goes_to_the_triage_desk() -> None:
    assert decided(report_type="policy_exception", behaviours=()).rule == "anything-else"


_OPEN = st.sampled_from
FACTS = st.builds(
    Facts,
    form=st.just("abuse"),
    report_type=st.just("abuse"),
    found_by=_OPEN([*FoundBy, UNRECOGNISED]),
    reporter=_OPEN([*Confidentiality, UNRECOGNISED]),
    platform=st.text(),
    content_kind=_OPEN([*ContentKind, UNRECOGNISED, ""]),
    content_state=_OPEN([*ContentState, UNRECOGNISED, ""]),
    behaviours=st.lists(_OPEN([*Behaviour, UNRECOGNISED])).map(tuple),
    affected=st.lists(_OPEN([*Relation, UNRECOGNISED])).map(tuple),
    suspected=st.lists(_OPEN([*Relation, UNRECOGNISED])).map(tuple),
    also_affects=st.lists(_OPEN([*AlsoAffects, UNRECOGNISED])).map(tuple),
    account_classes=st.lists(_OPEN([*AccountClass, UNRECOGNISED])).map(tuple),
    earlier_reports=st.integers(0, 10),
)


@pytest.mark.policy("S3")
@given(FACTS)
def test_no_abuse_report_ends_without_a_team_whatever_its_answers(facts: Facts) -> None:
    decision = decide(facts, BOOK, TODAY)
    teams = {decision.team, *(also.team for also in decision.also)}
    assert decision.problem is None
    assert decision.team in {Team.SMART, Team.SIRT, Team.TRIAGE_DESK}
    assert len(teams) == 1 + len(decision.also)
    if set(facts.behaviours) - {"unrecognised", "impersonation", "other"} and decision.team is not Team.TRIAGE_DESK:
        assert Team.SMART in teams


def test_rules_count_only_while_they_are_live_and_in_force() -> None:
    [*others] = [rule for rule in BOOK.rules if rule.id != "abuse-of-a-user"]
    [mine] = [rule for rule in BOOK.rules if rule.id == "abuse-of-a-user"]
    for changed in (
        replace(mine, state=RuleState.RETIRED),
        replace(mine, state=RuleState.DRAFT),
        replace(mine, ends=date(2026, 11, 22)),
        replace(mine, starts=date(2026, 11, 24)),
    ):
        book = replace(BOOK, rules=(changed, *others))
        assert decide(PLAIN, book, TODAY).rule == "anything-else"
    book = replace(BOOK, rules=(replace(mine, starts=TODAY, ends=TODAY), *others))
    assert decide(PLAIN, book, TODAY).rule == "abuse-of-a-user"


def test_facts_carry_the_register_and_no_words_of_anybody() -> None:
    told = report(platform="some new place", occurred_at=datetime(2026, 11, 1, tzinfo=UTC))
    known = History([Account("official", "live"), Account("official", "frozen")], 2)
    facts = facts_of(normalise(told), known)
    assert facts.platform == UNRECOGNISED
    assert (facts.account_classes, facts.account_statuses) == (("official",), ("frozen", "live"))
    assert facts.earlier_reports == 2
