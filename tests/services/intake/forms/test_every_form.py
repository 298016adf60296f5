"""Every form that needs a sign-in, from the first question to the confirmation."""

import json
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import get_args

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from services.intake.app import FORMS
from services.intake.forms import misuse
from services.intake.forms.incident import supplier_form
from services.intake.forms.questions import CAPTURE
from services.intake.forms.session import FormParts
from services.intake.forms.steps import first_open
from services.intake.reports.checks import LIMITS, TEXT_LIMIT
from services.intake.reports.commands import MisuseReport
from services.intake.settings import FormName, IntakeSettings, OfficialChannel
from shared.auth.guard import SESSION_COOKIE
from shared.auth.permissions import Role
from shared.runtime import parts_in
from shared.settings import InvalidSettings, load
from shared.web.forms import Kind
from tests.services.intake.conftest import START, Intake, person
from tests.services.intake.forms import answers as given
from tests.services.intake.forms.answers import Pages
from tests.services.intake.forms.browser import answer, send, token_in, walk
from tests.services.intake.reports.test_api import how_many, the_report

FORMS_AND_ANSWERS: dict[str, tuple[str, Pages]] = {
    "advice": ("advice", given.ADVICE),
    "exception": ("exception", given.EXCEPTION),
    "incident": ("incident", given.INCIDENT),
    "incident with abuse": ("incident", given.ABUSE_IN_INCIDENT),
    "misuse": ("misuse", given.MISUSE),
    "misuse with abuse": ("misuse", given.ABUSE_IN_MISUSE),
    "notice": ("exception", given.NOTICE),
}


@pytest.fixture
async def member(intake: Intake) -> AsyncIterator[AsyncClient]:
    """A person who is signed in."""
    async with intake.client(**intake.session()) as client:
        yield client


async def the_event(intake: Intake) -> dict[str, object]:
    async with intake.database.transaction() as session:
        return dict(json.loads(await session.scalar(text("select value from outbox")) or b"{}"))


async def filled(intake: Intake, client: AsyncClient, name: str) -> tuple[dict[str, object], str]:
    """Fill in and send a form; return its event and its confirmation."""
    form, pages = FORMS_AND_ANSWERS[name]
    await walk(client, f"/report/{form}", pages)
    page = await send(client, f"/report/{form}")
    return await the_event(intake), page.text


@pytest.mark.parametrize("name", sorted(FORMS_AND_ANSWERS))
async def test_a_whole_form_becomes_one_report(intake: Intake, member: AsyncClient, name: str) -> None:
    event, page = await filled(intake, member, name)
    assert await how_many(intake) == (1, 1, 1)
    assert str(event["reference"]) in page
    report = await the_report(intake)
    assert (report.reporter_staff_id, report.reporter_safe_contact) == ("S1001", "Call me after six")


@pytest.mark.policy("S3")
async def test_abuse_needs_nothing_affected_in_the_security_form(intake: Intake, member: AsyncClient) -> None:
    nothing = {**given.ABUSE_IN_INCIDENT, "what": {"effects": "none"}}
    await walk(member, "/report/incident", nothing)
    refused = await answer(member, "/report/incident/abuse", {"being_abused": "no"})
    assert (refused.status_code, "Select ‘Yes’, or go back" in refused.text) == (422, True)
    both = await answer(member, "/report/incident/what", {"effects": ["none", "loss"]})
    assert both.status_code == 422
    await send(member, "/report/incident")
    event = await the_event(intake)
    assert (event["effects"], event["behaviours"]) == ([], ["threat", "doxing"])


@pytest.mark.policy("C-c", "C-i")
async def test_the_referral_says_what_was_answered(intake: Intake, member: AsyncClient) -> None:
    event, page = await filled(intake, member, "incident")
    expected = {
        "effects": ["disclosure", "loss"],
        "circumstances": ["actual", "accidental"],
        "asset_owner": "dwp",
        "asset_note": "A list of names",
        "occurred_at": "2026-11-20T14:30:00Z",
        "discovered_at": "2026-11-21T09:00:00Z",
        "still_happening": "no",
        "personal_data": "yes",
        "people_affected": 1200,
        "own_mistake": True,
        "account": {"platform": "x", "handle": "@jobs_account", "taken_over": "no"},
        "narrative": "It was on the screen behind me.",
        "evidence_note": "Screenshots. In my drawer",
        "channel": "staff",
        "behaviours": [],
    }
    assert {name: event[name] for name in expected} == expected
    assert "Thank you for telling us about your own mistake" in page
    assert "What you still have to do" in page
    assert "Security Incident Referral Webform" in page


@pytest.mark.parametrize(
    ("personal_data", "typed", "people"),
    [("yes", "4,321", 4321), ("unsure", "4,321", 4321), ("no", "4,321", None), ("no", "many", None)],
)
async def test_how_many_people_is_asked_only_where_information_about_people_may_be_involved(
    intake: Intake, member: AsyncClient, personal_data: str, typed: str, people: int | None
) -> None:
    said = {"personal_data": personal_data, "people_affected": typed}
    await walk(member, "/report/incident", {**given.INCIDENT, "personal-data": said})
    question = (await member.get("/report/incident/personal-data")).text
    assert 'data-revealed-by="personal_data" data-revealed-values="yes unsure"' in question
    assert question.count('name="people_affected"') == 1
    listed = typed in (await member.get("/report/incident/check")).text
    await send(member, "/report/incident")
    assert (listed, (await the_event(intake)).get("people_affected")) == (people is not None, people)


@pytest.mark.policy("S3")
async def test_abuse_in_the_referral_is_said_before_sending_and_taken(intake: Intake, member: AsyncClient) -> None:
    event, page = await filled(intake, member, "incident with abuse")
    expected = {
        "behaviours": ["threat", "doxing"],
        "affected": [{"relation": "self"}, {"relation": "colleague", "name": "Tom Evans"}],
        "platform": "facebook",
        "urls": ["https://facebook.com/some/post"],
        "manager_alert": "yes",
        "manager_email": "grace.okafor@example.org",
    }
    assert {name: event[name] for name in expected} == expected
    assert "the Social Media Abuse Response Team (SMART)" in page


@pytest.mark.policy("S9", "S4", "C-f", "C-j", "Sc-c", "R-d")
async def test_the_report_of_misuse_says_what_was_answered(intake: Intake, member: AsyncClient) -> None:
    event, page = await filled(intake, member, "misuse")
    expected = {
        "subject": {"name": "Kit Marsh", "staff_id": "S2002", "handle": "@kit_marsh"},
        "behaviours": ["association", "failure_to_report"],
        "abuse_behaviours": [],
        "related_reference": "SP-0000-0000",
        "union_activity": "no",
        "account_kind": "personal",
        "device": "personal",
        "own_time": "yes",
        "dwp_information": "no",
        "platform": "other",
        "platform_name": "A village forum",
        "content_state": "deleted",
        "handles": ["@kit"],
        "evidence_note": "Someone else who saw it. A friend saw it",
        "found_by": "person",
    }
    assert {name: event[name] for name in expected} == expected
    assert "We will tell you when it is finished, and nothing more" in page


@pytest.mark.policy("C-c")
async def test_an_official_account_in_other_hands_can_be_said_by_the_form_for_misuse(
    intake: Intake, member: AsyncClient
) -> None:
    assert "taken-over" not in await walk(member, "/report/misuse", given.MISUSE)
    official = {**given.MISUSE, "account": {"account_kind": "official"}}
    await answer(member, "/report/misuse/account", {"account_kind": "official", "change": "yes"})
    assert "taken-over" in await walk(member, "/report/misuse", official)
    page = await send(member, "/report/misuse")
    assert (await the_event(intake))["taken_over"] == "yes"
    assert "the Security Incident Response Team (SIRT), because someone else may control" in page.text
    assert "the manager of the person it is about" not in page.text


def test_a_draft_from_before_the_account_and_its_use_were_two_pages_keeps_both() -> None:
    pages = {**given.MISUSE["account"], **given.MISUSE["use"]}
    answers = {name: (str(value),) for name, value in pages.items()}
    done = frozenset(given.MISUSE) - {"use"}
    opened = first_open(misuse.FORM.steps, answers, done)
    assert opened is not None
    assert opened.slug == "use"
    report = misuse.FORM.to_command(answers, None)
    assert isinstance(report, MisuseReport)
    assert (report.account_kind, report.device, report.own_time) == ("personal", "personal", "yes")


@pytest.mark.policy("S1")
async def test_abuse_in_the_report_of_misuse_is_taken(intake: Intake, member: AsyncClient) -> None:
    event, page = await filled(intake, member, "misuse with abuse")
    assert event["abuse_behaviours"] == ["discrimination"]
    assert event["affected"] == [{"relation": "customer", "name": "A family"}]
    assert "the Social Media Abuse Response Team (SMART)" in page


@pytest.mark.policy("X1")
async def test_who_can_be_asked_at_once_comes_first_and_a_question_is_no_incident(
    intake: Intake, member: AsyncClient
) -> None:
    first = (await member.get("/report/advice/topic")).text
    assert first.index("Security Advice Centre") < first.index('name="about"')
    assert "Security Chatbot" in first
    event, _ = await filled(intake, member, "advice")
    assert (event["about"], event["narrative"]) == ("requirement", "May we use a forum?")
    assert (await the_report(intake)).report_type == "enquiry"


@pytest.mark.policy("C-e", "X3")
async def test_a_request_for_an_exception_has_its_business_case(intake: Intake, member: AsyncClient) -> None:
    event, _ = await filled(intake, member, "exception")
    assert (event["kind"], event["business_case"], event["platform"]) == ("request", "Claimants are there", "tiktok")
    assert date.fromisoformat(str(event["wanted_until"])) == date(2027, 3, 31)


@pytest.mark.policy("C-e")
async def test_a_notice_asks_for_no_business_case(intake: Intake, member: AsyncClient) -> None:
    asked = await walk(member, "/report/exception", given.NOTICE)
    assert "business-case" not in asked
    page = await send(member, "/report/exception")
    assert (await the_event(intake))["kind"] == "notice"
    assert "the Security Policy and Standards Team" in page.text


@pytest.mark.policy("S3")
async def test_the_manager_is_asked_about_only_where_somebody_is_abused(member: AsyncClient) -> None:
    asked = await walk(member, "/report/incident", given.INCIDENT)
    assert not {"manager", "affected", "kind", "where", "which-form"} & set(asked)
    await answer(member, "/report/incident/abuse", {"being_abused": "yes", "change": "yes"})
    assert {"manager", "affected", "kind", "where", "which-form"} <= set(
        await walk(member, "/report/incident", given.ABUSE_IN_INCIDENT)
    )


@pytest.mark.policy("S1", "S3")
@pytest.mark.parametrize("name", ["incident with abuse", "misuse with abuse"])
async def test_whoever_is_not_sure_whether_it_is_abuse_is_asked_on_and_sent_to_the_abuse_team(
    intake: Intake, member: AsyncClient, name: str
) -> None:
    form, pages = FORMS_AND_ANSWERS[name]
    asked = await walk(member, f"/report/{form}", {**pages, "abuse": {"being_abused": "unsure"}})
    assert {"affected", "kind", "which-form"} <= set(asked)
    page = await send(member, f"/report/{form}")
    assert "the Social Media Abuse Response Team (SMART)" in page.text
    event = await the_event(intake)
    assert event["abuse_behaviours" if form == "misuse" else "behaviours"]


@pytest.mark.parametrize("form", sorted(form.name for form in FORMS if not form.open_to_all))
async def test_somebody_who_is_not_signed_in_signs_in_and_comes_back(client: AsyncClient, form: str) -> None:
    for path in (f"/report/{form}", f"/report/{form}/check", f"/report/{form}/contact"):
        page = await client.get(path)
        assert (page.status_code, page.headers["location"]) == (303, f"/sign-in?next={path}")


async def test_what_was_typed_while_the_session_ended_is_not_lost(intake: Intake, member: AsyncClient) -> None:
    page = await member.get("/report/advice/topic")
    await member.post("/report/advice/topic", data={"about": "policy", "csrftoken": token_in(page)})
    page = await member.get("/report/advice/question")
    member.cookies.delete(SESSION_COOKIE)
    kept = await member.post(
        "/report/advice/question", data={"narrative": "a long question", "csrftoken": token_in(page)}
    )
    assert kept.status_code == 401
    assert "a long question" in kept.text
    member.cookies.set(SESSION_COOKIE, intake.session()[SESSION_COOKIE])
    again = await member.post(
        "/report/advice/question", data={"narrative": "a long question", "csrftoken": token_in(kept)}
    )
    assert again.headers["location"] == "/report/advice/evidence"


async def test_two_forms_are_filled_in_side_by_side(intake: Intake, member: AsyncClient) -> None:
    await answer(member, "/report/incident/what", {"effects": "loss"})
    await walk(member, "/report/advice", given.ADVICE)
    await walk(member, "/report/incident", given.INCIDENT)
    assert "May we use a forum?" in (await member.get("/report/advice/check")).text
    assert "It was on the screen" in (await member.get("/report/incident/check")).text


@pytest.mark.parametrize("name", sorted(FORMS_AND_ANSWERS))
async def test_every_question_has_its_number_and_no_total_that_may_change(member: AsyncClient, name: str) -> None:
    form, pages = FORMS_AND_ANSWERS[name]
    asked = await walk(member, f"/report/{form}", pages)
    seen = [(await member.get(f"/report/{form}/{slug}")).text for slug in asked if slug != "which-form"]
    numbers = [re.findall(r"Question (\d+)(?: of)?", page) for page in seen]
    assert numbers == [[str(number)] for number in range(1, len(seen) + 1)]
    assert not [page for page in seen if re.search(r"Question \d+ of", page)]


async def test_the_last_page_lists_every_answer(member: AsyncClient) -> None:
    for form, pages in FORMS_AND_ANSWERS.values():
        await walk(member, f"/report/{form}", pages)
        page = (await member.get(f"/report/{form}/check")).text
        typed = [word for slug, fields in pages.items() for word in _typed(fields) if f"{form}/{slug}?change" in page]
        assert [word for word in typed if word not in page] == []


def _typed(fields: object) -> list[str]:
    assert isinstance(fields, dict)
    names = ("narrative", "asset_note", "evidence_note", "account_handle", "subject_name", "business_case", "urls")
    return [str(fields[name]) for name in names if name in fields]


@pytest.mark.policy("C-c")
async def test_suppliers_have_their_own_way_in_with_their_own_questions(intake: Intake) -> None:
    token = intake.issuer.session(person("V9", Role.SUPPLIER), START)
    async with intake.client(**{SESSION_COOKIE: token}) as client:
        page = await client.get("/report/supplier-incident/supplier")
        assert "SS-014" in page.text
        pages = {**given.INCIDENT, "supplier": {"supplier_1": "Acme", "supplier_2": "C-77"}}
        await walk(client, "/report/supplier-incident", pages)
        await send(client, "/report/supplier-incident")
    event = await the_event(intake)
    assert event["channel"] == "supplier"
    assert event["asset_note"] == "A list of names. Your organisation: Acme. Contract reference: C-77"


async def test_the_suppliers_form_is_for_suppliers(member: AsyncClient) -> None:
    assert (await member.get("/report/supplier-incident/supplier")).status_code == 403


async def test_where_signpost_is_not_the_mandated_channel_the_form_says_so_first_and_leads_there_at_the_end(
    intake: Intake, member: AsyncClient
) -> None:
    channel = OfficialChannel(text="Call the desk too.", link="https://desk.example.org/form")
    intake.app.state.parts = replace(parts_in(intake.app, FormParts), official_channels={"advice": channel})
    asked = await walk(member, "/report/advice", given.ADVICE)
    said = ["Call the desk too." in (await member.get(f"/report/advice/{slug}")).text for slug in asked]
    assert said == [True, *[False] * (len(asked) - 1)]
    page = (await send(member, "/report/advice")).text
    assert "Call the desk too." in page
    assert 'href="https://desk.example.org/form"' in page
    await walk(member, "/report/incident", given.INCIDENT)
    assert "What you still have to do" not in (await send(member, "/report/incident")).text


def test_official_channels_are_set_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGNPOST_SECRET_KEY", "k" * 32)
    monkeypatch.setenv("SIGNPOST_VERIFY_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("SIGNPOST_INTAKE_DATABASE_URL", "postgresql+asyncpg://nowhere/intake")
    monkeypatch.setenv("SIGNPOST_INTAKE_OFFICIAL_CHANNELS", '{"abuse": {"text": "Also by KCIS."}}')
    monkeypatch.setenv("SIGNPOST_INTAKE_SUPPLIER_FIELDS", "Firm, Contract")
    read = load(IntakeSettings)
    assert read.intake_official_channels == {"abuse": OfficialChannel(text="Also by KCIS.")}
    assert read.intake_supplier_fields == ("Firm", "Contract")
    for wrong in (
        '{"abuse": {"text": "x", "link": "javascript:alert(1)"}}',
        '{"incidnet": {"text": "Also by the web form."}}',
        '{"incident": {"text": " "}}',
    ):
        monkeypatch.setenv("SIGNPOST_INTAKE_OFFICIAL_CHANNELS", wrong)
        with pytest.raises(InvalidSettings, match="SIGNPOST_INTAKE_OFFICIAL_CHANNELS"):
            load(IntakeSettings)


def test_every_form_can_have_an_official_channel() -> None:
    assert set(get_args(FormName)) == {form.name for form in FORMS} | {supplier_form("", ()).name}


def test_every_text_is_counted_up_to_its_limit() -> None:
    asked = [(form.name, ask) for form in FORMS for step in form.steps for ask in step.asks if ask.kind is Kind.TEXT]
    texts = {(form, ask.name): ask.longest for form, ask in asked if ask.name not in {"urls", "handles"}}
    assert texts == {(form, name): TEXT_LIMIT if name.startswith(CAPTURE) else LIMITS[name] for form, name in texts}
