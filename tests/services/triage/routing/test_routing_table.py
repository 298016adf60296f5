"""The routing table, row by row, through every form: the answers decide, not the form."""

from datetime import date
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.triage.accounts.domain import Account
from services.triage.reports.normalise import normalise
from services.triage.routing.domain import Decision, History, decide, facts_of
from shared.events.envelope import Event
from shared.events.vocabulary import (
    UNRECOGNISED,
    AccountKind,
    AlsoAffects,
    AssetOwner,
    Behaviour,
    Circumstance,
    Confidentiality,
    ContentState,
    Effect,
    EnquiryTopic,
    ExceptionKind,
    FoundBy,
    MisuseBehaviour,
    Priority,
    Team,
    YesNoUnsure,
)
from tests.services.triage.builders import BOOK, enquiry, exception, incident, misuse, report

TODAY = date(2026, 11, 23)
NOTHING_KNOWN = History()
REGISTERED = {kind: History([Account(kind, "live")]) for kind in ("official", "professional_individual", "union")}
REPEAT = History(repeats=1)


def routed(event: Event, history: History = NOTHING_KNOWN) -> Decision:
    return decide(facts_of(normalise(event), history), BOOK, TODAY)


def way(decision: Decision) -> tuple[Team, ...]:
    """Return the team that has the case, and those that have a linked case."""
    return decision.team, *(also.team for also in decision.also)


@pytest.mark.policy("C-c")
@pytest.mark.parametrize("effect", Effect)
@pytest.mark.parametrize("circumstance", Circumstance)
@pytest.mark.parametrize("owner", AssetOwner)
def test_every_effect_in_every_circumstance_is_an_incident_for_sirt(
    effect: Effect, circumstance: Circumstance, owner: AssetOwner
) -> None:
    decision = routed(incident(effects=(effect,), circumstances=(circumstance,), asset_owner=owner))
    assert (way(decision), decision.rule, decision.clause) == ((Team.SIRT,), "security-incident", "C-c")
    assert not decision.misdirected


@pytest.mark.policy("S3", "D-trolling", "D-cyberstalking", "D-cyberbullying", "D-doxing")
@pytest.mark.parametrize("behaviour", Behaviour)
def test_abuse_by_any_form_is_for_smart_and_counted_where_the_form_was_the_wrong_one(behaviour: Behaviour) -> None:
    by_its_own = routed(report(behaviours=(behaviour,)))
    by_security = routed(incident(behaviours=(behaviour,), asset_owner="unsure"))
    by_misuse = routed(misuse(abuse_behaviours=(behaviour,)))
    assert [way(decision) for decision in (by_its_own, by_security, by_misuse)] == [(Team.SMART,)] * 3
    assert [decision.misdirected for decision in (by_its_own, by_security, by_misuse)] == [False, True, True]
    assert {decision.report_type for decision in (by_its_own, by_security, by_misuse)} == {"abuse"}


@pytest.mark.policy("S1")
def test_harassment_by_a_colleague_never_goes_to_a_manager_by_itself() -> None:
    decision = routed(misuse(behaviours=("harassment", "speaks_for_department")))
    assert (way(decision), decision.misdirected, decision.clause) == ((Team.SMART,), True, "S1")


_TO_SIRT_TOO = {MisuseBehaviour.DISCLOSURE, MisuseBehaviour.FAILURE_TO_REPORT}
_WAYS = {
    **dict.fromkeys(MisuseBehaviour, (Team.LINE_MANAGER,)),
    **dict.fromkeys(_TO_SIRT_TOO, (Team.LINE_MANAGER, Team.SIRT)),
    MisuseBehaviour.HARASSMENT: (Team.SMART,),
    MisuseBehaviour.OTHER: (Team.TRIAGE_DESK,),
}


@pytest.mark.policy("R-d", "R-c", "S9", "S4")
@pytest.mark.parametrize("kind", MisuseBehaviour)
def test_every_kind_of_misuse_has_its_way(kind: MisuseBehaviour) -> None:
    decision = routed(misuse(behaviours=(kind,)))
    assert way(decision) == _WAYS[kind]
    assert decision.restricted is (kind is not MisuseBehaviour.HARASSMENT)


@pytest.mark.policy("R-c")
@pytest.mark.parametrize(
    ("answers", "history"),
    [
        ({"account_kind": "official"}, NOTHING_KNOWN),
        ({"account_kind": "professional_individual"}, NOTHING_KNOWN),
        ({"account_kind": "something new"}, NOTHING_KNOWN),
        ({}, REGISTERED["official"]),
        ({}, REGISTERED["professional_individual"]),
        ({}, History([Account("linkedin", "live", official_use=True)])),
        ({"dwp_information": "yes"}, NOTHING_KNOWN),
        ({"dwp_information": "unsure"}, NOTHING_KNOWN),
        ({}, REPEAT),
    ],
)
def test_misuse_with_risk_to_the_department_is_looked_at_by_sirt_too(
    answers: dict[str, object], history: History
) -> None:
    decision = routed(misuse(**answers), history)
    assert (way(decision), decision.rule) == ((Team.LINE_MANAGER, Team.SIRT), "misuse-with-risk-to-the-department")


@pytest.mark.parametrize(
    ("answers", "history"),
    [
        ({"account_kind": "personal"}, NOTHING_KNOWN),
        ({"account_kind": "linkedin"}, History([Account("linkedin", "live")])),
        ({"device": "personal", "own_time": "yes"}, NOTHING_KNOWN),
        ({}, History([Account("official", "closed")])),
    ],
)
def test_misuse_without_is_the_managers_alone(answers: dict[str, object], history: History) -> None:
    assert way(routed(misuse(**answers), history)) == (Team.LINE_MANAGER,)


@pytest.mark.policy("C-h")
def test_misuse_found_by_monitoring_is_for_sirt_and_no_manager() -> None:
    decision = routed(misuse(found_by="monitoring"), REPEAT)
    assert (way(decision), decision.clause, decision.restricted) == ((Team.SIRT,), "C-h", True)


@pytest.mark.policy("C-j")
@pytest.mark.parametrize("found_by", FoundBy)
@pytest.mark.parametrize("answer", ["yes", "unsure", "something new"])
def test_what_may_be_union_activity_is_for_the_triage_desk_alone(answer: str, found_by: FoundBy) -> None:
    decision = routed(misuse(union_activity=answer, found_by=found_by, dwp_information="yes"), REGISTERED["official"])
    assert (way(decision), decision.clause, decision.restricted) == ((Team.TRIAGE_DESK,), "C-j", True)


@pytest.mark.policy("C-j")
def test_misuse_by_a_union_account_is_for_the_triage_desk_whatever_was_answered() -> None:
    assert way(routed(misuse(union_activity="no"), REGISTERED["union"])) == (Team.TRIAGE_DESK,)


@pytest.mark.policy("C-j")
def test_abuse_beside_union_activity_is_for_smart_and_seen_by_named_people_only() -> None:
    decision = routed(misuse(union_activity="yes", behaviours=("harassment",)))
    assert (way(decision), decision.restricted, decision.misdirected) == ((Team.SMART,), True, True)


@pytest.mark.policy("C-c")
@pytest.mark.parametrize(
    ("event", "misdirected"),
    [
        (report(also_affects=("account_taken_over",), behaviours=("impersonation",)), True),
        (misuse(account_kind="official", taken_over="yes"), True),
        (incident(account={"platform": "x", "handle": "dwp", "taken_over": "yes"}), False),
        (incident(account={"platform": "x", "taken_over": "yes"}, behaviours=("impersonation",)), False),
    ],
)
def test_a_taken_over_account_by_any_form_is_sirts_first_of_all(event: Event, misdirected: bool) -> None:
    decision = routed(event)
    assert (way(decision), decision.priority, decision.misdirected) == ((Team.SIRT,), Priority.P1, misdirected)
    assert decision.report_type == "security_incident"


@pytest.mark.policy("C-c", "C-j")
@pytest.mark.parametrize(("answer", "restricted"), [("yes", True), ("unsure", True), ("no", False)])
def test_a_taken_over_account_does_not_wait_for_a_word_on_union_activity(answer: str, restricted: bool) -> None:
    decision = routed(misuse(account_kind="official", taken_over="yes", union_activity=answer), REPEAT)
    assert (way(decision), decision.priority, decision.restricted) == ((Team.SIRT,), Priority.P1, restricted)


@pytest.mark.parametrize("answer", [None, "no", "unsure", "something new"])
def test_misuse_of_an_official_account_that_nobody_took_over_stays_misuse(answer: str | None) -> None:
    decision = routed(misuse(account_kind="official", taken_over=answer))
    assert (way(decision), decision.misdirected) == ((Team.LINE_MANAGER, Team.SIRT), False)


@pytest.mark.policy("S3")
def test_abuse_from_a_taken_over_account_is_smarts_too_by_any_form() -> None:
    by_abuse = routed(report(also_affects=("account_taken_over",)))
    by_security = routed(incident(account={"platform": "x", "taken_over": "yes"}, behaviours=("doxing",)))
    by_misuse = routed(misuse(behaviours=("harassment",), taken_over="yes"))
    for decision in (by_abuse, by_security, by_misuse):
        assert (way(decision), decision.priority) == ((Team.SIRT, Team.SMART), Priority.P1)
        assert [also.report_type for also in decision.also] == ["abuse"]
    assert [d.also[0].misdirected for d in (by_abuse, by_security, by_misuse)] == [False, True, True]


@pytest.mark.policy("S3", "C-c")
@pytest.mark.parametrize("risk", ["dwp_information", "sanctioned_account", "system"])
@pytest.mark.parametrize(("behaviour", "wrong_form"), [("other", True), ("harassment", False)])
def test_an_incident_by_the_abuse_form_is_sirts_and_counted_as_misdirected(
    risk: str, behaviour: str, wrong_form: bool
) -> None:
    decision = routed(report(also_affects=(risk,), behaviours=(behaviour,)))
    assert way(decision) == (Team.SMART, Team.SIRT)
    assert (decision.misdirected, decision.also[0].misdirected) == (False, wrong_form)


@pytest.mark.policy("S3", "C-c")
@pytest.mark.parametrize(
    "event",
    [
        *(report(also_affects=(risk,)) for risk in ("dwp_information", "sanctioned_account", "system")),
        incident(behaviours=("harassment",), effects=("disclosure",), asset_owner="dwp"),
        incident(behaviours=("harassment",), effects=("access",), asset_owner="supplier"),
        misuse(behaviours=("harassment",), dwp_information="yes"),
        misuse(behaviours=("harassment", "disclosure")),
    ],
)
def test_abuse_that_puts_the_department_at_risk_is_worked_by_both(event: Event) -> None:
    decision = routed(event)
    assert way(decision) == (Team.SMART, Team.SIRT)
    assert decision.misdirected is (decision.facts.form != "abuse")
    assert decision.also[0].report_type == "security_incident"


@pytest.mark.policy("X1", "X3", "C-e")
@pytest.mark.parametrize(
    ("event", "team", "clause"),
    [
        *((enquiry(about=about), Team.ADVICE_CENTRE, "X1") for about in ("account", "other", "policy", "training")),
        (enquiry(about="requirement"), Team.ADVICE_CENTRE, "X3"),
        (exception(kind="request"), Team.ADVICE_CENTRE, "C-e"),
        (exception(kind="notice"), Team.POLICY_STANDARDS, "C-e"),
    ],
)
def test_questions_and_exceptions_go_to_who_answers_them(event: Event, team: Team, clause: str) -> None:
    decision = routed(event)
    assert (way(decision), decision.clause) == ((team,), clause)


@pytest.mark.parametrize(
    "event",
    [
        incident(effects=("something new",)),
        exception(kind="something new"),
        misuse(behaviours=("something new",)),
        misuse(behaviours=("other", "something new")),
        misuse(found_by="something new"),
        report(behaviours=("something new",)),
    ],
)
def test_what_cannot_be_read_or_is_something_else_is_for_a_person(event: Event) -> None:
    decision = routed(event)
    assert way(decision) == (Team.TRIAGE_DESK,)
    assert decision.restricted is (decision.facts.form == "misuse")


@pytest.mark.parametrize(
    ("event", "priority"),
    [
        (incident(), "P3"),
        (incident(still_happening="yes"), "P2"),
        (incident(personal_data="yes"), "P2"),
        (incident(personal_data="yes", still_happening="yes"), "P1"),
        (incident(people_affected=100), "P2"),
        (incident(circumstances=("attempted",), personal_data="no", still_happening="no"), "P4"),
        (incident(behaviours=("doxing",), content_state="online"), "P1"),
        (misuse(), "P4"),
        (misuse(account_kind="official"), "P3"),
        (misuse(account_kind="something new"), "P3"),
        (misuse(dwp_information="yes", content_state="online"), "P2"),
        (misuse(found_by="monitoring"), "P3"),
        (enquiry(), "P4"),
        (exception(), "P4"),
        (exception(kind="notice"), "P3"),
    ],
)
def test_priority_is_impact_by_urgency(event: Event, priority: str) -> None:
    assert routed(event).priority == priority


def _one_of(kind: type[StrEnum]) -> st.SearchStrategy[str]:
    return st.sampled_from([*(str(member) for member in kind), "something new"])


def _some_of(kind: type[StrEnum]) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(_one_of(kind), max_size=4).map(tuple)


REPORTER: st.SearchStrategy[dict[str, str]] = st.builds(dict, confidentiality=_one_of(Confidentiality))
ACCOUNT = st.none() | st.fixed_dictionaries({"platform": st.just("x"), "taken_over": _one_of(YesNoUnsure)})
REPORTS = st.one_of(
    st.builds(
        report,
        behaviours=_some_of(Behaviour),
        also_affects=_some_of(AlsoAffects),
        found_by=_one_of(FoundBy),
        content_state=_one_of(ContentState),
        reporter=REPORTER,
    ),
    st.builds(
        misuse,
        behaviours=_some_of(MisuseBehaviour),
        abuse_behaviours=_some_of(Behaviour),
        union_activity=_one_of(YesNoUnsure),
        account_kind=_one_of(AccountKind),
        taken_over=st.none() | _one_of(YesNoUnsure),
        dwp_information=_one_of(YesNoUnsure),
        found_by=_one_of(FoundBy),
        reporter=REPORTER,
    ),
    st.builds(
        incident,
        behaviours=_some_of(Behaviour),
        effects=_some_of(Effect),
        circumstances=_some_of(Circumstance),
        asset_owner=_one_of(AssetOwner),
        personal_data=_one_of(YesNoUnsure),
        people_affected=st.none() | st.integers(0, 10**12),
        account=ACCOUNT,
        reporter=REPORTER,
    ),
    st.builds(enquiry, about=_one_of(EnquiryTopic)),
    st.builds(exception, kind=_one_of(ExceptionKind)),
)
HISTORIES = st.builds(
    History,
    st.lists(st.builds(Account, st.sampled_from(["official", "linkedin", "union", UNRECOGNISED]), st.just("live"))),
    st.integers(0, 10),
    st.integers(0, 10),
    st.booleans(),
)


@pytest.mark.policy("R-c", "P1")
@given(REPORTS, HISTORIES)
def test_no_report_ends_without_a_team_whatever_its_answers(event: Event, history: History) -> None:
    decision = routed(event, history)
    assert decision.problem is None
    assert len(set(way(decision))) == len(way(decision))
    facts = decision.facts
    if facts.report_type == "misuse":
        assert decision.restricted
    if facts.report_type == "abuse":
        assert Team.LINE_MANAGER not in way(decision)
        assert Team.SMART in way(decision) or decision.team in {Team.TRIAGE_DESK, Team.SIRT}
    if facts.report_type == "misuse" and facts.union_activity != "no":
        assert Team.LINE_MANAGER not in way(decision)
