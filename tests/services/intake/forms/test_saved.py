"""Answers that were saved: a code opens them in any browser, for a week, until they are sent or deleted."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from httpx import ASGITransport, AsyncClient, Response
from sqlalchemy import text

from services.intake.forms import abuse
from services.intake.forms.handlers import find_draft, forget_expired, keep_draft
from services.intake.forms.session import draft_cookie
from services.intake.reports.access import WRONG_PER_MINUTE
from tests.services.intake.conftest import Intake
from tests.services.intake.forms.answers import ABUSE_IN_MISUSE
from tests.services.intake.forms.browser import ABUSE, ABUSE_ANSWERS, Page, answer, fill_abuse, send_abuse, token_in

CONTINUE = "/report/continue"
UNFINISHED = {**ABUSE_ANSWERS["where"], "platform": "", "urls": "https://x.com/half_of"}
"""A page on which one answer is still missing."""


def code_on(page: Response) -> str:
    """Return the code that a page shows."""
    found = re.search(r'id="draft-code">([0-9A-Z-]{24})<', page.text)
    assert found, page.text
    return found[1]


async def save(client: AsyncClient, path: str, answers: Page) -> Response:
    """Stop at a page, with what is typed there."""
    page = await answer(client, path, {**answers, "save": "yes"})
    assert page.status_code == 200, page.text
    assert "Your answers are saved" in page.text
    return page


async def enter(client: AsyncClient, code: str) -> Response:
    """Enter a code to go on."""
    return await answer(client, CONTINUE, {"code": code})


async def saved_half(client: AsyncClient) -> str:
    """Answer two pages, save in the third, and return the code."""
    for slug in ("safety", "affected"):
        assert (await answer(client, f"{ABUSE}/{slug}", ABUSE_ANSWERS[slug])).status_code == 303
    return code_on(await save(client, f"{ABUSE}/where", UNFINISHED))


async def test_a_code_opens_what_was_typed_in_another_browser(intake: Intake, client: AsyncClient) -> None:
    code = await saved_half(client)
    async with intake.client() as other:
        opened = await enter(other, f" {code.lower().replace('-', ' ')} ")
        assert opened.headers["location"] == f"{ABUSE}/where", "it goes on with the first page that is not finished"
        assert "https://x.com/half_of" in (await other.get(f"{ABUSE}/where")).text
        assert "Tom Evans" in (await other.get(f"{ABUSE}/affected")).text
        await fill_abuse(other)
        assert "Report sent" in (await send_abuse(other)).text


async def test_the_draft_moves_and_the_browser_that_had_it_is_told_so(intake: Intake, client: AsyncClient) -> None:
    code = await saved_half(client)
    async with intake.client() as other:
        await enter(other, code)
        assert "Tom Evans" not in (await client.get(f"{ABUSE}/affected", follow_redirects=True)).text
        told = (await client.get(f"{ABUSE}/safety")).text
        assert "Your earlier answers are not in this browser any more" in told
        await answer(other, f"{ABUSE}/where", ABUSE_ANSWERS["where"])
    back = await enter(client, code)
    assert back.headers["location"] == f"{ABUSE}/kind", "the code stays good, and opens what was answered since"


async def test_answers_begun_before_their_form_was_noted_are_found_by_their_code(
    intake: Intake, client: AsyncClient
) -> None:
    await answer(client, f"{ABUSE}/safety", ABUSE_ANSWERS["safety"])
    cookie = client.cookies[draft_cookie(abuse.FORM).plain]
    async with intake.database.transaction() as session:
        begun = await find_draft(session, cookie, intake.clock.now())
        assert begun
        await keep_draft(session, cookie, replace(begun, form=""), intake.clock.now())
    token = token_in(await client.get(f"{ABUSE}/affected"))
    code = code_on(await client.post(f"{ABUSE}/save", data={"csrftoken": token}))
    async with intake.client() as other:
        assert (await enter(other, code)).headers["location"] == f"{ABUSE}/affected"


async def test_a_code_that_leads_to_no_form_leaves_the_answers_where_they_are(
    intake: Intake, client: AsyncClient
) -> None:
    code = await saved_half(client)
    cookie = client.cookies[draft_cookie(abuse.FORM).plain]
    async with intake.database.transaction() as session:
        begun = await find_draft(session, cookie, intake.clock.now())
        assert begun
        await keep_draft(session, cookie, replace(begun, form="a form that there was"), intake.clock.now())
    async with intake.client() as other:
        assert (await enter(other, code)).status_code == 404
    assert "Tom Evans" in (await client.get(f"{ABUSE}/affected")).text


@pytest.mark.parametrize("end", ["sent", "deleted", "expired", "replaced", "never given"])
async def test_a_code_that_opens_nothing_is_always_refused_alike(intake: Intake, client: AsyncClient, end: str) -> None:
    code = await saved_half(client)
    if end == "sent":
        await fill_abuse(client)
        await send_abuse(client)
    if end == "deleted":
        page = await client.get(f"{ABUSE}/where")
        token = page.text.partition('name="csrftoken" value="')[2].partition('"')[0]
        await client.post(f"{ABUSE}/forget", data={"csrftoken": token})
    if end == "expired":
        intake.clock.move(timedelta(days=7))
    if end == "replaced":
        again = await save(client, f"{ABUSE}/where", UNFINISHED)
        assert code not in again.text
        assert 'id="draft-code"' not in again.text, "a code is shown once"
        token = again.text.partition('name="csrftoken" value="')[2].partition('"')[0]
        new = await client.post(f"{ABUSE}/save", data={"new_code": "yes", "csrftoken": token})
        assert code_on(new) != code
    async with intake.client() as other:
        refused = await enter(other, "0000-0000-0000-0000-0000" if end == "never given" else code)
        assert refused.status_code == 404
        assert "We cannot find answers with it: they may have been sent or deleted" in refused.text
        assert "set-cookie" not in refused.headers


async def test_saved_answers_last_a_week_and_others_a_day(intake: Intake, client: AsyncClient) -> None:
    code = await saved_half(client)
    async with intake.client() as unsaved:
        await answer(unsaved, f"{ABUSE}/safety", {"safe": "yes"})
    intake.clock.move(timedelta(days=1))
    await answer(client, f"{ABUSE}/where", ABUSE_ANSWERS["where"])  # an answer never makes the week shorter
    intake.clock.move(timedelta(days=5, hours=23, minutes=59))
    assert await _drafts(intake) == 1
    assert (await enter(client, code)).status_code == 303
    intake.clock.move(timedelta(minutes=1))
    assert await _drafts(intake) == 0


async def _drafts(intake: Intake) -> int:
    """Return how many drafts the sweep leaves."""
    async with intake.database.transaction() as session:
        await forget_expired(session, intake.clock.now())
        return int(await session.scalar(text("select count(*) from draft")) or 0)


async def test_a_draft_saved_before_the_first_answer_is_kept_too(intake: Intake, client: AsyncClient) -> None:
    code = code_on(await save(client, f"{ABUSE}/safety", {}))
    await answer(client, f"{ABUSE}/safety", {"safe": "yes"})
    async with intake.client() as other:
        assert (await enter(other, code)).headers["location"] == f"{ABUSE}/affected"


async def test_the_last_page_saves_and_leaving_takes_the_answers_out_of_the_browser(client: AsyncClient) -> None:
    await fill_abuse(client)
    page = await client.get(f"{ABUSE}/check")
    token = page.text.partition('name="csrftoken" value="')[2].partition('"')[0]
    code = code_on(await client.post(f"{ABUSE}/save", data={"csrftoken": token}))
    await client.post(f"{ABUSE}/leave", data={"csrftoken": token})
    assert draft_cookie(abuse.FORM).plain not in client.cookies
    assert (await enter(client, code)).headers["location"] == f"{ABUSE}/check"
    assert "Report sent" in (await send_abuse(client)).text


async def test_a_code_goes_along_to_another_form(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        pages = {**ABUSE_IN_MISUSE, "which-form": {"which_form": "switch"}}
        first = await client.get("/report/misuse")
        code = code_on(await save(client, first.headers["location"], ABUSE_IN_MISUSE["about-whom"]))
        moved = await client.get("/report/misuse")
        while not (path := moved.headers["location"]).startswith(ABUSE):
            moved = await answer(client, path, pages[path.rpartition("/")[2]])
    async with intake.client() as other:
        assert (await enter(other, code)).headers["location"] == path
        await answer(other, f"{ABUSE}/safety", {"safe": "yes"})
        assert "A family" in (await other.get(f"{ABUSE}/affected")).text


@pytest.mark.parametrize(
    ("signed_in", "confidentiality", "offered"),
    [(False, "named", False), (True, "anonymous", False), (True, "confidential", True)],
)
async def test_only_who_signs_in_and_has_a_name_may_mail_the_link_to_themselves(
    intake: Intake, signed_in: bool, confidentiality: str, offered: bool
) -> None:
    async with intake.client(**(intake.session() if signed_in else {})) as client:
        await fill_abuse(client)
        page = await save(client, f"{ABUSE}/about-you", {"confidentiality": confidentiality})
        assert ("mailto:priya.shah%40example.org" in page.text) is offered
        assert (f"continue%23{code_on(page)}" in page.text) is offered


async def test_an_address_that_enters_wrong_codes_waits_and_others_do_not(intake: Intake, client: AsyncClient) -> None:
    code = await saved_half(client)
    for _ in range(WRONG_PER_MINUTE):
        assert (await enter(client, "1" * 20)).status_code == 404
    slowed = await enter(client, code)
    assert (slowed.status_code, slowed.headers["retry-after"]) == (429, "60")
    elsewhere = ASGITransport(intake.app, client=("192.0.2.7", 1))
    async with AsyncClient(transport=elsewhere, base_url="http://127.0.0.1") as other:
        assert (await enter(other, code)).status_code == 303


async def test_neither_code_nor_answer_can_be_read_in_the_database(intake: Intake, client: AsyncClient) -> None:
    code = await saved_half(client)
    cookie = client.cookies[draft_cookie(abuse.FORM).plain]
    async with intake.database.transaction() as session:
        row = (await session.execute(text("select * from draft"))).one()
    kept = b"".join(bytes(value) for value in row if isinstance(value, bytes | memoryview))
    written = [code, code.replace("-", ""), cookie, "Tom Evans", "half_of"]
    assert [what for what in written if what.encode() in kept] == []
