"""When an outcome is looked at again: the lead is told of the request, and the reporter of the result, once."""

from datetime import timedelta

import pytest

from services.notifier.reports.domain import QuestionEvent, ReportEvent
from services.notifier.reports.handlers import forget_due
from shared.events.intake import Subject
from shared.events.triage import CaseReviewed, CaseReviewRequested, CaseRouted
from tests.services.notifier.builders import (
    NOW,
    PRIYA,
    REFERENCE,
    closed,
    enquiry,
    exception,
    incident,
    misuse,
    reopened,
    report,
    resolved,
    routed,
    who,
)
from tests.services.notifier.environment import Notifier
from tests.services.notifier.mail_server import text_of

SMART = {"form": "abuse", "report_type": "abuse", "team": "smart"}


def requested(case: CaseRouted) -> CaseReviewRequested:
    return CaseReviewRequested.model_validate(
        {**_ids(case), "outcome": "support_given", "due_at": NOW + timedelta(days=7)}
    )


def reviewed(case: CaseRouted, result: str = "upheld") -> CaseReviewed:
    said = {"outcome": "support_given", "result": result, "report_type": case.report_type}
    return CaseReviewed.model_validate({**_ids(case), **said})


def _ids(case: CaseRouted) -> dict[str, object]:
    return {name: getattr(case, name) for name in ("case_id", "report_id", "reference", "at", "team")}


async def told(notifier: Notifier, purpose: str = "outcome_reviewed") -> list[tuple[object, ...]]:
    return list(
        await notifier.rows(
            f"select recipient_email, standing from alert where purpose = '{purpose}' order by created_at"  # noqa: S608 - our own word
        )
    )


async def finished(notifier: Notifier, said: ReportEvent | QuestionEvent, **case: object) -> CaseRouted:
    """Let a report with one case be finished."""
    one = routed(said.report_id, **{**SMART, **case})
    for event in (said, one, resolved(one, "support_given")):
        await notifier.receive(event)
    return one


async def test_the_teams_lead_is_told_of_a_request_and_the_reporter_of_the_result(notifier: Notifier) -> None:
    case = await finished(notifier, report())
    await notifier.receive(requested(case))
    assert await told(notifier, "review_asked") == [("smart-lead@example.org", "lead")]
    assert await told(notifier) == []
    await notifier.receive(reviewed(case))
    assert await told(notifier) == [(PRIYA.email, "reporter")]
    await notifier.deliver_until(notifier.all_settled)
    mail = next(mail for mail in notifier.mail_server.mails if "news of your request" in str(mail["subject"]))
    assert (mail["to"], REFERENCE in text_of(mail), "/report/track" in text_of(mail)) == (PRIYA.email, True, True)
    assert not any(word in text_of(mail) for word in ("upheld", "stays", "support"))
    asked = next(mail for mail in notifier.mail_server.mails if "looked at again" in str(mail["subject"]))
    assert f"/cases/{REFERENCE}/review" in text_of(asked)


@pytest.mark.parametrize(
    ("said", "form"),
    [
        (report(), "abuse"),
        (incident(), "security_incident"),
        (enquiry(), "enquiry"),
        (exception(), "policy_exception"),
    ],
    ids=lambda one: getattr(one, "TYPE", ""),
)
@pytest.mark.parametrize("result", ["upheld", "changed"])
async def test_reporters_of_every_kind_are_told_once(
    notifier: Notifier, said: ReportEvent | QuestionEvent, form: str, result: str
) -> None:
    case = await finished(notifier, said, form=form, report_type=form)
    await notifier.receive(requested(case))
    await notifier.receive(reviewed(case, result))
    if result == "changed":
        await notifier.receive(reopened(case))
    assert await told(notifier) == [(PRIYA.email, "reporter")]


@pytest.mark.parametrize("result", ["upheld", "changed"])
async def test_who_reported_misuse_learns_only_that_it_was_looked_at_again(notifier: Notifier, result: str) -> None:
    said = misuse(reporter=PRIYA, subject=Subject(name="Somebody Else"))
    case = await finished(notifier, said, form="misuse", report_type="misuse", team="line_manager")
    await notifier.receive(requested(case))
    await notifier.receive(reviewed(case, result))
    assert await told(notifier, "review_asked") == [("triage-desk-lead@example.org", "lead")]
    assert await told(notifier) == [(PRIYA.email, "misuse_reporter")]


async def test_the_reporter_is_told_once_every_team_has_looked(notifier: Notifier) -> None:
    said = report()
    first = await finished(notifier, said)
    second = routed(said.report_id, **{**SMART, "team": "sirt", "linked": True})
    for event in (second, resolved(second, "contained"), requested(first), requested(second), reviewed(second)):
        await notifier.receive(event)
    assert await told(notifier) == []
    await notifier.receive(reviewed(first))
    assert await told(notifier) == [(PRIYA.email, "reporter")]


async def test_a_team_that_reopens_the_case_meanwhile_is_news_too(notifier: Notifier) -> None:
    case = await finished(notifier, report())
    await notifier.receive(requested(case))
    await notifier.receive(reopened(case))
    assert await told(notifier) == [(PRIYA.email, "reporter")]
    await notifier.receive(resolved(case, "support_given"))
    await notifier.receive(reopened(case))
    assert len(await told(notifier)) == 1


@pytest.mark.parametrize(
    ("reporter", "to"),
    [
        (who(PRIYA, "confidential", safe_contact="home@elsewhere.example"), "home@elsewhere.example"),
        (who(PRIYA, "confidential", safe_contact="07700 900000"), None),
        (who(None, "anonymous"), None),
    ],
)
async def test_only_by_their_safe_way(notifier: Notifier, reporter: object, to: str | None) -> None:
    case = await finished(notifier, report().model_copy(update={"reporter": reporter}))
    await notifier.receive(requested(case))
    await notifier.receive(reviewed(case))
    assert [address for address, _ in await told(notifier)] == ([to] if to else [])


async def test_a_closed_report_is_remembered_until_its_reporter_is_told(notifier: Notifier) -> None:
    case = await finished(notifier, report())
    await notifier.receive(closed(case))
    notifier.clock.turn(timedelta(days=29))
    await notifier.receive(requested(case))
    notifier.clock.turn(timedelta(days=5))
    async with notifier.database.transaction() as session:
        await forget_due(session, notifier.clock.now())
    await notifier.receive(reviewed(case))
    assert await told(notifier) == [(PRIYA.email, "reporter")]
