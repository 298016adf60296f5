"""Messages to reporters, teams and leads when cases move: through the database, once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from services.notifier.reports.domain import ReportEvent
from services.notifier.settings import NotifierSettings
from shared.events.intake import Subject
from shared.events.notifier import AlertDecided
from shared.events.triage import (
    CaseAssigned,
    CaseDeadlineAtRisk,
    CaseInformationAsked,
    CaseReporterReplied,
    CaseRouted,
    CaseTaskGiven,
    LeadsAsked,
    ReporterUpdateShared,
    ShiftChanged,
)
from shared.events.vocabulary import AlertPurpose, Team
from shared.events.vocabulary import RecipientReason as Why
from tests.services.notifier.builders import (
    DIGEST_RULES,
    GRACE,
    NOW,
    PRIYA,
    REFERENCE,
    closed,
    enquiry,
    envelope,
    exception,
    incident,
    misuse,
    reopened,
    report,
    reprioritised,
    resolved,
    routed,
    transferred,
    who,
)
from tests.services.notifier.environment import Notifier
from tests.services.notifier.mail_server import text_of


@pytest.mark.policy("S3")
async def test_abuse_by_the_security_form_tells_the_manager_at_once_and_everyone_when_it_moves(
    notifier: Notifier,
) -> None:
    said = incident(behaviours=["harassment"], affected=[{"relation": "self"}])
    await notifier.receive(said)
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [GRACE.email]
    case = routed(said.report_id, form="security_incident", report_type="abuse", team="smart", misdirected=True)
    await notifier.receive(case)
    await notifier.deliver_until(notifier.all_settled)
    assert sorted(notifier.mail_server.recipients[1:]) == [PRIYA.email, "sirt@example.org", "smart@example.org"]
    purposes = [event.purpose for event in await notifier.events(AlertDecided)]
    assert sorted(purposes) == ["abuse_reported", "misdirected", "misdirected", "report_moved"]


@pytest.mark.policy("S3", "S1")
async def test_abuse_by_the_misuse_form_tells_the_reporters_manager_and_never_the_subjects(notifier: Notifier) -> None:
    said = misuse(reporter=PRIYA, subject=Subject(staff_id=GRACE.staff_id), behaviours=["harassment"])
    await notifier.receive(said)
    await notifier.receive(routed(said.report_id, report_type="abuse", team="smart", misdirected=True))
    assert await notifier.rows("select reason from decision where purpose = 'abuse_reported'") == [
        ("conflicted_next_up",)
    ]
    assert await notifier.scalar("select count(*) from alert where purpose like 'misuse%'") == 0


async def test_an_incident_without_abuse_alerts_nobody_and_says_so_once(notifier: Notifier) -> None:
    said = incident()
    case = envelope(routed(said.report_id, form="security_incident", report_type="security_incident", team="sirt"))
    await notifier.receive(said)
    await notifier.receive(envelopes=[case])
    await notifier.receive(envelopes=[case])
    [event] = await notifier.events(AlertDecided)
    assert (event.purpose, event.reason, event.anybody) == ("incident_reported", Why.NOBODY_NOT_REQUIRED, False)


async def test_an_enquiry_alerts_nobody_and_says_so(notifier: Notifier) -> None:
    await notifier.receive(routed(uuid4(), form="enquiry", report_type="enquiry", team="advice_centre"))
    [event] = await notifier.events(AlertDecided)
    assert (event.purpose, event.reason) == ("enquiry_received", Why.NOBODY_NOT_REQUIRED)


@pytest.mark.policy("C-h")
async def test_whom_monitoring_found_abuse_of_is_told_and_no_manager_is(notifier: Notifier) -> None:
    affected = [{"relation": "colleague", "staff_id": PRIYA.staff_id}, {"relation": "colleague", "name": GRACE.name}]
    await notifier.receive(
        report(reporter=None, found_by="monitoring").model_copy(update={"affected": _people(affected)})
    )
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [PRIYA.email]
    assert await notifier.rows("select purpose, reason from decision order by purpose") == [
        ("abuse_found", "person_affected"),
        ("abuse_reported", "nobody_found_by_monitoring"),
    ]


async def test_a_reporter_is_told_of_an_outcome_once_none_of_the_cases_is_open(notifier: Notifier) -> None:
    said = report()
    first = routed(said.report_id, form="abuse", report_type="abuse", team="smart")
    second = routed(said.report_id, form="abuse", report_type="abuse", team="sirt", linked=True)
    await notifier.receive(said)
    await notifier.receive(first)
    await notifier.receive(second)
    await notifier.receive(resolved(first, "support_given"))
    assert await _finished(notifier) == []
    await notifier.receive(resolved(second, "contained", team="sirt"))
    assert await _finished(notifier) == [(PRIYA.email, "reporter")]
    await notifier.receive(reopened(first))
    await notifier.receive(resolved(first, "support_given"))
    assert len(await _finished(notifier)) == 2


@pytest.mark.parametrize(
    ("reporter", "told"),
    [
        (who(PRIYA), PRIYA.email),
        (who(PRIYA, safe_contact="home@elsewhere.example"), "home@elsewhere.example"),
        (who(PRIYA, safe_contact="ring me after six"), None),
        (who(PRIYA, "confidential", safe_contact="home@elsewhere.example"), "home@elsewhere.example"),
        (who(PRIYA, "confidential", safe_contact="07700 900000"), None),
        (who(None, "anonymous"), None),
        (who(PRIYA, "from_the_future"), None),
        (who(PRIYA, safe_contact="a@example.org, b@example.org"), None),
    ],
)
async def test_only_an_address_that_is_safe_is_written_to(
    notifier: Notifier, reporter: object, told: str | None
) -> None:
    said = report().model_copy(update={"reporter": reporter})
    case = routed(said.report_id, form="abuse", report_type="abuse", team="smart")
    await notifier.receive(said)
    await notifier.receive(case)
    await notifier.receive(resolved(case, "support_given"))
    assert [to for to, _ in await _finished(notifier)] == ([told] if told else [])
    reasons = [e.reason for e in await notifier.events(AlertDecided) if e.purpose is AlertPurpose.REPORT_FINISHED]
    assert reasons == [Why.THE_REPORTER if told else Why.NOBODY_CANNOT_BE_REACHED]


async def test_who_reported_misuse_learns_only_that_it_is_finished(notifier: Notifier) -> None:
    said = misuse(reporter=PRIYA, subject=Subject(name="Somebody Else"))
    case = routed(said.report_id)
    await notifier.receive(said)
    await notifier.receive(case)
    await notifier.receive(resolved(case, "disciplinary_route"))
    assert await _finished(notifier) == [(PRIYA.email, "misuse_reporter")]


async def test_a_reporter_is_told_that_a_question_waits_each_time_and_never_the_question(notifier: Notifier) -> None:
    said = report()
    case = routed(said.report_id, form="abuse", report_type="abuse", team="smart")
    await notifier.receive(said)
    await notifier.receive(case)
    for _ in range(2):
        await notifier.receive(asked(case))
    asked_of = "select recipient_email from alert where purpose = 'question_asked'"
    assert await notifier.rows(asked_of) == [(PRIYA.email,)] * 2


@pytest.mark.parametrize(
    ("reporter", "told"),
    [
        (who(PRIYA), PRIYA.email),
        (who(PRIYA, safe_contact="home@elsewhere.example"), "home@elsewhere.example"),
        (who(PRIYA, safe_contact="Call me after 6pm"), None),
        (who(PRIYA, "confidential", safe_contact="Call me after 6pm"), None),
        (who(PRIYA, "confidential", safe_contact="home@elsewhere.example"), "home@elsewhere.example"),
        (who(PRIYA, "confidential"), None),
        (who(None, "anonymous"), None),
    ],
)
async def test_a_reporter_is_told_of_each_message_and_of_the_outcome_at_once_and_never_what_it_says(
    notifier: Notifier, reporter: object, told: str | None
) -> None:
    with_defaults = replace(notifier, digest_rules=replace(DIGEST_RULES, digest=_digests_by_default()))
    said = report().model_copy(update={"reporter": reporter})
    case = routed(said.report_id, form="abuse", report_type="abuse", team="smart")
    await with_defaults.receive(said)
    await with_defaults.receive(case)
    await with_defaults.receive(shared(case, "We spoke to the platform."), shared(case, "It is gone."))
    await with_defaults.receive(shared(case, "Which post?", asks=True))
    await with_defaults.receive(resolved(case, "support_given"))
    await with_defaults.deliver_until(with_defaults.all_settled)
    mails = [mail for mail in with_defaults.mail_server.mails if told == mail["To"]]
    subjects = [str(mail["Subject"]).partition(", SP-")[0] for mail in mails]
    assert sorted(subjects) == (
        [*["There is a message about your report"] * 2, "There is news of your report"] if told else []
    )
    assert not [mail for mail in mails if "platform" in text_of(mail) or "gone" in text_of(mail)]
    reasons = [e.reason for e in await with_defaults.events(AlertDecided) if e.purpose is AlertPurpose.MESSAGE_SENT]
    assert reasons == [Why.THE_REPORTER if told else Why.NOBODY_CANNOT_BE_REACHED] * 2


@pytest.mark.parametrize(
    ("build", "kind", "team", "news"),
    [
        (report, "abuse", "smart", "There is news of your report"),
        (misuse, "misuse", "triage_desk", "Your report is finished"),
        (incident, "security_incident", "sirt", "There is news of your report"),
        (enquiry, "enquiry", "advice_centre", "There is news of your report"),
        (exception, "policy_exception", "policy_standards", "There is news of your report"),
    ],
)
async def test_a_teams_word_is_mailed_at_once_about_every_kind_of_report(
    notifier: Notifier, build: Callable[..., ReportEvent], kind: str, team: str, news: str
) -> None:
    said = build(reporter=PRIYA, **({} if build is report else {"manager_alert": "no"}))
    case = routed(said.report_id, form=kind, report_type=kind, team=team)
    await notifier.receive(said)
    await notifier.receive(case)
    await notifier.receive(asked(case), shared(case, "It is gone."), resolved(case, "out_of_scope"))
    await notifier.deliver_until(notifier.all_settled)
    mails = [mail for mail in notifier.mail_server.mails if mail["To"] == PRIYA.email]
    assert sorted(str(mail["Subject"]).partition(", SP-")[0] for mail in mails) == sorted(
        ["The team has a question about your report", "There is a message about your report", news]
    )


async def test_nothing_else_changes_for_a_question_or_a_request(notifier: Notifier) -> None:
    for said, kind in ((enquiry(), "enquiry"), (exception(), "policy_exception")):
        await notifier.receive(said)
        await notifier.receive(routed(said.report_id, form=kind, report_type=kind, team="advice_centre"))
    assert (
        await notifier.rows("select purpose, reason from decision") == [("enquiry_received", "nobody_not_required")] * 2
    )
    assert await notifier.scalar("select count(*) from alert") == 0
    assert await notifier.scalar("select count(*) from follow_up") == 0


@pytest.mark.parametrize(
    ("assignee", "priority", "told", "at_once"),
    [
        (PRIYA.staff_id, "P1", PRIYA.email, True),
        (PRIYA.staff_id, "P2", PRIYA.email, True),
        (PRIYA.staff_id.lower(), "P3", PRIYA.email, False),
        (PRIYA.staff_id, "later", PRIYA.email, False),
        ("S0000", "P1", "smart-lead@example.org", True),
        ("S0000", "P4", "smart-lead@example.org", False),
        (None, "P1", None, False),
    ],
)
async def test_who_has_the_case_hears_of_a_reply_at_once_or_in_a_digest(
    notifier: Notifier, assignee: str | None, priority: str, told: str | None, at_once: bool
) -> None:
    by_default = replace(notifier, digest_rules=replace(DIGEST_RULES, digest=_digests_by_default()))
    await by_default.receive(replied(routed(uuid4(), team="smart"), assignee, priority))
    await by_default.deliver_until(by_default.all_settled)
    assert by_default.mail_server.recipients == ([told] if at_once else [])
    by_default.clock.turn(timedelta(hours=4))
    await by_default.sweep_digests()
    await by_default.deliver_until(by_default.all_settled)
    assert by_default.mail_server.recipients == ([told] if told else [])
    for mail in by_default.mail_server.mails:
        assert f"/cases/{REFERENCE}/conversation" in text_of(mail)
    [decided] = await by_default.events(AlertDecided)
    nobody = Why.NOBODY_HAS_THE_CASE
    assert decided.reason is (nobody if not told else Why.THE_RESPONDER if told == PRIYA.email else Why.TEAM_LEAD)


async def test_a_reply_that_does_not_reach_who_has_the_case_goes_to_their_lead(notifier: Notifier) -> None:
    notifier.mail_server.replies_to_recipient = ["550 No such mailbox"]
    await notifier.receive(replied(routed(uuid4(), team="smart"), PRIYA.staff_id, "P1"))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == ["smart-lead@example.org"]
    states = "select state, reason from alert order by created_at, escalated_from nulls first"
    assert await notifier.rows(states) == [("failed", "the_responder"), ("sent", "escalated_undeliverable")]


async def test_who_withdrew_a_report_is_told_nothing_more(notifier: Notifier) -> None:
    said = report()
    case = routed(said.report_id, form="abuse", report_type="abuse", team="smart")
    await notifier.receive(said)
    await notifier.receive(case)
    await notifier.receive(resolved(case, "withdrawn"))
    assert await _finished(notifier) == []


async def test_what_is_remembered_of_a_report_goes_a_month_after_its_cases_are_closed(notifier: Notifier) -> None:
    said = report()
    case = routed(said.report_id, form="abuse", report_type="abuse", team="smart")
    await notifier.receive(said)
    await notifier.receive(case)
    await notifier.receive(closed(case))
    assert await notifier.scalar("select forget_at from known_report") == NOW + timedelta(days=30)


async def test_the_lead_gets_a_deadline_with_a_link_to_the_case(notifier: Notifier) -> None:
    await notifier.receive(deadline(routed(uuid4(), team="smart"), priority="P1"))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == ["smart-lead@example.org"]
    [mail] = notifier.mail_server.mails
    assert f"http://127.0.0.1:8000/cases/{REFERENCE}" in text_of(mail)
    assert mail["Subject"].startswith("Urgent: a deadline is at risk")


@pytest.mark.parametrize(
    ("to_team", "priority", "staffed", "told"),
    [
        ("sirt", "P1", False, ["sirt-on-call@example.org"]),
        ("smart", "P2", False, ["triage-desk-on-call@example.org"]),
        ("sirt", "P1", True, []),
        ("sirt", "P3", False, []),
        ("sirt", None, True, []),
    ],
)
async def test_an_urgent_case_that_goes_to_a_team_that_is_not_at_work_needs_the_person_on_call(
    notifier: Notifier, to_team: str, priority: str | None, staffed: bool, told: list[str]
) -> None:
    said = report()
    case = routed(said.report_id, form="abuse", report_type="abuse", team="triage_desk")
    await notifier.receive(said)
    await notifier.receive(case)
    moved = transferred(case, "triage_desk", to_team).model_copy(update={"priority": priority, "staffed": staffed})
    await notifier.receive(moved)
    await notifier.deliver_until(notifier.all_settled)
    urgent = "select recipient_email from alert where purpose = 'urgent_case'"
    assert [email for (email,) in await notifier.rows(urgent)] == told


async def test_a_case_that_becomes_urgent_at_night_wakes_the_person_on_call_once(notifier: Notifier) -> None:
    case = routed(report().report_id, team="sirt", form="security_incident", report_type="security_incident")
    await notifier.receive(reprioritised(case, "P3", "P1", staffed=False))
    await notifier.receive(reprioritised(case, "P1", "P2", staffed=False))
    found = await notifier.rows("select recipient_email from alert where purpose = 'urgent_case'")
    assert [email for (email,) in found] == ["sirt-on-call@example.org"]


def asked(case: CaseRouted) -> CaseInformationAsked:
    common = {name: getattr(case, name) for name in ("case_id", "report_id", "reference", "at", "team")}
    return CaseInformationAsked.model_validate(common)


def replied(case: CaseRouted, assignee: str | None, priority: str) -> CaseReporterReplied:
    common = {name: getattr(case, name) for name in ("case_id", "report_id", "reference", "at", "team")}
    return CaseReporterReplied.model_validate({**common, "priority": priority, "assignee": assignee})


def shared(case: CaseRouted, text: str, *, asks: bool = False) -> ReporterUpdateShared:
    common = {name: getattr(case, name) for name in ("report_id", "reference", "at")}
    return ReporterUpdateShared.model_validate({**common, "text": text, "asks": asks})


def _digests_by_default() -> frozenset[AlertPurpose]:
    return frozenset(NotifierSettings.model_fields["notifier_digest_purposes"].default)


def deadline(case: CaseRouted, **said: object) -> CaseDeadlineAtRisk:
    return CaseDeadlineAtRisk.model_validate(
        {
            "case_id": case.case_id,
            "report_id": case.report_id,
            "reference": case.reference,
            "at": NOW,
            "team": case.team,
            "kind": "respond",
            "due_at": NOW + timedelta(minutes=5),
            **said,
        }
    )


def _people(said: list[dict[str, str]]) -> object:
    return report(affected=said).affected  # type: ignore[arg-type]  # the builder reads what it is given


async def _finished(notifier: Notifier) -> list[tuple[object, ...]]:
    return list(
        await notifier.rows(
            "select recipient_email, standing from alert where purpose = 'report_finished' order by created_at"
        )
    )


@pytest.mark.parametrize(
    ("assignee", "priority", "taken", "told", "subject"),
    [
        ("S1001", "P3", False, [PRIYA.email], "A colleague has given you a case"),
        ("s1001", "P2", False, [PRIYA.email], "Urgent: a colleague has given you a case"),
        ("S7777", "P3", False, ["smart-lead@example.org"], "A case was given to a colleague"),
        ("S1001", "P1", True, [], ""),
    ],
)
async def test_whom_a_colleague_gave_a_case_is_told(
    notifier: Notifier, assignee: str, priority: str, taken: bool, told: list[str], subject: str
) -> None:
    case = routed(uuid4(), team="smart").model_dump(include={"case_id", "report_id", "reference", "at", "team"})
    given = CaseAssigned.model_validate({**case, "priority": priority, "assignee": assignee, "taken": taken})
    await notifier.receive(given)
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == told
    for mail in notifier.mail_server.mails:
        assert mail["Subject"] == f"{subject}, {REFERENCE}"
        assert f"/cases/{REFERENCE}" in text_of(mail)


@pytest.mark.parametrize(
    ("assignee", "priority", "told", "why", "subject"),
    [
        ("s1001", "P3", [PRIYA.email], Why.GIVEN_A_TASK, "A colleague has given you a task"),
        ("S1001", "P2", [PRIYA.email], Why.GIVEN_A_TASK, "Urgent: a colleague has given you a task"),
        ("S7777", "P3", ["smart-lead@example.org"], Why.TEAM_LEAD, "A task was given to a colleague"),
    ],
)
async def test_whom_a_colleague_gave_a_task_is_told_where_it_is(
    notifier: Notifier, assignee: str, priority: str, told: list[str], why: Why, subject: str
) -> None:
    case = routed(uuid4(), team="smart").model_dump(include={"case_id", "report_id", "reference", "at", "team"})
    await notifier.receive(CaseTaskGiven.model_validate({**case, "priority": priority, "assignee": assignee}))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == told
    [mail] = notifier.mail_server.mails
    assert mail["Subject"] == f"{subject}, {REFERENCE}"
    assert f"/cases/{REFERENCE}/tasks" in text_of(mail)
    [decided] = await notifier.events(AlertDecided)
    assert (decided.purpose, decided.reason) == (AlertPurpose.TASK_GIVEN, why)


async def test_leads_are_told_what_they_are_asked_for_and_a_second_review_can_wait(notifier: Notifier) -> None:
    for kind in ("hand_over", "more_content", "second_review", "from_the_future"):
        await notifier.receive(LeadsAsked.model_validate({"team": "smart", "kind": kind, "at": NOW}))
    await notifier.receive(LeadsAsked.model_validate({"team": "from_the_future", "kind": "hand_over", "at": NOW}))
    await notifier.deliver_until(notifier.all_settled)
    told = {(mail["To"], mail["Subject"]) for mail in notifier.mail_server.mails}
    assert told == {
        ("smart-lead@example.org", "A colleague has handed a case over, SMART"),
        ("smart-lead@example.org", "Urgent: a colleague asks to be shown more today, SMART"),
        ("smart-lead@example.org", "An outcome needs a second person, SMART"),
        ("triage-desk-lead@example.org", "A colleague has handed a case over, Signpost"),
    }
    assert AlertPurpose.SECOND_REVIEW_WAITING in _digests_by_default()


async def test_the_lead_hears_of_a_shift_with_something_to_hand_over(notifier: Notifier) -> None:
    for urgent, soon in ((0, 0), (3, 100)):
        await notifier.receive(ShiftChanged(team=Team.SMART, began_at=NOW, at=NOW, urgent=urgent, due_soon=soon))
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == ["smart-lead@example.org"]
    said = text_of(notifier.mail_server.mails[0])
    assert "To hand over: 3 open P1 or P2, 99+ more due within 4 hours" in said
    assert "/cases/shift" in said
