"""What people are shown in a day is counted, for their own good: it warns, advises a break, then asks a lead."""

from datetime import date, datetime, timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text

from services.triage.cases.tables import CaseRow
from services.triage.exposure.domain import LONGEST_LOOK, MOST_ITEMS, Advice, Exposure
from services.triage.exposure.handlers import forget
from services.triage.exposure.tables import ExposureRow
from services.triage.reporters.handlers import hear
from shared.auth.permissions import Role
from shared.events.intake import MessageSent
from shared.events.vocabulary import MessageKind
from tests.services.triage.builders import (
    IDS,
    NOW,
    WRITER,
    Submitted,
    envelope,
    incident,
    leads_asked,
    open_cases,
    report,
)
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.evidence.pieces import announce, piece

SERVICE = "triage"
API = "/cases/api/v1/cases"
WORDS = "There is another post of theirs."
URGENT = {"behaviours": ("threat",), "content_state": "online"}
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("items", "minutes", "advice"),
    [
        (0, 0, Advice.NONE),
        (MOST_ITEMS // 2 - 1, 0, Advice.NONE),
        (MOST_ITEMS // 2, 0, Advice.WARN),
        (0, 120, Advice.WARN),
        (MOST_ITEMS * 3 // 4, 0, Advice.BREAK),
        (0, 180, Advice.BREAK),
        (MOST_ITEMS - 1, 0, Advice.BREAK),
        (MOST_ITEMS, 0, Advice.ASK),
        (1, 240, Advice.ASK),
    ],
)
def test_it_warns_then_advises_a_break_then_asks_a_lead(items: int, minutes: int, advice: Advice) -> None:
    assert Exposure(items, minutes * MINUTE).advice(NOW) is advice


def test_a_look_lasts_until_the_next_and_never_for_long() -> None:
    first = Exposure().shown(NOW)
    assert (first.items, first.time(NOW), first.time(NOW + MINUTE)) == (1, timedelta(0), MINUTE)
    second = first.shown(NOW + MINUTE)
    assert (second.items, second.looked, second.time(NOW + timedelta(hours=3))) == (2, MINUTE, MINUTE + LONGEST_LOOK)
    assert second.time(NOW) == MINUTE  # a clock that was set back takes nothing away


async def shown(triage: Triage, subject: str, items: int, *, team: str = "smart", day: date | None = None) -> None:
    """Let a person have been shown content today."""
    row = {"day": day or triage.clock.now().date(), "subject": subject.lower(), "team": team, "items": items}
    async with triage.database.transaction() as session:
        session.add(ExposureRow(**row, seconds=60 * items, last_at=triage.clock.now() - timedelta(hours=1)))


async def figures(triage: Triage) -> dict[tuple[str, str], tuple[int, int]]:
    async with triage.database.transaction() as session:
        rows = await session.scalars(select(ExposureRow))
        return {(row.subject, row.team): (row.items, row.seconds) for row in rows}


async def write(triage: Triage, told: Submitted, at: datetime) -> None:
    """Let the reporter write once more."""
    about = {"report_id": told.report_id, "reference": told.reference, "at": at, "message_id": IDS.uuid()}
    said = MessageSent.model_validate({**about, "kind": MessageKind.MORE, "text": WORDS})
    async with triage.database.transaction() as session:
        await hear(session, [envelope(said, 2)], at, writer=WRITER)


async def test_each_piece_of_content_is_counted_where_it_is_shown(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    picture, page = piece(told), f"/cases/{told.reference}"
    await announce(triage.database, picture)
    for there in (page, f"{page}/evidence", f"{page}/timeline", f"{page}/conversation"):
        assert (await sam.get(there)).status_code == 200
    assert await figures(triage) == {}  # nothing that anyone wrote is on them
    await press(sam, page, f"{page}/show")
    triage.clock.move(2 * MINUTE)
    await write(triage, told, triage.clock.now())
    for _ in range(2):  # one visit
        assert WORDS in (await sam.get(f"{page}/conversation")).text
    triage.clock.move(20 * MINUTE)
    opened = f"{page}/evidence/{picture.evidence_id}/preview"
    assert (await press(sam, f"{page}/evidence", opened, purpose="To see it")).status_code == 200
    assert await figures(triage) == {("s4001", "smart"): (3, 7 * 60)}
    assert "3 times, of at most 200" in (await sam.get("/cases/wellbeing")).text
    triage.clock.move(timedelta(days=1))
    async with triage.client(Role.SMART_RESPONDER) as tomorrow:
        assert "0 times, of at most 200" in (await tomorrow.get("/cases/wellbeing")).text


@pytest.mark.parametrize(
    ("items", "words"), [(99, None), (100, "Take a break when you can"), (150, "Take a break of 15 minutes")]
)
async def test_the_page_of_a_case_says_it(triage: Triage, sam: AsyncClient, items: int, words: str | None) -> None:
    told = report()
    await open_cases(triage.database, told)
    await shown(triage, "S4001", items)
    page = (await sam.get(f"/cases/{told.reference}")).text
    assert words in page if words else 'id="exposure"' not in page


async def test_at_the_limit_nothing_more_is_shown_but_what_is_urgent(triage: Triage, sam: AsyncClient) -> None:
    told, urgent = report(), report(**URGENT)
    await open_cases(triage.database, told, urgent)
    picture, page = piece(told), f"/cases/{told.reference}"
    await announce(triage.database, picture)
    await write(triage, told, NOW)
    await shown(triage, "S4001", MOST_ITEMS - 30, team="sirt")
    await shown(triage, "S4001", 30)  # a person's teams count together
    refused = await press(sam, page, f"{page}/show")
    assert (refused.status_code, told.narrative in refused.text) == (409, False)
    assert "Before you see more, a lead has to agree" in refused.text
    said = (await sam.get(f"{page}/conversation")).text
    assert (WORDS in said, "not shown, because you reached the limit" in said) == (False, True)
    open_it = {"form": "preview", "purpose": "To see it"}
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SMART_RESPONDER))
        [case] = [one for one in (await client.get(API)).json()["items"] if one["reference"] == told.reference]
        where = f"{API}/{case['case_id']}/evidence/{picture.evidence_id}/open"
        answer = await client.post(where, json=open_it)
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "content-limit-reached")
    answer = await press(sam, f"{page}/evidence", f"{page}/evidence/{picture.evidence_id}/preview", purpose="To see it")
    assert answer.status_code == 409
    async with triage.database.transaction() as session:
        row = (await session.scalars(select(CaseRow).where(CaseRow.reference == told.reference))).one()
        looked = await session.scalar(text("select count(*) from activity where action = 'content_shown'"))
        priority = await session.scalar(select(CaseRow.priority).where(CaseRow.reference == urgent.reference))
    assert (row.replied_at is not None, looked, priority) == (True, 0, "P1")  # what was not shown was not read
    there = f"/cases/{urgent.reference}"
    assert urgent.narrative in (await press(sam, there, f"{there}/show")).text


async def test_what_a_script_asks_for_is_counted_and_held_up_too(triage: Triage) -> None:
    told, urgent = report(), report(**URGENT)
    await open_cases(triage.database, told, urgent)
    await announce(triage.database, piece(told), piece(urgent))
    for one in (told, urgent):
        await write(triage, one, NOW)
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SMART_RESPONDER))
        ids = {one["reference"]: one["case_id"] for one in (await client.get(API)).json()["items"]}
        plain, content, taken = "conversation", "conversation?content=true", "evidence/export"

        async def asked(of: Submitted, what: str) -> tuple[int, bool, int]:
            """Return how it is answered, whether the reporter's words are in it, and how much is counted by then."""
            where = f"{API}/{ids[of.reference]}/{what}"
            why = {"purpose": "For the police"}
            answer = await (client.post(where, json=why) if what == taken else client.get(where))
            counted = (await figures(triage)).get(("s4001", "smart"), (0, 0))[0]
            return answer.status_code, WORDS in answer.text, counted

        assert await asked(told, plain) == (200, False, 0)
        assert await asked(told, content) == (200, True, 1)
        assert await asked(told, taken) == (200, False, 2)
        await shown(triage, "S4001", MOST_ITEMS, team="sirt")
        assert await asked(told, plain) == (200, False, 2)
        for what in (content, taken):
            assert await asked(told, what) == (409, False, 2)
        assert await asked(urgent, content) == (200, True, 3)
        assert await asked(urgent, taken) == (200, False, 4)


async def test_a_lead_lets_someone_see_more_and_learns_no_figure(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient, maria: AsyncClient
) -> None:
    told, sirts = report(), incident()
    await open_cases(triage.database, told, sirts)
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/ask-for-more")
    assert "No one asks now" in (await aisha.get("/cases/wellbeing")).text  # who has room asks no one
    await shown(triage, "S4001", MOST_ITEMS + 17)
    for _ in range(2):
        assert (await press(sam, page, f"{page}/ask-for-more")).status_code == 303
    assert "You asked a lead to let you see more" in (await sam.get(page)).text
    assert await leads_asked(triage.database) == [("smart", "more_content")]  # once, and not who
    asked = (await aisha.get("/cases/wellbeing")).text
    assert ("s4001" in asked, "217" in asked) == (True, False)
    assert "s4001" not in (await maria.get("/cases/wellbeing")).text
    for client, form in ((sam, page), (maria, f"/cases/{sirts.reference}")):
        answer = await press(client, form, "/cases/wellbeing", subject="S4001")
        assert (answer.status_code, "does not ask you" in answer.text) == (409, True)
    async with triage.client(Role.SMART_LEAD) as sam_as_lead:
        answer = await press(sam_as_lead, page, "/cases/wellbeing", subject="S4001")
        assert answer.status_code == 409
    answer = await press(aisha, "/cases/wellbeing", "/cases/wellbeing", subject="S4001")
    assert answer.headers["location"] == "/cases/wellbeing?done=allowed"
    assert told.narrative in (await press(sam, page, f"{page}/show")).text
    assert "A lead has let you see more" in (await sam.get(page)).text


async def test_the_leads_of_each_team_are_asked_and_any_of_them_lets_the_person_see_more(
    triage: Triage, aisha: AsyncClient, maria: AsyncClient
) -> None:
    told, sirts = report(), incident()
    await open_cases(triage.database, told, sirts)
    await shown(triage, "S4001", MOST_ITEMS)
    async with triage.client(Role.SMART_RESPONDER, Role.SIRT_RESPONDER) as both:
        for page in (f"/cases/{told.reference}", f"/cases/{sirts.reference}"):
            assert (await press(both, page, f"{page}/ask-for-more")).status_code == 303
            assert "Ask a lead" not in (await both.get(page)).text
    assert sorted(await leads_asked(triage.database)) == [("sirt", "more_content"), ("smart", "more_content")]
    for lead in (aisha, maria):
        assert "s4001" in (await lead.get("/cases/wellbeing")).text
    assert (await press(maria, "/cases/wellbeing", "/cases/wellbeing", subject="S4001")).status_code == 303
    assert "No one asks now" in (await aisha.get("/cases/wellbeing")).text


async def test_who_leads_the_team_asks_the_lead_of_the_desk_too(triage: Triage, aisha: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    await shown(triage, "S4002", MOST_ITEMS)
    page = f"/cases/{told.reference}"
    await press(aisha, page, f"{page}/ask-for-more")
    async with triage.client(Role.TRIAGE_DESK, subject="S6002") as lead:
        assert (await press(lead, "/cases/wellbeing", "/cases/wellbeing", subject="S4002")).status_code == 303
    assert "A lead has let you see more" in (await aisha.get(page)).text


async def test_figures_are_totals_of_three_people_or_more(triage: Triage, aisha: AsyncClient, sam: AsyncClient) -> None:
    for subject, items in (("S4001", 31), ("S4003", 42)):
        await shown(triage, subject, items)
    few = (await aisha.get("/cases/wellbeing")).text
    assert ("Too few people to show" in few, "73 times" in few) == (True, False)
    await shown(triage, "S4004", 50)
    enough = (await aisha.get("/cases/wellbeing")).text
    assert ("123 times" in enough, "s4003" in enough.lower(), "42" in enough) == (True, False, False)
    assert "123 times" not in (await sam.get("/cases/wellbeing")).text


async def test_what_people_were_shown_is_forgotten_after_a_month(triage: Triage) -> None:
    today = NOW.date()
    for back in (0, 31, 32):
        await shown(triage, "S4001", 5, day=today - timedelta(days=back))
    async with triage.database.transaction() as session:
        assert [await forget(session, NOW) for _ in range(2)] == [1, 0]
