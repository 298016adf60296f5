"""What a reporter writes is unread, in every case of the report, until someone of its team reads it."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from httpx import AsyncClient
from sqlalchemy import event, select

from services.triage.cases import handlers, queries
from services.triage.cases.handlers import Work, expire_leases
from services.triage.cases.tables import CaseRow, Note
from services.triage.deadlines import queries as deadlines
from services.triage.operations.queries import records
from services.triage.reporters.handlers import hear
from services.triage.wellbeing.handlers import declare_conflict
from shared.audit import chain
from shared.audit.verification import verify
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events.envelope import Event
from shared.events.intake import MessageSent
from shared.events.triage import CaseReporterReplied
from shared.events.vocabulary import CaseState, MessageKind, Outcome, Priority, Team
from shared.messaging.tables import outbox
from tests.services.triage.builders import (
    IDS,
    NOW,
    WRITER,
    CaseFilter,
    Submitted,
    enquiry,
    envelope,
    exception,
    incident,
    listed,
    misuse,
    open_cases,
    report,
    viewer,
)
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.search.sought import swept

SERVICE = "triage"
SAM = viewer(Team.SMART)
HOUR = timedelta(hours=1)


def message(told: Submitted, at: datetime = NOW + HOUR, **changes: object) -> MessageSent:
    said = {"message_id": IDS.uuid(), "kind": MessageKind.MORE, "text": "There is another post.", **changes}
    return MessageSent.model_validate({"report_id": told.report_id, "reference": told.reference, "at": at, **said})


async def send(database: Database, *said: MessageSent, now: datetime = NOW + HOUR) -> None:
    async with database.transaction() as session:
        await hear(session, [envelope(one, 2) for one in said], now, writer=WRITER)


async def the_case(database: Database) -> CaseRow:
    async with database.transaction() as session:
        return (await session.scalars(select(CaseRow).order_by(CaseRow.link_number))).first()  # type: ignore[return-value] # there is one


async def published(database: Database, kind: type[Event]) -> list[Event]:
    async with database.transaction() as session:
        values = await session.scalars(select(outbox.c.value).where(outbox.c.type == kind.TYPE).order_by(outbox.c.id))
        return [kind.model_validate_json(value) for value in values]


_SAYS: Mapping[str, tuple[object, ...]] = {
    "ask": ("Which post?",),
    "resolve": (Outcome.SUPPORT_GIVEN, None),
    "transfer": (Team.SIRT, "It is theirs."),
}
"""What a step needs besides the case."""


async def work(database: Database, *steps: str, subject: str = "S4001") -> UUID:
    """Let a responder take these steps with the case, each on its current version."""
    sam = viewer(Team.SMART, subject=subject)
    async with database.transaction() as session:
        [case] = await listed(session, sam, CaseFilter(), 1)
        for step in steps:
            version = (await queries.get(session, sam, case.case_id)).version
            doing = Work(session, sam, NOW + timedelta(minutes=1), WRITER)
            await getattr(handlers, step)(doing, case.case_id, version, *_SAYS.get(step, ()))
    return case.case_id


@pytest.mark.parametrize("build", [report, misuse, incident, enquiry, exception])
async def test_a_message_about_any_report_is_a_note_on_its_case_and_unread(database: Database, build: type) -> None:
    told = build()
    await open_cases(database, told)
    said = message(told, at=NOW + timedelta(minutes=50))
    await send(database, said)
    row = await the_case(database)
    async with database.transaction() as session:
        note = (await session.scalars(select(Note))).one()
        activities = await chain.read(session, row.case_id)
    assert (row.replied_at, row.version) == (said.at, 2)
    assert (note.text, note.at, note.kind, note.message_id) == (said.text, said.at, "more", said.message_id)
    assert (note.author, note.shared) == ("reporter", True)
    assert (activities[-1].action, activities[-1].personal) == ("information_added", {"note": said.text})


async def test_every_case_of_the_report_is_marked(database: Database) -> None:
    told = report(also_affects=("dwp_information",))
    await open_cases(database, told, report())
    await send(database, message(told))
    async with database.transaction() as session:
        marked = (await session.scalars(select(CaseRow).where(CaseRow.replied_at.is_not(None)))).all()
    assert {row.report_id for row in marked} == {told.report_id}
    assert {row.team for row in marked} == {"smart", "sirt"}


@pytest.mark.parametrize("kind", list(MessageKind))
async def test_a_message_ends_the_waiting_and_the_clock_goes_on(database: Database, kind: MessageKind) -> None:
    told = report(behaviours=("doxing",))
    await open_cases(database, told)
    case_id = await work(database, "claim", "ask")
    await send(database, message(told, kind=kind))
    row = await the_case(database)
    async with database.transaction() as session:
        [clocks] = (await deadlines.of_cases(session, [case_id])).values()
    assert row.state == CaseState.IN_PROGRESS
    assert not [clock for clock in clocks if clock.paused_at]
    assert row.due_at


@pytest.mark.parametrize(
    ("steps", "state"),
    [((), "new"), (("claim", "resolve"), "resolved"), (("claim", "resolve", "close"), "closed")],
)
async def test_a_case_in_any_state_is_marked(database: Database, steps: tuple[str, ...], state: str) -> None:
    told = report()
    await open_cases(database, told)
    await work(database, *steps)
    await send(database, message(told))
    row = await the_case(database)
    assert (row.state, row.replied_at) == (state, NOW + HOUR)


async def test_the_first_unread_message_is_announced_with_who_has_the_case(database: Database) -> None:
    told = report(behaviours=("doxing",))
    await open_cases(database, told)
    case_id = await work(database, "claim")
    for minutes in (60, 61):
        at = NOW + timedelta(minutes=minutes)
        await send(database, message(told, at=at), now=at)
    [news] = await published(database, CaseReporterReplied)
    assert news == CaseReporterReplied(
        case_id=case_id,
        report_id=told.report_id,
        reference=told.reference,
        at=NOW + HOUR,
        team=Team.SMART,
        priority=Priority.P2,
        assignee="S4001",
    )
    assert (await the_case(database)).replied_at == NOW + HOUR


@pytest.mark.parametrize(
    ("steps", "assignee"),
    [
        ((), None),
        (("claim",), "S4001"),
        (("claim", "expire"), "S4001"),
        (("claim", "ask", "expire"), "S4001"),
        (("claim", "ask", "expire", "by S4003", "claim"), "S4003"),
        (("claim", "ask", "expire", "by S4003", "claim", "release"), None),
        (("claim", "release"), None),
        (("claim", "ask", "expire", "by S4003", "claim", "transfer"), None),
        (("claim", "resolve"), "S4001"),
        (("claim", "resolve", "conflict"), None),
    ],
    ids=lambda value: ", ".join(value) if isinstance(value, tuple) else None,
)
async def test_who_had_the_case_when_their_claim_ran_out_is_told_unless_it_was_given_back(
    database: Database, steps: tuple[str, ...], assignee: str | None
) -> None:
    told = report()
    await open_cases(database, told)
    subject = "S4001"
    for step in steps:
        if step == "expire":
            async with database.transaction() as session:
                assert await expire_leases(session, NOW + HOUR, writer=WRITER) == 1
        elif step == "conflict":
            async with database.transaction() as session:
                doing = Work(session, viewer(Team.SMART, subject=subject), NOW + HOUR, WRITER)
                await declare_conflict(doing, (await the_case(database)).case_id)
        elif step.startswith("by "):
            subject = step.removeprefix("by ")
        else:
            await work(database, step, subject=subject)
    await send(database, message(told))
    [news] = await published(database, CaseReporterReplied)
    assert news.assignee == assignee  # type: ignore[attr-defined] # of that event
    async with database.transaction() as session:
        assert await verify(session, records=records) == []


async def test_a_batch_of_messages_takes_a_handful_of_statements(database: Database) -> None:
    told = [report() for _ in range(500)]
    await open_cases(database, *told)
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    await send(database, *[message(one) for one in told])
    assert len(statements) <= 15
    assert len(await published(database, CaseReporterReplied)) == len(told)


def shown_in(page: str) -> list[str]:
    return re.findall(r'signpost-reference" href="/cases/([^"?]+)["?]', page)


async def test_the_view_replies_has_every_case_with_something_unread_and_its_count(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    claimed, waiting, finished, quiet = reports = [report() for _ in range(4)]
    await open_cases(triage.database, *reports)
    await press(aisha, f"/cases/{claimed.reference}", f"/cases/{claimed.reference}/claim")
    for action in ("claim", "resolve"):
        address = f"/cases/{finished.reference}"
        await press(aisha, address, f"{address}/{action}", outcome="support_given")
    assert ">Replies <span" not in (await sam.get("/cases")).text
    assert "You have read every reply" in (await sam.get("/cases?view=replies")).text
    await send(triage.database, *map(message, (claimed, waiting, finished)))
    page = (await sam.get("/cases?view=replies")).text
    assert sorted(shown_in(page)) == sorted(one.reference for one in (claimed, waiting, finished))
    assert re.search(r'>Replies <span class="signpost-count">3<', page)
    everything = (await sam.get("/cases")).text
    assert set(shown_in(everything)) == {claimed.reference, waiting.reference, quiet.reference}
    marked = re.findall(r'href="/cases/([^"]+)/conversation">Reply<', everything)
    assert set(marked) == {claimed.reference, waiting.reference}
    filtered = (await sam.get("/cases?view=replies&platform=facebook")).text
    assert ">Replies <span" not in filtered
    assert "No case matches" in filtered
    async with triage.client(Role.SIRT_RESPONDER, subject="S5001") as leo:
        assert ">Replies <span" not in (await leo.get("/cases")).text


async def test_more_replies_than_anyone_counts_are_99_and_more(triage: Triage, sam: AsyncClient) -> None:
    told = [report() for _ in range(100)]
    await open_cases(triage.database, *told)
    await send(triage.database, *map(message, told[:-1]))
    assert re.search(r'>Replies <span class="signpost-count">99<', (await sam.get("/cases")).text)
    await send(triage.database, message(told[-1]))
    assert re.search(r'>Replies <span class="signpost-count">99\+<', (await sam.get("/cases")).text)


async def test_the_queue_counts_replies_in_one_statement(triage: Triage, sam: AsyncClient) -> None:
    told = [report() for _ in range(60)]
    await open_cases(triage.database, *told)
    await send(triage.database, *map(message, told))
    statements: list[str] = []
    event.listen(triage.database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    await sam.get("/cases?view=replies")
    # which cases, what is newest and every count, their rows, their marks; navigation, views and colleagues beside them
    assert len(statements) == 7


async def test_scripts_list_the_same_views_in_the_same_orders_as_the_page(triage: Triage, aisha: AsyncClient) -> None:
    kinds = ["harassment", "harassment", "doxing", "harassment", "doxing", "harassment"]
    told = [report(platform="x" if n % 2 else "facebook", behaviours=(kind,)) for n, kind in enumerate(kinds)]
    await open_cases(triage.database, *told)
    await send(triage.database, *map(message, told[:3]))
    bearer = triage.bearer(Role.SMART_RESPONDER)
    await press(aisha, f"/cases/{told[0].reference}", f"/cases/{told[0].reference}/claim")

    async def listed(query: str) -> list[str]:
        return [item["reference"] for item in (await answer(query))["items"]]

    async def answer(query: str) -> dict[str, Any]:
        async with triage.client() as script:
            got = await script.get(f"/cases/api/v1/cases?{query}", headers=bearer)
        assert got.status_code == 200, got.text
        return cast("dict[str, Any]", got.json())

    async def shown(query: str) -> list[str]:
        return re.findall(r'<a[^>]* id="(SP-[^"]+)"', (await aisha.get(f"/cases?{query}")).text)

    newest = [one.reference for one in reversed(told)]
    assert await listed("sort=newest") == newest
    by_due_time = [told[number].reference for number in (2, 4, 0, 1, 3, 5)]
    for query in ("", "view=all", "sort=due", "state=new", "view=replies", "sort=newest", "sort=priority&view=all"):
        assert await listed(query) == await shown(query), query
    assert await listed("") == await listed("view=all") == by_due_time
    assert await listed("sort=oldest") == newest[::-1]
    of_replies = [told[number].reference for number in (2, 0, 1)]
    assert await listed("view=replies") == of_replies
    await swept(triage.database)
    assert sorted(await listed("view=replies&q=facebook")) == sorted([told[0].reference, told[2].reference])
    assert await listed("view=unclaimed") == [one for one in by_due_time if one != told[0].reference]
    assert await listed("view=finished") == await listed("view=mine") == await listed("view=at-risk") == []
    first = await answer("sort=oldest&limit=4")
    assert await listed(f"sort=oldest&limit=4&cursor={first['next_cursor']}") == newest[1::-1]
    async with triage.client() as script:
        await script.get("/cases/api/v1/cases?view=replies", headers=bearer)
    assert await listed("view=replies") == of_replies, "a list that a script reads leaves replies unread"


@pytest.mark.parametrize("query", ["view=none", "view=", "view=Replies", "sort=up", "sort=", "view=replies&sort=age"])
async def test_an_unknown_view_or_order_is_refused(triage: Triage, query: str) -> None:
    async with triage.client() as script:
        headers = triage.bearer(Role.SMART_RESPONDER)
        refused = await script.get(f"/cases/api/v1/cases?{query}", headers=headers)
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert {one["field"] for one in refused.json()["errors"]} == {"sort" if "sort" in query else "view"}
