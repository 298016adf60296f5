"""What notifier keeps of a report, and for how long: never what happened."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from services.notifier.reports.domain import known_report, read_misuse, stored_misuse
from services.notifier.reports.handlers import forget_due
from shared.events.envelope import Event
from shared.events.intake import Subject
from tests.services.notifier.builders import (
    PRIYA,
    added_to,
    enquiry,
    exception,
    incident,
    misuse,
    report,
    resolved,
    routed,
    suspect,
    who,
)
from tests.services.notifier.environment import Notifier


@pytest.mark.parametrize(
    "said",
    [
        misuse(),
        misuse(reporter=None),
        misuse(affected=[suspect(PRIYA)], union_activity="unsure", manager_email="a@example.org"),
        misuse(subject=Subject(name="Somebody"), found_by="later", manager_alert="later"),
    ],
)
def test_what_is_stored_of_misuse_is_read_back(said: object) -> None:
    facts = known_report(said).misuse  # type: ignore[arg-type]  # each is a misuse report
    assert facts is not None
    back = read_misuse(json.loads(json.dumps(stored_misuse(facts))))
    assert back.subject == facts.subject
    assert back.affected == facts.affected
    assert back.reporter.staff_id == facts.reporter.staff_id
    assert (back.union_activity, back.manager_alert, back.found_by) == (
        facts.union_activity,
        facts.manager_alert,
        facts.found_by,
    )


async def test_no_narrative_is_kept_and_no_name_of_who_signed_in(notifier: Notifier) -> None:
    await notifier.receive(report(), misuse(reporter=PRIYA), incident(), enquiry(), exception())
    [(kept,)] = await notifier.rows("select json_agg(known_report)::text from known_report")
    assert "NARRATIVE-CANARY" not in str(kept)
    assert f'"name": "{PRIYA.name}", "staff_id": "{PRIYA.staff_id}", "confidentiality"' not in str(kept)


async def test_an_anonymous_reporter_is_not_remembered_at_all(notifier: Notifier) -> None:
    said = report(reporter=None).model_copy(update={"reporter": who(None, "anonymous")})
    await notifier.receive(said)
    assert await notifier.rows("select contact, staff_id, misuse is null from known_report") == [(None, None, True)]


@pytest.mark.parametrize("build", [report, misuse, incident, enquiry, exception])
async def test_who_said_how_to_be_reached_is_looked_up_nowhere_else(
    notifier: Notifier, build: Callable[..., Event]
) -> None:
    said = build().model_copy(update={"reporter": who(PRIYA, safe_contact="07700 900123")})
    await notifier.receive(said)
    assert await notifier.rows("select contact, staff_id from known_report") == [(None, None)]


async def test_what_is_not_needed_any_more_is_forgotten(notifier: Notifier) -> None:
    await notifier.receive(report(), misuse())
    async with notifier.database.transaction() as session:
        assert await forget_due(session, notifier.clock.now() + timedelta(days=399)) == 0
        assert await forget_due(session, notifier.clock.now() + timedelta(days=400)) == 2
    assert await notifier.scalar("select count(*) from known_report") == 0


@pytest.mark.policy("C-j")
async def test_what_its_reporter_adds_brings_nobody_back_whom_exempt_conduct_was_about(notifier: Notifier) -> None:
    """The addition may have been on its way when the case was found exempt."""
    said = misuse(union_activity="unsure")
    case = routed(said.report_id, team="triage_desk", category="union_activity")
    await notifier.receive(said)
    await notifier.receive(case)
    await notifier.receive(resolved(case, "exempt"))
    await notifier.receive(added_to(said, text="more"))
    assert await notifier.rows("select misuse is null, kept_from from known_report") == [(True, [])]
