"""The form, from the first question to the confirmation."""

import asyncio
import re
from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select, text

from services.intake.forms.abuse import FORM, STEPS
from services.intake.forms.domain import in_todays_fields
from services.intake.forms.handlers import forget_expired
from services.intake.reports.commands import AbuseReport
from services.intake.reports.tables import ReportRow
from shared.auth.guard import SESSION_COOKIE
from tests.services.intake.conftest import START, Intake
from tests.services.intake.forms.browser import ABUSE, ABUSE_ANSWERS, fill_abuse, post, send_abuse, walk


async def the_report(intake: Intake) -> ReportRow:
    async with intake.database.transaction() as session:
        return (await session.scalars(select(ReportRow))).one()


async def how_many_reports(intake: Intake) -> int:
    async with intake.database.transaction() as session:
        return await session.scalar(select(func.count()).select_from(ReportRow)) or 0


@pytest.mark.policy("S1", "S2", "S3")
async def test_a_whole_form_becomes_one_report(intake: Intake, client: AsyncClient) -> None:
    await fill_abuse(client)
    page = await send_abuse(client)
    report = await the_report(intake)
    assert report.reference in page.text
    assert (report.platform, report.behaviours) == ("x", ["harassment", "doxing"])
    assert [person["relation"] for person in report.affected] == ["self", "colleague"]
    assert report.occurred_at == START.replace(day=20, hour=14, minute=30)
    assert report.evidence_note == "Screenshots. On my phone"
    assert report.suspected[0]["handle"] == "@some_account"


async def test_an_anonymous_report_keeps_nobody_even_of_somebody_signed_in(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        await fill_abuse(client)
        page = await send_abuse(client)
    report = await the_report(intake)
    kept = {column.name: getattr(report, column.name) for column in ReportRow.__table__.columns}
    assert [name for name, value in kept.items() if name.startswith("reporter_") and value is not None] == []
    assert 'id="receipt-code"' in page.text


@pytest.mark.policy("S3")
async def test_a_named_reporter_is_known_by_sign_in_and_the_form_survives_it(
    intake: Intake, client: AsyncClient
) -> None:
    await fill_abuse(client, about_you={"confidentiality": "named"})
    client.cookies.set(SESSION_COOKIE, intake.session()[SESSION_COOKIE])
    page = await client.get(f"{ABUSE}/contact")
    assert 'value="Priya Shah"' in page.text
    assert 'value="priya.shah@example.org"' in page.text
    await post(client, f"{ABUSE}/contact", {"safe_contact": "Not at home"})
    await post(client, f"{ABUSE}/manager", {"manager_alert": "no"})
    page = await send_abuse(client)
    report = await the_report(intake)
    assert (report.reporter_staff_id, report.reporter_name) == ("S1001", "Priya Shah")
    assert (report.reporter_safe_contact, report.narrative) == ("Not at home", "They posted my address.")
    assert 'id="receipt-code"' not in page.text


async def test_somebody_named_without_an_account_gets_a_code(intake: Intake, client: AsyncClient) -> None:
    contact = {"name": "Kit", "worker_kind": "contractor"}
    await fill_abuse(client, about_you={"confidentiality": "named"}, contact=contact, manager={"manager_alert": "no"})
    page = await send_abuse(client)
    assert 'id="receipt-code"' in page.text
    report = await the_report(intake)
    assert (report.reporter_name, report.reporter_worker_kind, report.reporter_staff_id) == ("Kit", "contractor", None)


async def test_what_is_not_known_can_be_left_empty(intake: Intake, client: AsyncClient) -> None:
    await fill_abuse(client, when={}, evidence={}, who_did_it={"known": "unknown"})
    await send_abuse(client)
    report = await the_report(intake)
    assert (report.occurred_at, report.evidence_note, report.suspected) == (None, None, [])


async def test_a_double_click_is_one_report(intake: Intake, client: AsyncClient) -> None:
    await fill_abuse(client)
    page = await client.get(f"{ABUSE}/check")
    token = re.search(r'name="csrftoken" value="([^"]+)"', page.text)
    assert token
    sent = {"csrftoken": token[1]}
    clicks = await asyncio.gather(*(client.post(f"{ABUSE}/check", data=sent) for _ in range(5)))
    assert [click.headers["location"] for click in clicks] == [f"{ABUSE}/sent"] * 5
    assert await how_many_reports(intake) == 1
    assert (await the_report(intake)).reference in (await client.get(f"{ABUSE}/sent")).text


async def test_after_a_report_the_next_one_starts_empty(intake: Intake, client: AsyncClient) -> None:
    await fill_abuse(client)
    await send_abuse(client)
    assert (await client.get(f"{ABUSE}/check")).headers["location"] == f"{ABUSE}/safety"
    await fill_abuse(client)
    await send_abuse(client)
    assert await how_many_reports(intake) == 2


@pytest.mark.policy("Sc-b")
@pytest.mark.parametrize("safe", ["no", "danger"])
async def test_danger_shows_999_first_and_never_blocks_a_report(intake: Intake, client: AsyncClient, safe: str) -> None:
    response = await post(client, f"{ABUSE}/safety", {"safe": safe})
    page = await client.get(response.headers["location"])
    assert "999" in page.text
    assert f'href="{ABUSE}/affected"' in page.text
    await fill_abuse(client, safety={"safe": safe})
    await send_abuse(client)
    assert await how_many_reports(intake) == 1


@pytest.mark.policy("S1")
@pytest.mark.parametrize(("known", "warned"), [("colleague", True), ("customer", False), ("unknown", False)])
async def test_who_suspects_a_colleague_is_warned_that_they_may_share_a_manager(
    client: AsyncClient, known: str, warned: bool
) -> None:
    named = {} if known == "unknown" else {"suspected_name": "Tom Evans"}
    asked = {"confidentiality": "anonymous", "tell_someone": "yes"}
    await fill_abuse(client, who_did_it={"known": known, **named}, about_you=asked)
    page = (await client.get(f"{ABUSE}/manager")).text
    assert ("has the same manager as you" in page) is warned


@pytest.mark.policy("S3")
async def test_the_confirmation_says_what_to_do_and_who_is_told(client: AsyncClient) -> None:
    manager = {"manager_alert": "yes", "manager_email": "grace.okafor@example.org"}
    await fill_abuse(client, about_you={"confidentiality": "anonymous", "tell_someone": "yes"}, manager=manager)
    page = (await send_abuse(client)).text
    for words in (
        "keep copies",
        "do not reply",
        "999",
        "British Sign Language",
        "SMART",
        "the manager whose email address you gave",
    ):
        assert words in page
    assert "/report/track/SP-" in page


@pytest.mark.policy("S3")
@pytest.mark.parametrize(
    ("signed_in", "confidentiality", "address", "told"),
    [
        (True, "named", "", "<li>your line manager, if the staff directory knows who that is; otherwise the response"),
        (True, "confidential", "", "<li>your line manager, if the staff directory knows who that is; otherwise the"),
        (True, "named", "grace.okafor@example.org", "<li>the manager whose email address you gave, if we can send"),
        (False, "named", "grace.okafor@example.org", "<li>the manager whose email address you gave, if we can send"),
        (False, "named", "", "<li>the response desk, which looks after this service: you did not sign in"),
        (True, "anonymous", "", "<li>the response desk, which looks after this service: you did not sign in"),
    ],
)
async def test_only_who_can_be_looked_up_is_promised_to_be_told(
    intake: Intake, signed_in: bool, confidentiality: str, address: str, told: str
) -> None:
    async with intake.client(**(intake.session() if signed_in else {})) as client:
        contact = {"name": "Kit", "email": "tom.evans@example.org"}
        manager = {"manager_alert": "yes", "manager_email": address}
        about = {"confidentiality": confidentiality, "tell_someone": "yes"}
        known = {} if "anon" in confidentiality else {"contact": contact}
        await fill_abuse(client, about_you=about, **known, manager=manager)
        before = (await client.get(f"{ABUSE}/check")).text
        page = (await send_abuse(client)).text
    sees_name = "When your manager signs in, they see that it was you, and not what you wrote."
    for shown in (before, page):
        assert told in shown
        assert (sees_name in shown) is (signed_in and confidentiality == "named")
    told_of = ("<li>your line manager", "<li>the manager whose", "<li>the response desk")
    assert told in page
    assert sum(page.count(words) for words in told_of) == 1


@pytest.mark.policy("S3", "C-c")
@pytest.mark.parametrize(("at_risk", "told"), [(["system"], True), (["none"], False)])
async def test_the_confirmation_names_sirt_where_something_of_the_department_is_at_risk(
    client: AsyncClient, at_risk: list[str], told: bool
) -> None:
    await fill_abuse(client, at_risk={"also_affects": at_risk})
    assert ("the Security Incident Response Team (SIRT)" in (await send_abuse(client)).text) is told


async def test_removing_what_was_sent_removes_the_way_to_its_status_too(client: AsyncClient) -> None:
    await fill_abuse(client)
    page = (await send_abuse(client)).text
    reference, token = re.search(r"SP-\w{4}-\w{4}", page), re.search(r'name="csrftoken" value="([^"]+)"', page)
    assert reference
    assert token
    status = f"/report/track/{reference[0]}"
    assert (await client.get(status)).status_code == 200
    assert (await client.post(f"{ABUSE}/forget", data={"csrftoken": token[1]})).status_code == 303
    assert (await client.get(status)).status_code == 404
    assert (await client.get(f"{ABUSE}/sent")).headers["location"] == "/report/track"


async def test_every_page_can_be_left_at_once_and_is_not_kept(client: AsyncClient) -> None:
    manager = {"manager_alert": "no"}
    await fill_abuse(client, about_you={"confidentiality": "named"}, contact={"name": "Kit"}, manager=manager)
    for path in [f"{ABUSE}/{step.slug}" for step in STEPS] + [f"{ABUSE}/check", f"{ABUSE}/help-now", "/report/track"]:
        page = await client.get(path)
        assert page.status_code == 200, path
        assert "govuk-exit-this-page" in page.text, path
        assert page.headers["cache-control"] == "no-store", path


async def test_every_question_that_is_asked_has_its_number_and_no_total_that_may_change(client: AsyncClient) -> None:
    named = {"about-you": {"confidentiality": "named"}, "contact": {"name": "Kit"}, "manager": {"manager_alert": "no"}}
    asked = await walk(client, ABUSE, {**ABUSE_ANSWERS, **named})
    for number, slug in enumerate(asked, 1):
        assert f"Question {number}</span>" in (await client.get(f"{ABUSE}/{slug}")).text


@pytest.mark.policy("S3")
async def test_a_manager_is_asked_about_after_how_to_report_and_only_of_those_who_may_want_it(
    client: AsyncClient,
) -> None:
    contact, manager = {"name": "Kit"}, {"manager_alert": "no"}
    ways = {
        "named": ["about-you", "contact", "manager"],
        "confidential": ["about-you", "contact", "manager"],
        "anonymous": ["about-you"],
        "anonymous, asks": ["about-you", "manager"],
    }
    for way, last in ways.items():
        confidentiality, _, asks = way.partition(", ")
        about = {"confidentiality": confidentiality} | ({"tell_someone": "yes"} if asks else {})
        pages = {**ABUSE_ANSWERS, "about-you": about, "contact": contact, "manager": manager}
        client.cookies.delete("signpost_draft")
        asked = await walk(client, ABUSE, pages)
        assert asked[asked.index("about-you") :] == last, way


@pytest.mark.policy("S3")
async def test_who_changes_to_anonymous_has_no_manager_told_by_an_earlier_answer(
    intake: Intake, client: AsyncClient
) -> None:
    await fill_abuse(
        client,
        about_you={"confidentiality": "named"},
        contact={"name": "Kit"},
        manager={"manager_alert": "yes", "manager_email": "grace.okafor@example.org"},
    )
    await post(client, f"{ABUSE}/about-you", {"confidentiality": "anonymous", "change": "yes"})
    shown = (await client.get(f"{ABUSE}/check")).text
    assert "grace.okafor" not in shown
    assert "no one else: we do not tell your manager" in shown
    await send_abuse(client)
    report = await the_report(intake)
    assert (report.manager_alert, report.manager_email) == ("no", None)


@pytest.mark.parametrize(
    ("chosen", "field"), [("yes", "manager_email"), ("someone_else", "someone_email"), ("no", None)]
)
async def test_only_the_address_of_the_chosen_answer_counts_and_is_listed(
    intake: Intake, client: AsyncClient, chosen: str, field: str | None
) -> None:
    typed = {"manager_email": "manager@example.org", "someone_email": "someone@example.org"}
    await fill_abuse(
        client,
        about_you={"confidentiality": "named"},
        contact={"name": "Kit"},
        manager={"manager_alert": chosen, **typed},
    )
    shown = (await client.get(f"{ABUSE}/check")).text
    assert {name for name, address in typed.items() if address in shown} == ({field} if field else set())
    await send_abuse(client)
    assert (await the_report(intake)).manager_email == typed.get(field or "")


async def test_an_address_that_is_hidden_is_no_reason_to_refuse_the_page(client: AsyncClient) -> None:
    await fill_abuse(client, about_you={"confidentiality": "named"}, contact={"name": "Kit"})
    hidden = {"manager_alert": "no", "manager_email": "none", "someone_email": "none"}
    assert (await post(client, f"{ABUSE}/manager", hidden)).headers["location"] == f"{ABUSE}/check"


OLD_DRAFTS = {
    "someone else": (
        {"manager_alert": ("someone_else",), "manager_email": ("a@example.org",), "confidentiality": ("named",)},
        ("someone_else", "a@example.org"),
    ),
    "anonymous, and the manager told": (
        {"manager_alert": ("yes",), "manager_email": ("a@example.org",), "confidentiality": ("anonymous",)},
        ("yes", "a@example.org"),
    ),
    "anonymous, and no one told": (
        {"manager_alert": ("no",), "confidentiality": ("anonymous",)},
        ("no", None),
    ),
}


@pytest.mark.parametrize("name", OLD_DRAFTS)
def test_a_draft_from_before_keeps_its_answers(name: str) -> None:
    answers, expected = OLD_DRAFTS[name]
    report = FORM.to_command(in_todays_fields(answers), None)
    assert isinstance(report, AbuseReport)
    assert (report.manager_alert, report.manager_email) == expected
    assert in_todays_fields(in_todays_fields(answers)) == in_todays_fields(answers)


async def test_a_page_that_was_not_reached_leads_to_the_first_open_one(client: AsyncClient) -> None:
    await post(client, f"{ABUSE}/safety", {"safe": "yes"})
    assert (await client.get(f"{ABUSE}/about-you")).headers["location"] == f"{ABUSE}/affected"
    assert (await client.get(f"{ABUSE}/nonsense")).status_code == 404


async def test_a_change_leads_back_to_the_check(client: AsyncClient) -> None:
    await fill_abuse(client)
    page = await client.get(f"{ABUSE}/kind?change=yes")
    assert 'name="change"' in page.text
    response = await post(client, f"{ABUSE}/kind", {"behaviours": "threat", "change": "yes"})
    assert response.headers["location"] == f"{ABUSE}/check"
    assert "A threat" in (await client.get(f"{ABUSE}/check")).text


async def test_changing_to_a_name_asks_how_to_be_reached(client: AsyncClient) -> None:
    await fill_abuse(client)
    response = await post(client, f"{ABUSE}/about-you", {"confidentiality": "confidential", "change": "yes"})
    assert response.headers["location"] == f"{ABUSE}/contact"


async def test_a_draft_can_be_read_only_with_its_cookie_and_goes_after_a_day(
    intake: Intake, client: AsyncClient
) -> None:
    await fill_abuse(client, what_happened={"narrative": "a canary of a story"})
    async with intake.database.transaction() as session:
        rows = (await session.execute(text("select key_hash, sealed from draft"))).all()
        assert len(rows) == 1
        assert b"canary" not in b"".join(rows[0])
        assert client.cookies["signpost_draft"].encode() not in b"".join(rows[0])
        assert await forget_expired(session, START + timedelta(hours=23, minutes=59)) == 0
        assert await forget_expired(session, START + timedelta(hours=24)) == 1
    assert "canary" not in (await client.get(f"{ABUSE}/what-happened", follow_redirects=True)).text


async def test_an_expired_draft_is_not_shown_before_it_is_swept(intake: Intake, client: AsyncClient) -> None:
    await fill_abuse(client)
    intake.clock.move(timedelta(hours=24))
    assert (await client.get(f"{ABUSE}/check")).headers["location"] == f"{ABUSE}/safety"


async def test_the_drafts_cookie_is_out_of_reach(client: AsyncClient) -> None:
    response = await post(client, f"{ABUSE}/safety", {"safe": "yes"})
    cookie = next(value for value in response.headers.get_list("set-cookie") if value.startswith("signpost_draft="))
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert f"Path={ABUSE}" in cookie
    assert "expires" not in cookie.lower()
    assert "max-age" not in cookie.lower()


async def test_answers_can_be_deleted(intake: Intake, client: AsyncClient) -> None:
    await fill_abuse(client)
    assert (await post(client, f"{ABUSE}/forget", {})).status_code == 303
    async with intake.database.transaction() as session:
        assert await session.scalar(text("select count(*) from draft")) == 0
