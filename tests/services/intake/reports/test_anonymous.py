"""Misuse and incidents reported without a name: only where a setting allows it, and with nothing kept about anyone."""

import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from httpx import AsyncClient
from pydantic import ValidationError
from sqlalchemy import text

from services.intake.reports.kinds import BY_TYPE
from services.intake.settings import IntakeSettings
from shared.events.vocabulary import ReportType
from tests.services.intake.conftest import Intake, opened_intake
from tests.services.intake.evidence.test_api import picture
from tests.services.intake.forms.answers import ABUSE_IN_INCIDENT, ABUSE_IN_MISUSE, CONTACT, INCIDENT, MISUSE
from tests.services.intake.forms.browser import answer, send, token_in, walk
from tests.services.intake.reports.bodies import KINDS
from tests.services.intake.reports.test_api import how_many, the_report
from tests.services.intake.tracking.test_follow import STATUS
from tests.services.intake.tracking.test_updates import hear, shared
from tests.support.postgres import PostgresForTests

ANONYMOUS = {"about-you": {"confidentiality": "anonymous"}}
FORMS = {
    "misuse": ("misuse", {**MISUSE, **ANONYMOUS}),
    "misuse with abuse": ("misuse", {**ABUSE_IN_MISUSE, **ANONYMOUS}),
    "incident": ("security_incident", {**INCIDENT, **ANONYMOUS}),
    "incident with abuse": ("security_incident", {**ABUSE_IN_INCIDENT, **ANONYMOUS}),
}
ALLOWED = ("misuse", "security_incident")
REPORTER = ("subject", "staff_id", "name", "email", "worker_kind", "safe_contact")


@pytest.fixture
async def allowing(postgres: PostgresForTests, tmp_path: Path) -> AsyncIterator[Intake]:
    """The service of an organisation that lets people report anything anonymously that may be."""
    async with opened_intake(postgres, tmp_path, intake_anonymous_reports=("abuse", *ALLOWED)) as intake:
        yield intake


async def the_event(intake: Intake) -> dict[str, object]:
    async with intake.database.transaction() as session:
        return dict(json.loads(await session.scalar(text("select value from outbox")) or b"{}"))


async def nothing_about_anyone(intake: Intake) -> bool:
    report, event = await the_report(intake), await the_event(intake)
    kept = [getattr(report, f"reporter_{name}") for name in REPORTER]
    return kept == [None] * len(REPORTER) and event["reporter"] == {"confidentiality": "anonymous"}


@pytest.mark.policy("C-c", "R-c")
@pytest.mark.parametrize("name", ALLOWED)
async def test_a_script_without_a_token_gets_a_code_that_opens_the_conversation(allowing: Intake, name: str) -> None:
    kind = KINDS[name]
    async with allowing.client() as client:
        taken = await client.post(kind.address, json=kind.body)
        assert taken.status_code == 201, taken.text
        code = {"receipt-code": taken.json()["receipt_code"]}
        where = f"{STATUS}/{taken.json()['reference']}"
        assert await nothing_about_anyone(allowing)
        written = await client.post(f"{where}/messages", json={"text": "And this"}, headers=code)
        read = await client.get(f"{where}/messages", headers=code)
        wrong = await client.post(kind.address, json=kind.body, headers={"authorization": "Bearer not.a.token"})
        named = await client.post(kind.address, json={**kind.body, "safe_contact": "0123"})
    assert (written.status_code, [item["text"] for item in read.json()["items"]]) == (201, ["And this"])
    assert (wrong.status_code, named.status_code) == (401, 422)
    assert named.json()["errors"][0]["field"] == "safe_contact"


@pytest.mark.parametrize("name", sorted(KINDS))
async def test_what_no_setting_allows_still_needs_a_name(allowing: Intake, name: str) -> None:
    async with allowing.client() as client:
        kind = KINDS[name]
        answered = (await client.post(kind.address, json=kind.body)).status_code
    assert answered == (201 if name in ALLOWED else 401)


@pytest.mark.parametrize("name", sorted(FORMS))
async def test_a_form_without_a_name_ends_with_a_code(allowing: Intake, name: str) -> None:
    kind, pages = FORMS[name]
    form = "misuse" if kind == "misuse" else "incident"
    async with allowing.client() as client:
        asked = await walk(client, f"/report/{form}", pages)
        page = (await send(client, f"/report/{form}")).text
        code, reference = re.search(r'id="receipt-code">([^<]+)<', page), re.search(r"SP-\w{4}-\w{4}", page)
        assert code
        assert reference
        assert "cannot contact you" in page
        shown = (await client.get(f"/report/track/{reference[0]}")).text
    assert not {"contact", "manager"} & set(asked)
    assert "Add information" in shown
    report = await the_report(allowing)
    assert (report.report_type, report.confidentiality, report.manager_alert) == (kind, "anonymous", "no")
    assert await nothing_about_anyone(allowing)


@pytest.mark.policy("C-c", "R-c")
@pytest.mark.parametrize("form", ["misuse", "incident"])
async def test_who_gave_no_name_sends_files_and_talks_with_the_team_by_the_code_alone(
    allowing: Intake, form: str
) -> None:
    kind, pages = FORMS[form]
    async with allowing.client() as sender:
        await walk(sender, f"/report/{form}", pages)
        sent = (await send(sender, f"/report/{form}")).text
    [code], [reference] = re.findall(r'id="receipt-code">([^<]+)<', sent), set(re.findall(r"SP-\w{4}-\w{4}", sent))
    report, page = await the_report(allowing), f"/report/track/{reference}"
    await hear(allowing, shared(str(report.id), "Which account?", allowing.clock.now(), asks=True))
    allowing.clock.move(timedelta(minutes=1))
    async with allowing.client() as later:
        assert (await later.get(page)).status_code == 404, "not without the code"
        assert (await answer(later, "/report/track", {"reference": reference, "receipt_code": code})).status_code == 303
        asked = await later.get(page)
        said = {"csrftoken": token_in(asked), "text": "This one"}
        added = await later.post(f"{page}/add", data=said, files=[("file", ("Ann Smith.png", picture()))])
        assert ("Waiting for your answer" in asked.text, added.status_code) == (True, 303)
        heard = (await later.get(f"{STATUS}/{reference}/messages", headers={"receipt-code": code})).json()["items"]
        assert "Waiting for your answer" not in (await later.get(page)).text
    assert [(item["kind"], item["text"], item["answers_question"]) for item in heard] == [
        ("question", "Which account?", False),
        ("message", "This one", True),
    ]
    [file] = heard[1]["evidence"]
    assert (file["cleaned"], "name" in file) == (True, False)
    async with allowing.client(**allowing.session()) as colleague:
        assert (await colleague.get(page)).status_code == 404
    async with allowing.database.transaction() as session:
        events = (await session.execute(text("select topic, type, value from outbox order by id"))).all()
    assert [event.type for event in events[1:]] == ["message.sent.v1", "evidence.added.v1"]
    assert {event.topic for event in events} == {BY_TYPE[ReportType(kind)].topic}
    assert not any(b"Ann" in event.value or b"S1001" in event.value for event in events)


async def test_who_signed_in_may_stay_anonymous_too(allowing: Intake) -> None:
    async with allowing.client(**allowing.session()) as client:
        await walk(client, "/report/misuse", FORMS["misuse"][1])
        assert 'id="receipt-code"' in (await send(client, "/report/misuse")).text
    assert await nothing_about_anyone(allowing)


@pytest.mark.parametrize("form", ["misuse", "incident"])
async def test_a_name_needs_a_sign_in_and_nothing_typed_is_lost(allowing: Intake, form: str) -> None:
    pages = MISUSE if form == "misuse" else INCIDENT
    async with allowing.client() as client:
        await walk(client, f"/report/{form}", {**pages, **ANONYMOUS})
        page = await client.get(f"/report/{form}/about-you")
        assert f'href="/sign-in?next=/report/{form}/about-you"' in page.text
        refused = await answer(client, f"/report/{form}/about-you", {"confidentiality": "named"})
        assert (refused.status_code, "Sign in to report in your name" in refused.text) == (422, True)
        client.cookies.update(allowing.session())
        named = {"confidentiality": "named", "csrftoken": token_in(await client.get(f"/report/{form}/about-you"))}
        assert (await client.post(f"/report/{form}/about-you", data=named)).status_code == 303
        await answer(client, f"/report/{form}/contact", CONTACT)
        await answer(client, f"/report/{form}/manager", {"manager_alert": "no"})
        assert 'id="receipt-code"' not in (await send(client, f"/report/{form}")).text
    assert (await the_report(allowing)).reporter_staff_id == "S1001"


async def test_a_name_that_was_given_before_the_session_ended_is_asked_for_again(allowing: Intake) -> None:
    """The answers stay, and the check page says what to do."""
    async with allowing.client(**allowing.session()) as client:
        await walk(client, "/report/misuse", {**MISUSE, "about-you": {"confidentiality": "named"}})
        client.cookies.delete("signpost_session")
        page = await answer(client, "/report/misuse/check", {})
        assert (page.status_code, "Sign in to report in your name" in page.text) == (422, True)
        assert 'href="#about-you"' in page.text
    assert await how_many(allowing) == (0, 0, 0)


async def test_without_the_setting_nothing_is_offered(intake: Intake, client: AsyncClient) -> None:
    for name in ALLOWED:
        assert (await client.post(KINDS[name].address, json=KINDS[name].body)).status_code == 401
    start = (await client.get("/")).text
    assert start.count("You need to sign in.") == 2
    assert (await client.get("/report/misuse", headers={"accept": "text/html"})).status_code in {303, 401}
    async with intake.client(**intake.session()) as member:
        await walk(member, "/report/misuse", MISUSE)
        page = await answer(member, "/report/misuse/about-you", {"confidentiality": "anonymous"})
    assert (page.status_code, "Without saying who I am" in page.text) == (422, False)


async def test_the_start_page_says_which_forms_need_no_name(allowing: Intake) -> None:
    async with allowing.client() as client:
        start = (await client.get("/")).text
        assert "You need to sign in." not in start
        assert start.count("With or without your name.") == 2


@pytest.mark.parametrize("kinds", [(), ("misuse",), ("abuse", "enquiry"), ("abuse", "nonsense")])
def test_a_setting_that_no_one_can_mean_stops_the_start(kinds: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="must be abuse"):
        IntakeSettings.model_validate({"intake_anonymous_reports": kinds})
