"""Two requests of one browser at once: no answer is lost, and no sent report comes back as a draft."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from httpx import AsyncClient, Response
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.forms import abuse
from services.intake.forms.domain import Draft, KnownBy, SentReport
from services.intake.forms.handlers import find_draft, keep_draft
from services.intake.forms.session import draft_cookie
from tests.services.intake.conftest import START, Intake
from tests.services.intake.forms.browser import ABUSE, fill_abuse, post, send_abuse

SENT = SentReport("SP-0000-0000", "anonymous", "no", KnownBy.NOTHING, receipt_code="the-only-copy")
_WAITING = text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")


@asynccontextmanager
async def holding_the_draft(intake: Intake) -> AsyncIterator[AsyncSession]:
    """Act like the request that came first and is still using the draft."""
    async with intake.database.transaction() as session:
        await session.execute(text("select 1 from draft for update"))
        yield session


async def until_waiting(intake: Intake, requests: int) -> None:
    async with asyncio.timeout(30):
        while True:
            async with intake.database.transaction() as session:
                if await session.scalar(_WAITING) == requests:
                    return
            await asyncio.sleep(0.02)


def begin(client: AsyncClient, slug: str, answers: Mapping[str, object]) -> asyncio.Task[Response]:
    return asyncio.create_task(post(client, f"{ABUSE}/{slug}", answers))


async def test_an_answer_that_crosses_with_sending_leaves_what_was_sent(intake: Intake, client: AsyncClient) -> None:
    await fill_abuse(client)
    cookie = client.cookies[draft_cookie(abuse.FORM).plain]
    async with holding_the_draft(intake) as session:
        late = begin(client, "safety", {"safe": "yes"})
        await until_waiting(intake, 1)
        await keep_draft(session, cookie, Draft(sent=SENT), START)
    assert (await late).headers["location"] == f"{ABUSE}/sent"
    async with intake.database.transaction() as session:
        assert await find_draft(session, cookie, START) == Draft(sent=SENT)
    assert "the-only-copy" in (await client.get(f"{ABUSE}/sent")).text


async def test_two_tabs_keep_both_their_answers(intake: Intake, client: AsyncClient) -> None:
    await fill_abuse(client)
    async with holding_the_draft(intake):
        tabs = [
            begin(client, "what-happened", {"narrative": "Told in one tab", "change": "yes"}),
            begin(client, "evidence", {"evidence": "screenshots", "evidence_note": "Noted in another"}),
        ]
        await until_waiting(intake, len(tabs))
    assert {(await tab).status_code for tab in tabs} == {303}
    page = (await client.get(f"{ABUSE}/check")).text
    assert "Told in one tab" in page
    assert "Noted in another" in page


async def test_a_tab_left_open_does_not_replace_the_code(intake: Intake, client: AsyncClient) -> None:
    await fill_abuse(client)
    page = await client.get(f"{ABUSE}/kind")
    code = (await send_abuse(client)).text
    token = page.text.partition('name="csrftoken" value="')[2].partition('"')[0]
    intake.clock.move(timedelta(minutes=1))
    late = await client.post(f"{ABUSE}/kind", data={"behaviours": "threat", "csrftoken": token})
    assert late.headers["location"] == f"{ABUSE}/sent"
    assert 'id="receipt-code"' in code
    assert 'id="receipt-code"' in (await client.get(f"{ABUSE}/sent")).text
