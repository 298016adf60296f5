"""A reporter who asked to wait agrees, or an addition makes a report one of abuse: decided then, once."""

from datetime import timedelta

import pytest

from shared.events.intake import AbuseReportAmended, AbuseReportSubmitted
from shared.events.notifier import AlertDecided
from shared.events.vocabulary import RecipientReason as Why
from tests.services.notifier.builders import GRACE, NOW, added_to, incident, report
from tests.services.notifier.environment import Notifier


def amended(said: AbuseReportSubmitted, **added: object) -> AbuseReportAmended:
    whole = said.model_dump() | {"added_at": NOW + timedelta(hours=1)} | added
    return AbuseReportAmended.model_validate(whole)


async def reasons(notifier: Notifier) -> list[object]:
    return [event.reason for event in await notifier.events(AlertDecided)]


@pytest.mark.policy("S3")
async def test_who_asked_to_wait_has_their_manager_told_once_they_agree(notifier: Notifier) -> None:
    said = report(manager_alert="ask_me_first")
    await notifier.receive(said)
    for _ in range(2):
        await notifier.receive(amended(said, manager_alert="yes"))
    assert await reasons(notifier) == [Why.NOBODY_REPORTER_ASKED_TO_WAIT, Why.REPORTERS_MANAGER]
    await notifier.deliver_until(notifier.all_settled)
    assert notifier.mail_server.recipients == [GRACE.email]


@pytest.mark.parametrize(
    ("first", "then"),
    [("ask_me_first", "ask_me_first"), ("yes", "yes"), ("no", "yes"), ("yes", "no"), ("someone_else", "yes")],
)
async def test_an_addition_decides_nothing_anew_unless_the_reporter_had_asked_to_wait(
    notifier: Notifier, first: str, then: str
) -> None:
    said = report(manager_alert=first)
    await notifier.receive(said)
    await notifier.receive(amended(said, manager_alert=then, text="more"))
    assert len(await reasons(notifier)) == 1


async def test_who_then_says_no_is_a_decision_too(notifier: Notifier) -> None:
    said = report(manager_alert="ask_me_first")
    await notifier.receive(said)
    await notifier.receive(amended(said, manager_alert="no"))
    assert await reasons(notifier) == [Why.NOBODY_REPORTER_ASKED_TO_WAIT, Why.NOBODY_REPORTER_DECLINED]


@pytest.mark.policy("S3")
async def test_an_incident_that_says_abuse_only_later_tells_the_manager_then(notifier: Notifier) -> None:
    said = incident()
    await notifier.receive(said)
    assert await reasons(notifier) == []
    for _ in range(2):
        await notifier.receive(added_to(said, behaviours=["doxing"]))
    assert await reasons(notifier) == [Why.REPORTERS_MANAGER]
    assert await notifier.rows("select urgency from alert") == [("urgent",)]


async def test_an_addition_changes_how_the_reporter_is_reached(notifier: Notifier) -> None:
    said = report()
    await notifier.receive(said)
    reporter = said.reporter.model_copy(update={"safe_contact": "home@elsewhere.example"})
    await notifier.receive(amended(said, reporter=reporter.model_dump()))
    assert await notifier.scalar("select contact from known_report") == "home@elsewhere.example"
