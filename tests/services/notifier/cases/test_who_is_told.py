"""Who gets a message when a case moves: the table."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.notifier.cases.domain import (
    FollowUp,
    alerts_at_once,
    alerts_once_known,
    deadline_alert,
    priority_alerts,
    waits_for_report,
)
from services.notifier.delivery.domain import Urgency
from services.notifier.reports.domain import KnownReport, known_report
from shared.events.triage import CaseDeadlineAtRisk, CaseDeadlineMissed
from shared.events.vocabulary import AlertPurpose, Team
from shared.events.vocabulary import RecipientReason as Why
from shared.ids import CaseId, ReportId
from tests.services.notifier.builders import BOXES, NOW, incident, misuse, report, reprioritised, routed

Told = list[tuple[AlertPurpose, str | None, Urgency]]
SMART, SIRT, DESK = "smart@example.org", "sirt@example.org", "triage-desk@example.org"


def told_at_once(**said: object) -> Told:
    tellings = alerts_at_once(routed(UUID(int=1), **said), BOXES)
    return [(t.purpose, t.choice.recipient.email if t.choice.recipient else None, t.urgency) for t in tellings]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({}, []),
        (
            {"team": "sirt", "priority": "P1", "staffed": False},
            [(AlertPurpose.URGENT_CASE, "sirt-on-call@example.org", Urgency.URGENT)],
        ),
        (
            {"team": "smart", "priority": "P2", "staffed": False, "linked": True},
            [(AlertPurpose.URGENT_CASE, "triage-desk-on-call@example.org", Urgency.URGENT)],
        ),
        ({"team": "sirt", "priority": "P3", "staffed": False}, []),
        ({"team": "sirt", "priority": "P1", "staffed": True}, []),
        (
            {"team": "sirt", "category": "account_takeover", "report_type": "security_incident"},
            [(AlertPurpose.ACCOUNT_TAKEN_OVER, "comms@example.org", Urgency.URGENT)],
        ),
        ({"team": "smart", "category": "account_takeover", "linked": True}, []),
        (
            {"team": "smart", "form": "security_incident", "report_type": "abuse", "misdirected": True},
            [(AlertPurpose.MISDIRECTED, SMART, Urgency.NORMAL), (AlertPurpose.MISDIRECTED, SIRT, Urgency.NORMAL)],
        ),
        (
            {"team": "smart", "form": "misuse", "report_type": "abuse", "misdirected": True},
            [(AlertPurpose.MISDIRECTED, SMART, Urgency.NORMAL), (AlertPurpose.MISDIRECTED, DESK, Urgency.NORMAL)],
        ),
        (
            {"team": "triage_desk", "form": "misuse", "misdirected": True},
            [(AlertPurpose.MISDIRECTED, DESK, Urgency.NORMAL)],
        ),
        (
            {"team": "from_the_future", "form": "later", "misdirected": True},
            [(AlertPurpose.MISDIRECTED, DESK, Urgency.NORMAL)],
        ),
        (
            {"team": "sirt", "form": "security_incident", "misdirected": True, "linked": True},
            [],
        ),
        (
            {"team": "advice_centre", "form": "enquiry", "report_type": "enquiry"},
            [(AlertPurpose.ENQUIRY_RECEIVED, None, Urgency.NORMAL)],
        ),
        (
            {"team": "policy_standards", "form": "policy_exception", "report_type": "policy_exception"},
            [(AlertPurpose.ENQUIRY_RECEIVED, None, Urgency.NORMAL)],
        ),
    ],
)
@pytest.mark.policy("S3")
def test_whom_a_routed_case_tells_at_once(said: dict[str, object], told: Told) -> None:
    assert told_at_once(**said) == told


@pytest.mark.parametrize(
    ("before", "priority", "staffed", "told"),
    [
        ("P3", "P1", False, True),
        ("P4", "P2", False, True),
        ("from_the_future", "P1", False, True),
        ("P2", "P1", False, True),
        ("P1", "P1", False, False),
        ("P1", "P2", False, False),
        ("P1", "P3", False, False),
        ("P3", "P1", True, False),
    ],
)
def test_a_case_that_becomes_urgent_while_its_team_is_away_tells_the_person_on_call(
    before: str, priority: str, staffed: bool, told: bool
) -> None:
    case = routed(UUID(int=1), team="sirt")
    found = priority_alerts(reprioritised(case, before, priority, staffed=staffed), "event-1", BOXES)
    assert [(one.purpose, one.choice.recipient, one.urgency) for one in found] == [
        (AlertPurpose.URGENT_CASE, BOXES.on_call[Team.SIRT], Urgency.URGENT)
    ] * told


@pytest.mark.parametrize(
    ("form", "known", "misdirected", "told"),
    [
        ("security_incident", known_report(incident()), False, [(AlertPurpose.INCIDENT_REPORTED, None)]),
        ("security_incident", None, False, [(AlertPurpose.INCIDENT_REPORTED, None)]),
        ("security_incident", known_report(incident(behaviours=["threat"])), False, []),
        (
            "security_incident",
            known_report(incident(behaviours=["threat"])),
            True,
            [(AlertPurpose.REPORT_MOVED, "them@example.org")],
        ),
        ("abuse", known_report(report()), False, []),
        ("abuse", known_report(report()), True, [(AlertPurpose.REPORT_MOVED, "them@example.org")]),
        ("misuse", known_report(misuse()), False, []),
    ],
)
def test_whom_a_case_tells_once_its_report_is_known(
    form: str, known: KnownReport | None, misdirected: bool, told: list[tuple[AlertPurpose, str | None]]
) -> None:
    tellings = alerts_once_known(_follow_up(form, misdirected=misdirected), known, "them@example.org")
    assert [(t.purpose, t.choice.recipient and t.choice.recipient.email) for t in tellings] == told


def test_a_reporter_who_cannot_be_reached_is_a_decision_too() -> None:
    [telling] = alerts_once_known(_follow_up("abuse", misdirected=True), known_report(report()), None)
    assert telling.choice.reason is Why.NOBODY_CANNOT_BE_REACHED


@pytest.mark.parametrize(
    ("kind", "priority", "deadline", "urgency"),
    [
        (CaseDeadlineAtRisk, "P1", "respond", Urgency.URGENT),
        (CaseDeadlineAtRisk, "P3", "respond", Urgency.LOW),
        (CaseDeadlineAtRisk, None, "update", Urgency.LOW),
        (CaseDeadlineAtRisk, "P4", "personal_data_breach", Urgency.URGENT),
        (CaseDeadlineMissed, "P2", "respond", Urgency.URGENT),
        (CaseDeadlineMissed, "P4", "respond", Urgency.NORMAL),
        (CaseDeadlineMissed, "P4", "from_the_future", Urgency.NORMAL),
    ],
)
def test_a_deadline_tells_the_teams_lead(
    kind: type[CaseDeadlineAtRisk | CaseDeadlineMissed], priority: str | None, deadline: str, urgency: Urgency
) -> None:
    event = kind.model_validate(
        {
            "case_id": uuid4(),
            "report_id": uuid4(),
            "reference": "SP-0000-0000",
            "at": NOW,
            "team": "smart",
            "kind": deadline,
            "due_at": NOW + timedelta(minutes=5),
            "priority": priority,
        }
    )
    telling = deadline_alert(event, "event-1", BOXES)
    assert telling.choice.recipient == BOXES.lead["smart"]  # type: ignore[index]  # a team's name is the team
    assert (telling.urgency, telling.occasion) == (urgency, "event-1")


@pytest.mark.parametrize(
    ("said", "waits"), [({}, True), ({"linked": True}, False), ({"form": "enquiry"}, False), ({"form": "new"}, True)]
)
def test_enquiries_and_linked_cases_wait_for_no_report(said: dict[str, object], waits: bool) -> None:
    assert waits_for_report(routed(UUID(int=1), **said)) is waits


def _follow_up(form: str, *, misdirected: bool) -> FollowUp:
    return FollowUp(
        event_id="event-1",
        case_id=CaseId(UUID(int=2)),
        report_id=ReportId(UUID(int=1)),
        reference="SP-0000-0000",
        at=NOW,
        report_type=form,
        form=form,
        misdirected=misdirected,
        union_activity=False,
        for_a_manager=False,
        by_a_person=False,
    )
