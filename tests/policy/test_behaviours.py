"""Each behaviour that the policy names can be reported, is explained beside its choice, and reaches a team."""

from dataclasses import replace
from datetime import date

import pytest

from services.intake.forms import abuse, questions
from services.triage.routing import rulebook
from services.triage.routing.domain import Decision, Facts, decide
from shared.events.vocabulary import Behaviour, Priority, Relation, Team

BOOK = rulebook.load(rulebook.PACKAGED)
REPORT = Facts(
    form="abuse",
    report_type="abuse",
    found_by="person",
    reporter="named",
    behaviours=("trolling",),
    affected=("self",),
    content_state="online",
)


def routed(**facts: object) -> Decision:
    return decide(replace(REPORT, **facts), BOOK, date(2026, 11, 23))  # type: ignore[arg-type]  # facts by name


@pytest.mark.policy("D-trolling", "D-cyberstalking", "D-cyberbullying", "D-doxing")
@pytest.mark.parametrize("behaviour", ["trolling", "cyberstalking", "cyberbullying", "doxing"])
def test_what_the_policy_defines_is_explained_beside_its_choice(behaviour: str) -> None:
    choice = next(option for option in questions.BEHAVIOURS if option.value == behaviour)
    assert choice.hint
    assert len(choice.hint.split()) >= 6


@pytest.mark.policy("P1", "S1", "S2")
@pytest.mark.parametrize("behaviour", Behaviour)
def test_every_kind_of_abuse_can_be_chosen_and_reaches_the_abuse_team(behaviour: Behaviour) -> None:
    assert behaviour in {option.value for option in questions.BEHAVIOURS}
    assert routed(behaviours=(behaviour,)).team is Team.SMART


@pytest.mark.policy("S1")
@pytest.mark.parametrize("affected", Relation)
def test_abuse_reaches_the_abuse_team_whoever_is_harmed(affected: Relation) -> None:
    assert routed(affected=(affected,), behaviours=("harassment",)).team is Team.SMART


@pytest.mark.policy("S1")
def test_abuse_by_a_colleague_goes_where_all_abuse_goes() -> None:
    assert routed(suspected=("colleague",)).team is Team.SMART


@pytest.mark.policy("S2")
@pytest.mark.parametrize("content", ["video_recording", "call_recording"])
def test_recordings_made_without_agreement_are_abuse(content: str) -> None:
    assert content in {option.value for option in abuse.CONTENT_KIND}
    decision = routed(content_kind=content, behaviours=("other",))
    assert (decision.team, decision.clause) == (Team.SMART, "S2")


@pytest.mark.policy("D-doxing")
def test_doxing_and_threats_come_before_other_abuse() -> None:
    assert routed(behaviours=("doxing",)).priority is Priority.P1
    assert routed(behaviours=("threat",)).priority is Priority.P1
    assert routed(behaviours=("harassment",)).priority is Priority.P2
