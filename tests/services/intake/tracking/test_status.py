"""What reporters of each kind see, by example."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import uuid4

import pytest

from services.intake.reports.queries import ReportKey
from services.intake.tracking.domain import Known, ManagerAlertState, SharedUpdate, Stage, TrackedAlert, TrackedCase
from services.intake.tracking.status import OUTCOMES, status
from shared.events.vocabulary import (
    AlertPurpose,
    Confidentiality,
    ManagerAlert,
    Outcome,
    RecipientReason,
    ReportType,
    Team,
)
from shared.ids import Reference, ReportId
from tests.services.intake.conftest import START

LATER = START + timedelta(minutes=5)


def report(kind: ReportType = ReportType.ABUSE, alert: ManagerAlert | None = ManagerAlert.YES) -> ReportKey:
    return ReportKey(
        ReportId(uuid4()), Reference("SP-0000-0000"), kind, START, Confidentiality.NAMED, "S1001", None, alert
    )


def case(stage: Stage, team: Team = Team.SMART, outcome: Outcome | None = None, *, linked: bool = False) -> TrackedCase:
    return TrackedCase(stage, team, START, LATER, linked, outcome)


def alert(purpose: AlertPurpose, state: ManagerAlertState, reason: RecipientReason) -> TrackedAlert:
    return TrackedAlert(state, reason, LATER, purpose)


@pytest.mark.parametrize(
    ("cases", "finished"),
    [
        ([case(Stage.FINISHED)], True),
        ([case(Stage.FINISHED), case(Stage.WITH_TEAM, Team.SIRT, linked=True)], False),
        ([case(Stage.WORKING), case(Stage.FINISHED, Team.SIRT, linked=True)], False),
        ([case(Stage.FINISHED), case(Stage.FINISHED, Team.SIRT, linked=True)], True),
    ],
)
def test_a_report_is_finished_when_all_its_cases_are(cases: Sequence[TrackedCase], finished: bool) -> None:
    told = status(report(), Known(cases), LATER)
    assert told.steps[-1].reached is finished


def test_both_teams_are_named() -> None:
    told = status(report(), Known([case(Stage.WORKING, Team.SIRT, linked=True), case(Stage.WORKING)]), LATER)
    assert told.steps[1].text == (
        "With the Social Media Abuse Response Team (SMART) and with the Security Incident Response Team (SIRT)"
    )


@pytest.mark.policy("R-d")
@pytest.mark.parametrize("outcome", sorted(Outcome))
def test_of_misuse_its_reporter_learns_only_that_it_is_finished(outcome: Outcome) -> None:
    told = status(report(ReportType.MISUSE), Known([case(Stage.FINISHED, Team.LINE_MANAGER, outcome)]), LATER)
    assert (told.outcomes, told.steps[-1].text) == ((), "Finished")


@pytest.mark.parametrize("kind", sorted(set(ReportType) - {ReportType.MISUSE}))
def test_how_it_ended_is_told_in_words_once_it_has(kind: ReportType) -> None:
    working = Known([case(Stage.WORKING, outcome=Outcome.ANSWERED)])
    assert status(report(kind), working, LATER).outcomes == ()
    both = [
        case(Stage.FINISHED, Team.SIRT, Outcome.CONTAINED, linked=True),
        case(Stage.FINISHED, outcome=Outcome.SUPPORT_GIVEN),
    ]
    assert status(report(kind), Known(both), LATER).outcomes == ("Support was given.", "It was brought under control.")


def test_nobody_learns_from_us_that_somebody_else_reported_it() -> None:
    assert Outcome.DUPLICATE not in OUTCOMES
    told = status(report(), Known([case(Stage.FINISHED, outcome=Outcome.DUPLICATE)]), LATER)
    assert told.outcomes == ()


@pytest.mark.policy("R-c", "R-d")
def test_who_works_misuse_is_not_told_to_its_reporter() -> None:
    theirs = alert(AlertPurpose.MISUSE_REPORTED, ManagerAlertState.BEING_TOLD, RecipientReason.REPORTERS_MANAGER)
    workers = alert(AlertPurpose.MISUSE_ASSIGNED, ManagerAlertState.ACKNOWLEDGED, RecipientReason.SUBJECTS_MANAGER)
    told = status(report(ReportType.MISUSE), Known(alerts=[theirs, workers]), LATER)
    assert told.manager.text == "Your manager is being told."
    alone = status(report(ReportType.MISUSE), Known(alerts=[workers]), LATER)
    assert alone.manager.text == "No one has been told besides those who work on it."


@pytest.mark.parametrize("reason", [RecipientReason.NOBODY_MANAGER_WORKS_IT, RecipientReason.NOBODY_UNION_ACTIVITY])
def test_why_nobody_is_told_gives_nobody_away(reason: RecipientReason) -> None:
    nobody = alert(AlertPurpose.MISUSE_REPORTED, ManagerAlertState.NOT_TOLD, reason)
    told = status(report(ReportType.MISUSE), Known(alerts=[nobody]), LATER)
    assert told.manager.text == "No one has been told besides those who work on it."


@pytest.mark.parametrize("reason", [reason for reason in RecipientReason if reason.startswith("nobody")])
def test_no_reporter_of_misuse_reads_that_their_manager_does_not_know_of_it(reason: RecipientReason) -> None:
    """Their manager may manage the person it is about too, and then works on it (decision 0018)."""
    nobody = alert(AlertPurpose.MISUSE_REPORTED, ManagerAlertState.NOT_TOLD, reason)
    told = status(report(ReportType.MISUSE), Known(alerts=[nobody]), LATER)
    assert told.manager.text.startswith("No one has been told besides those who work on it")


@pytest.mark.parametrize("kind", [ReportType.ENQUIRY, ReportType.POLICY_EXCEPTION])
def test_no_manager_is_told_of_a_question(kind: ReportType) -> None:
    told = status(report(kind, alert=None), Known(), LATER)
    assert (told.manager.state, told.manager.text) == (ManagerAlertState.NOT_TOLD, "No manager is told about this.")


def test_of_an_incident_without_abuse_no_manager_is_told() -> None:
    nobody = alert(AlertPurpose.INCIDENT_REPORTED, ManagerAlertState.NOT_TOLD, RecipientReason.NOBODY_NOT_REQUIRED)
    told = status(report(ReportType.SECURITY_INCIDENT), Known(alerts=[nobody]), LATER)
    assert told.manager.text == "No manager is told about this."


@pytest.mark.parametrize("kind", sorted(ReportType))
def test_what_may_be_done_depends_on_how_far_it_is(kind: ReportType) -> None:
    tomorrow = START + timedelta(days=1)
    open_still = status(report(kind), Known([case(Stage.WORKING)]), tomorrow)
    assert (open_still.may_withdraw, open_still.may_ask_again) == (True, True)
    done = status(report(kind), Known([case(Stage.FINISHED)]), tomorrow)
    assert (done.may_withdraw, done.may_ask_again) == (False, False)


def test_the_last_word_decides_whether_the_team_waits() -> None:
    asks = SharedUpdate(LATER, "Where?", asks=True)
    assert status(report(), Known(updates=[asks]), LATER).asked
    assert not status(report(), Known(updates=[SharedUpdate(LATER, "Thanks", asks=False), asks]), LATER).asked
