"""The conversation of a case: everything that was said, in time order, and who has read it."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any, cast

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.tables import CaseRow
from services.triage.conversation.domain import Entry
from services.triage.conversation.handlers import read
from services.triage.conversation.queries import conversation
from services.triage.managers.handlers import manager_acted
from services.triage.reporters.handlers import WITHDRAWN, ask_withdrawal
from shared.audit import chain
from shared.auth.permissions import Role
from shared.events.intake import AbuseReportWithdrawn, Reporter
from shared.events.notifier import ManagerActionRecorded
from shared.events.vocabulary import ManagerAction, MessageKind, Team
from tests.services.triage.builders import (
    NOW,
    PRIYA,
    WRITER,
    CaseFilter,
    Submitted,
    envelope,
    listed,
    misuse,
    open_cases,
    report,
    viewer,
)
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.conversation.test_replies import message, send
from tests.services.triage.evidence.pieces import announce, of_team, piece, taken_back
from tests.support.eventually import eventually

SERVICE = "triage"
API = "/cases/api/v1/cases"
MINUTE = timedelta(minutes=1)


async def said(triage: Triage, told: Submitted, *roles: Role, subject: str = "S4001") -> list[dict[str, Any]]:
    async with triage.client() as script:
        headers = triage.bearer(*roles or (Role.SMART_RESPONDER,), subject=subject)
        [case] = (await script.get(API, headers=headers, params={"report_id": str(told.report_id)})).json()["items"]
        content = {"content": "true"}
        got = await script.get(f"{API}/{case['case_id']}/conversation", headers=headers, params=content)
    assert got.status_code == 200, got.text
    return cast("list[dict[str, Any]]", got.json()["items"])


async def do(triage: Triage, client: AsyncClient, told: Submitted, action: str, **fields: str) -> None:
    triage.clock.move(MINUTE)
    page = f"/cases/{told.reference}"
    answer = await press(client, page, f"{page}/{action}", **fields)
    assert answer.status_code == 303, answer.text


async def hears(triage: Triage, told: Submitted, text: str, kind: MessageKind = MessageKind.MORE) -> None:
    triage.clock.move(MINUTE)
    now = triage.clock.now()
    await send(triage.database, message(told, at=now, text=text, kind=kind), now=now + MINUTE)


async def unread(triage: Triage) -> list[bool]:
    async with triage.database.transaction() as session:
        rows = await session.scalars(select(CaseRow).order_by(CaseRow.link_number))
        return [row.replied_at is not None for row in rows]


async def readings(triage: Triage) -> list[tuple[str, str]]:
    """Return who read the conversation of the only report's first case, and whether that made it read."""
    async with triage.database.transaction() as session:
        case_id = await session.scalar(select(CaseRow.case_id).where(CaseRow.link_number == 1))
        assert case_id
        done = await chain.read(session, case_id)
    return [(one.actor, one.after.get("reply", "")) for one in done if one.action == "conversation_read"]


def unread_in(page: str) -> int:
    return len(re.findall(r'<li class="signpost-entry signpost-entry--reporter" id="unread', page))


async def talk(triage: Triage, sam: AsyncClient, told: Submitted) -> list[tuple[str, str, str | None]]:
    """Let a case live through everything that a conversation may hold; return it in order."""
    await do(triage, sam, told, "claim")
    await hears(triage, told, "There is another post.")
    await do(triage, sam, told, "note", text="They sound afraid.")
    await do(triage, sam, told, "ask", text="Which post?")
    await hears(triage, told, "The second one.", MessageKind.ANSWER)
    await do(triage, sam, told, "share", text="We have reported it.")
    await do(triage, sam, told, "resolve", outcome="removed_by_platform", text="Only for us")
    await hears(triage, told, "How far is it?", MessageKind.ASKED_AGAIN)
    await do(triage, sam, told, "reopen", text="It is back")
    gone = AbuseReportWithdrawn(report_id=told.report_id, reference=told.reference, at=triage.clock.now() + MINUTE)
    async with triage.database.transaction() as session:
        await ask_withdrawal(session, [envelope(gone, 9)], triage.clock.now() + MINUTE, writer=WRITER)
    return [
        ("message", "reporter", "There is another post."),
        ("note", "team", "They sound afraid."),
        ("question", "team", "Which post?"),
        ("message", "reporter", "The second one."),
        ("update", "team", "We have reported it."),
        ("outcome", "team", None),
        ("asked_again", "reporter", "How far is it?"),
        ("reopened", "team", None),
        ("withdrawn", "reporter", WITHDRAWN),
    ]


async def test_everything_that_was_said_stands_in_time_order(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    expected = await talk(triage, sam, told)
    items = await said(triage, told)
    assert [(item["kind"], item["from"], item.get("text")) for item in items] == expected
    assert [item["at"] for item in items] == sorted(item["at"] for item in items)
    assert [item["text"] for item in items if item["internal"]] == ["They sound afraid."]
    assert [item["text"] for item in items if item["answers_question"]] == ["The second one."]
    assert [item["outcome"] for item in items if "outcome" in item] == ["removed_by_platform"]
    assert {item["author"] for item in items if item["from"] == "team"} == {"S4001"}
    named = {item["kind"] for item in items if item.get("author_name") == "Sam Reid"}
    assert named == {"note", "question", "update"}
    assert all("author" not in item for item in items if item["from"] == "reporter")
    page = (await sam.get(f"/cases/{told.reference}/conversation")).text
    texts = [text for _, _, text in expected if text]
    assert sorted(texts, key=page.index) == texts
    assert "Only for us" not in page
    assert page.count("<strong>You</strong>") == 5
    async with triage.client(Role.SMART_LEAD, subject="S4002") as colleague:
        page = (await colleague.get(f"/cases/{told.reference}/conversation")).text
    assert "<strong>You</strong>" not in page
    assert page.count("<strong>Sam Reid</strong>") == 3


async def test_an_internal_note_looks_like_nothing_that_a_reporter_reads(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    await talk(triage, sam, told)
    page = (await sam.get(f"/cases/{told.reference}/conversation")).text
    entries = re.findall(r'<li class="signpost-entry signpost-entry--(\w+)"[^>]*>(.*?)</li>', page, re.DOTALL)
    looks = {
        look: {re.search(r'<path d="([^"]+)"', entry)[1] for one, entry in entries if one == look}  # type: ignore[index] # each has an icon
        for look, _ in entries
    }
    assert set(looks) == {"reporter", "team", "internal", "step"}
    assert len(set.union(*looks.values())) == len(looks), "each has an icon of its own"
    [(_, internal)] = [one for one in entries if one[0] == "internal"]
    assert "Internal: the reporter never sees this" in internal
    assert "They sound afraid." in internal
    assert page.count("Internal: the reporter never sees this") == 1
    forms = dict(re.findall(r'<form method="post" action="/cases/[^/]+/(share|ask|note)"(.*?)</form>', page, re.DOTALL))
    button = re.compile(r'<button.*?class="([^"]+)".*?>\s*(.*?)\s*</button>', re.DOTALL)
    buttons = {action: button.search(form) for action, form in forms.items()}
    assert {action: found[2] for action, found in buttons.items() if found} == {
        "share": "Send to the reporter",
        "ask": "Ask the reporter",
        "note": "Add internal note",
    }
    assert {action for action, found in buttons.items() if found and "secondary" in found[1]} == {"note"}
    assert page.count("The reporter will read this") == 2
    assert page.count("Only the team sees this") == 1


READS = [
    ("the conversation", "GET", "/cases/{reference}/conversation", {}, True),
    ("the case", "GET", "/cases/{reference}", {}, False),
    ("the timeline", "GET", "/cases/{reference}/timeline", {}, False),
    ("the record", "GET", "/cases/{reference}/audit", {}, False),
    ("the queue", "GET", "/cases?view=replies", {}, False),
    ("what was written", "POST", "/cases/{reference}/show", {}, False),
    ("a list by a script", "GET", API + "?view=replies", {}, False),
    ("a case by a script", "GET", API + "/{case_id}", {}, False),
    ("a conversation by a script", "GET", API + "/{case_id}/conversation", {}, False),
    ("a claim", "POST", "/cases/{reference}/claim", {}, False),
    ("an internal note", "POST", "/cases/{reference}/note", {"text": "They wrote."}, False),
    ("a message", "POST", "/cases/{reference}/share", {"text": "Thank you."}, True),
]


@pytest.mark.parametrize(
    ("method", "path", "fields", "clears"), [row[1:] for row in READS], ids=[row[0] for row in READS]
)
async def test_what_a_reporter_wrote_is_read_once_a_responder_opens_the_conversation_or_writes(
    triage: Triage, sam: AsyncClient, method: str, path: str, fields: dict[str, str], clears: bool
) -> None:
    told = report()
    await open_cases(triage.database, told)
    await hears(triage, told, "There is another post.")
    async with triage.database.transaction() as session:
        [case] = await listed(session, viewer(Team.SMART), CaseFilter(), 1)
    address = path.format(reference=told.reference, case_id=case.case_id)
    page = f"/cases/{told.reference}"
    if method == "POST":
        answer = await press(sam, page, address, **fields)
    else:
        headers = triage.bearer(Role.SMART_RESPONDER) if "/api/" in path else {}
        answer = await sam.get(address, headers=headers)
    assert answer.status_code in {200, 303}, answer.text
    assert await unread(triage) == [not clears]


async def test_a_question_is_an_answer_too(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    await do(triage, sam, told, "claim")
    await hears(triage, told, "There is another post.")
    await do(triage, sam, told, "ask", text="Which?")
    assert await unread(triage) == [False]
    assert await readings(triage) == []


async def test_what_one_responder_read_is_read_for_the_team_and_no_one_is_held_up(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    page, talk_page = f"/cases/{told.reference}", f"/cases/{told.reference}/conversation"
    await hears(triage, told, "There is another post.")
    form = (await sam.get(page)).text
    assert "Unread reply" in form
    first = (await aisha.get(talk_page)).text
    assert unread_in(first) == 1
    assert "Unread reply" not in first
    assert unread_in((await sam.get(talk_page)).text) == 0
    token, version = (re.search(rf'name="{name}" value="([^"]+)"', form)[1] for name in ("csrftoken", "version"))  # type: ignore[index] # both are there
    claimed = await sam.post(f"{page}/claim", data={"csrftoken": token, "version": version})
    assert claimed.status_code == 303, "reading makes no one's page out of date"
    assert await readings(triage) == [("S4002", "read"), ("S4001", "")]


async def test_reading_is_recorded_once_for_each_visit_and_for_each_reply(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}/conversation"
    for _ in range(3):
        await sam.get(page)
    await said(triage, told)
    assert await readings(triage) == [("S4001", "")]
    await hears(triage, told, "There is another post.")
    for _ in range(2):
        await sam.get(page)
    assert await readings(triage) == [("S4001", ""), ("S4001", "read")]
    triage.clock.move(timedelta(minutes=11))
    await sam.get(page)
    assert len(await readings(triage)) == 3
    looked = (await sam.get(f"/cases/{told.reference}/timeline?kind=looks")).text
    assert looked.count("The conversation was read") == 3


async def test_each_team_reads_for_itself(triage: Triage, sam: AsyncClient, maria: AsyncClient) -> None:
    told = report(also_affects=("dwp_information",))
    await open_cases(triage.database, told)
    await hears(triage, told, "There is another post.")
    await sam.get(f"/cases/{told.reference}/conversation")
    assert await unread(triage) == [False, True]
    assert (await sam.get(f"/cases/{told.reference}-2/conversation")).status_code == 404
    assert "There is another post." in (await maria.get(f"/cases/{told.reference}-2/conversation")).text
    assert await unread(triage) == [False, False]


async def test_who_may_not_see_what_people_wrote_has_not_read_it(triage: Triage) -> None:
    told = report()
    await open_cases(triage.database, told)
    await hears(triage, told, "Words that hurt")
    blind = replace(viewer(Team.SMART, subject="S4003"), sees_content=False)
    async with triage.database.transaction() as session:
        [case] = await listed(session, blind, CaseFilter(), 1)
        await read(Work(session, blind, triage.clock.now(), WRITER), case)
    assert await unread(triage) == [True]
    assert await readings(triage) == [("S4003", "")]


async def test_opening_the_conversation_of_a_restricted_case_is_recorded_as_any_look_at_it(
    triage: Triage, desk: AsyncClient
) -> None:
    told = misuse(union_activity="unsure")
    await open_cases(triage.database, told)
    await hears(triage, told, "I was not sure.")
    page = f"/cases/{told.reference}/conversation"
    assert "I was not sure." in (await desk.get(page)).text
    async with triage.database.transaction() as session:
        row = (await session.scalars(select(CaseRow))).one()
        done = await chain.read(session, row.case_id)
    assert [one.action for one in done][-2:] == ["page_opened", "conversation_read"]
    async with triage.client(Role.SMART_RESPONDER) as stranger:
        assert (await stranger.get(page)).status_code == 404


async def test_nothing_of_an_exempt_conversation_is_left_and_nothing_of_it_is_unread(
    triage: Triage, desk: AsyncClient
) -> None:
    told = misuse(union_activity="yes")
    await open_cases(triage.database, told)
    await do(triage, desk, told, "claim")
    await hears(triage, told, "They spoke for the union.")
    await do(triage, desk, told, "exempt")
    await hears(triage, told, "And once more.")
    page = (await desk.get(f"/cases/{told.reference}/conversation")).text
    assert "union." not in page
    assert "once more" not in page
    assert await unread(triage) == [False]
    assert "You have read every reply" in (await desk.get("/cases?view=replies")).text


EMAILED = "Signpost emails them at once that there is a message, never what it says."
SAID = "Nothing is emailed, because they gave another way to reach them. Use that way yourself."
NO_WAY = "Nothing is emailed, because they gave no safe way to reach them. They read it on their report’s page."
ANONYMOUS = "Nothing is emailed, because they are anonymous. They read it with their code, on their report’s page."
RING = "Ring my sister on 07700 900123"
HOME = "home@elsewhere.example"


def who(confidentiality: str = "named", **said: str | None) -> Reporter:
    return Reporter.model_validate({**PRIYA.model_dump(), "confidentiality": confidentiality, **said})


@pytest.mark.parametrize(
    ("reporter", "words", "shown"),
    [
        (who(), EMAILED, None),
        (who(safe_contact=HOME), EMAILED, HOME),
        (who(safe_contact=RING), SAID, RING),
        (who(email=None), EMAILED, None),
        (who(email=None, staff_id=None), NO_WAY, None),
        (who("confidential"), NO_WAY, None),
        (who("confidential", safe_contact=RING), SAID, RING),
        (who("confidential", safe_contact=HOME), EMAILED, HOME),
        (who("anonymous", staff_id=None, email=None, name=None), ANONYMOUS, None),
    ],
)
async def test_the_case_says_how_the_reporter_hears_of_a_message(
    triage: Triage, sam: AsyncClient, reporter: Reporter, words: str, shown: str | None
) -> None:
    told = report(reporter=reporter, manager_alert="no")
    await open_cases(triage.database, told)
    assert words in (await sam.get(f"/cases/{told.reference}")).text
    page = (await sam.get(f"/cases/{told.reference}/conversation")).text
    assert words in page
    assert ("How to reach them, in their words" in page) == bool(shown)
    assert shown is None or shown in page
    assert "Nothing was said yet." in page


async def test_evidence_stands_beside_the_message_that_it_came_with(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    await announce(triage.database, first := piece(told), piece(told, media_type="application/pdf", size=5))
    triage.clock.move(MINUTE)
    with_files = message(told, at=triage.clock.now(), text="Two pictures.")
    await send(triage.database, with_files, now=triage.clock.now())
    came_with = [piece(told, at=triage.clock.now(), message_id=with_files.message_id) for _ in range(2)]
    await announce(triage.database, *came_with)
    async with triage.database.transaction() as session:
        [case] = await listed(session, viewer(Team.SMART), CaseFilter(), 1)
    triage.clock.move(MINUTE)
    await announce(triage.database, of_team(told, case.case_id, at=triage.clock.now()), taken_back(first))
    items = await said(triage, told)
    assert [(item["kind"], item["from"], len(item["evidence"]), item.get("text")) for item in items] == [
        ("evidence", "reporter", 2, None),
        ("message", "reporter", 2, "Two pictures."),
        ("evidence", "team", 1, None),
    ]
    assert [(one["media_type"], one["size"], one["removed"]) for one in items[0]["evidence"]] == [
        ("image/png", 123_456, True),
        ("application/pdf", 5, False),
    ]
    assert {one["evidence_id"] for one in items[1]["evidence"]} == {str(one.evidence_id) for one in came_with}
    assert items[2]["author"] == "S4001"
    assert await unread(triage) == [True]
    page = (await sam.get(f"/cases/{told.reference}/conversation")).text
    assert "2 files (1 taken back), under" in page
    assert "1 file, under" in page


async def test_what_comes_while_someone_reads_is_unread_afterwards(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = report()
    await open_cases(triage.database, told)
    await hears(triage, told, "The first.")
    arriving: list[asyncio.Task[None]] = []

    async def read_while_another_comes(session: AsyncSession, case: Case, reader: Viewer) -> list[Entry]:
        entries = await conversation(session, case, reader)
        arriving.append(asyncio.create_task(hears(triage, told, "The second.")))
        await eventually(partial(done_or_waiting, triage, arriving[0]))
        return entries

    monkeypatch.setattr("services.triage.conversation.pages.conversation", read_while_another_comes)
    page = (await sam.get(f"/cases/{told.reference}/conversation")).text
    await arriving[0]
    assert "The first." in page
    assert "The second." not in page
    assert await unread(triage) == [True]


async def done_or_waiting(triage: Triage, task: asyncio.Task[None]) -> bool | None:
    """Return whether the task is over, or waits for a lock in the database."""
    waiting = text(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"
    )
    async with triage.database.transaction() as session:
        return task.done() or bool(await session.scalar(waiting)) or None


async def test_how_a_line_manager_ended_a_case_is_theirs(triage: Triage, desk: AsyncClient) -> None:
    told = misuse()
    await open_cases(triage.database, told)
    async with triage.database.transaction() as session:
        row = (await session.scalars(select(CaseRow))).one()
        acted = ManagerActionRecorded(
            case_id=row.case_id,
            report_id=told.report_id,
            at=NOW,
            manager="S2001",
            action=ManagerAction.INFORMAL_ACTION,
            acted_on=NOW.date(),
        )
        await manager_acted(session, [envelope(acted)], NOW, writer=WRITER)
    [ended] = await said(triage, told, Role.TRIAGE_DESK, subject="S6001")
    assert (ended["kind"], ended["author"], ended["outcome"]) == ("outcome", "S2001", "informal_action")
    page = (await desk.get(f"/cases/{told.reference}/conversation")).text
    assert "<strong>S2001</strong> finished the case: Informal action" in page
