"""The operations page without JavaScript, its JSON and its files."""

import csv
import re
from dataclasses import replace
from datetime import timedelta
from io import StringIO

import pytest
from sqlalchemy import event

from services.triage.operations.api import FigureParts
from services.triage.operations.charts import Table
from services.triage.operations.pages import as_csv
from services.triage.operations.queries import LagReader
from shared.auth.permissions import Role
from shared.events.operations import DeadLetterRecorded, OverdueStep, OverdueStepsCounted
from shared.messaging.log import LogUnavailable
from shared.runtime import parts_in
from tests.services.triage.builders import IDS, NOW, open_cases, report
from tests.services.triage.conftest import Triage
from tests.services.triage.operations.events import hear, ledger, said_by_triage

SERVICE = "triage"
PAGE = "/cases/operations"
MOST_QUERIES = 12
PLAIN = {"signpost-shade-0", "signpost-age-2", "signpost-front-0", "signpost-front-1"}


async def a_report(triage: Triage) -> None:
    await open_cases(triage.database, report(platform="facebook"))
    await hear(triage.database, [*await said_by_triage(triage.database), ledger(accepted=1)])


async def test_the_page_says_that_nothing_is_lost_and_shows_every_table(triage: Triage) -> None:
    await a_report(triage)
    async with triage.client(Role.SMART_LEAD, subject="S4002") as aisha:
        page = (await aisha.get(PAGE)).text
    assert "Every report is accounted for" in page
    assert "Figures from" in page
    assert "The ledger’s figures last changed on 23 November 2026" in page
    assert page.count("Show as table") == 15
    assert page.index("Reports a day") < page.index("From accepted to resolved")
    for jargon in ("signpost-intake", "Reader signpost", ">?<"):
        assert jargon not in page.partition("<dialog")[0]  # which tells the key that opens it
    assert "Reports from other systems" in page
    drawn = set(re.findall(r"url\(#([a-z0-9-]+)\)", page))
    assert drawn <= {*re.findall(r'<pattern id="([a-z0-9-]+)"', page), *PLAIN}
    assert "style=" not in page.replace('rel="stylesheet"', "")
    assert '<th scope="row" class="govuk-table__header">Facebook</th>' in page


async def test_a_lost_report_is_said_in_words(triage: Triage) -> None:
    await hear(triage.database, [ledger(accepted=2, cases=1, unaccounted=1, oldest_unaccounted_s=7500)])
    async with triage.client(Role.OPERATIONS, subject="S8001") as ruth:
        page = (await ruth.get(PAGE)).text
    assert "Lost from sight, the oldest for 2 h 5 min" in page


async def test_an_empty_page_says_what_will_appear(triage: Triage) -> None:
    async with triage.client(Role.OPERATIONS, subject="S8001") as ruth:
        page = (await ruth.get(PAGE)).text
    assert "Not known yet" in page
    assert "Each report appears here as it goes from step to step." in page


@pytest.mark.parametrize("query", ["days=0", "days=%00", "days=7000", "days="])
async def test_a_period_that_makes_no_sense_is_the_usual_one(triage: Triage, query: str) -> None:
    async with triage.client(Role.OPERATIONS, subject="S8001") as ruth:
        assert 'days=7" aria-current="page"' in (await ruth.get(f"{PAGE}?{query}")).text


async def test_the_same_figures_are_there_as_json_and_csv(triage: Triage) -> None:
    await a_report(triage)
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SMART_LEAD, subject="S4002"))
        body = (await client.get("/cases/api/v1/operations", params={"days": 1})).json()
        rows = list(csv.reader(StringIO((await client.get(f"{PAGE}/funnel.csv?days=1")).text)))
        unknown = await client.get(f"{PAGE}/secrets.csv")
    assert (body["days"], body["summary"]["unaccounted"], body["summary"]["accepted_today"]) == (1, 0, 1)
    assert body["tables"]["funnel"]["rows"][0] == ["Accepted", 1]
    assert rows[:2] == [["Step", "Reports"], ["Accepted", "1"]]
    assert unknown.status_code == 404


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless_in_a_file(start: str) -> None:
    table = Table("readers", ("Reader", "Behind", "Since"), ((f"{start}cmd()", -1.5, None), ("triage", 3, "today")))
    written = list(csv.reader(StringIO(as_csv(table), newline="")))
    assert written == [["Reader", "Behind", "Since"], [f"'{start}cmd()", "-1.5", ""], ["triage", "3", "today"]]


async def test_dead_letters_are_linked_for_operators_only(triage: Triage) -> None:
    async with triage.client(Role.OPERATIONS, subject="S8001") as ruth:
        assert "/cases/operations/dead-letters" in (await ruth.get(PAGE)).text
    async with triage.client(Role.SMART_LEAD, subject="S4002") as aisha:
        assert "/cases/operations/dead-letters" not in (await aisha.get(PAGE)).text


async def test_dead_letters_are_in_the_menu_and_counted_for_all_services(triage: Triage) -> None:
    groups = ("signpost-notifier", "signpost-registry", "signpost-intake", "signpost-intake-inbound")
    await hear(triage.database, [_letter(group) for group in groups])
    async with triage.client(Role.OPERATIONS, subject="S8001") as ruth:
        page, letters = (await ruth.get(PAGE)).text, (await ruth.get(f"{PAGE}/dead-letters")).text
    assert "4 wait in all four services together." in page
    assert 'class="govuk-service-navigation__link" href="/cases/operations/dead-letters"' in page
    assert "<strong>4 dead letters need someone</strong> in all services together" in letters
    for tab in ("Intake (2)", "Triage (0)", "Registry (1)", "Notifier (1)"):
        assert tab in letters


async def test_each_dead_letter_is_linked_by_what_is_wrong_and_for_whom(triage: Triage) -> None:
    letters = [_letter(group) for group in ("signpost-notifier", "signpost-registry")]
    await hear(triage.database, letters)
    async with triage.client(Role.OPERATIONS, subject="S8001") as ruth:
        page = (await ruth.get(PAGE)).text
    for letter, prefix in zip(letters, ("/alerts", "/accounts"), strict=True):
        address = f"{prefix}/operations/dead-letters/{letter.dead_letter_id}"
        assert f'href="{address}">KeyError for {letter.group}</a>' in page


def _letter(group: str) -> DeadLetterRecorded:
    return DeadLetterRecorded(
        dead_letter_id=IDS.uuid(), group=group, topic="t", partition=0, offset=1, error_class="KeyError", at=NOW
    )


@pytest.mark.parametrize("path", ["", "/stream", "/funnel.csv"])
async def test_others_are_turned_away(triage: Triage, path: str) -> None:
    async with triage.client(Role.SMART_RESPONDER) as sam:
        assert (await sam.get(PAGE + path)).status_code == 403


async def test_the_page_takes_a_handful_of_queries(triage: Triage) -> None:
    await a_report(triage)
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        statements.append(statement)

    event.listen(triage.database.engine.sync_engine, "before_cursor_execute", note)
    async with triage.client(Role.SMART_LEAD, subject="S4002") as aisha:
        assert (await aisha.get(PAGE)).status_code == 200
    assert 0 < len(statements) <= MOST_QUERIES


async def test_a_log_that_does_not_answer_leaves_the_page_standing(triage: Triage) -> None:
    class Away:
        async def behind(self, _groups: object) -> None:
            raise LogUnavailable

    lag = LagReader(Away(), triage.clock)  # type: ignore[arg-type] # only what is asked
    triage.app.state.parts = replace(parts_in(triage.app, FigureParts), lag=lag)
    async with triage.client(Role.OPERATIONS, subject="S8001") as ruth:
        page = await ruth.get(PAGE)
    assert "The event log does not answer" in page.text


async def test_steps_that_did_not_happen_are_shown_and_so_is_an_auditor_that_is_silent(triage: Triage) -> None:
    late = OverdueStep(step="reminder", count=2, oldest_due_at=NOW - timedelta(minutes=9))
    found = OverdueStepsCounted(service="notifier", at=NOW, steps=(late,))
    older = OverdueStepsCounted(service="notifier", at=NOW - timedelta(minutes=1), steps=())
    await hear(triage.database, [found, older])
    done = OverdueStepsCounted(
        service="notifier", at=NOW + timedelta(seconds=1), steps=(OverdueStep(step="reminder", count=0),)
    )
    async with triage.client(Role.OPERATIONS, subject="S8001") as ruth:
        page = (await ruth.get(PAGE)).text
        triage.clock.move(timedelta(minutes=16))
        later = (await ruth.get(PAGE)).text
        await hear(triage.database, [done])
        calm = (await ruth.get(PAGE)).text
    folded = 'Show as table<span class="govuk-visually-hidden">: Steps that did not happen'
    assert (folded in page, folded in calm) == (False, True)
    assert "2 did not happen when they were due" in page
    assert "Reminder of an alert" in page
    assert "has not reported lately" not in page
    assert "The auditor has not reported lately for: notifier" in later
