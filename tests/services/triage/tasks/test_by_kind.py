"""The tasks that a case has by its kind: rows once work starts, in the lists of those who see it, until it ends."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.bulk import handlers as bulk
from services.triage.bulk.domain import Action, Order
from services.triage.bulk.refusals import NAMES
from services.triage.cases import handlers as cases
from services.triage.cases.handlers import Work
from services.triage.cases.tables import CaseRow
from services.triage.operations.queries import records
from services.triage.tasks import domain, handlers, queries, tasks_yaml
from services.triage.tasks.tables import OF_KIND
from shared.audit import chain
from shared.audit.verification import verify
from shared.auth.permissions import Role
from shared.events.vocabulary import Team
from tests.services.triage.builders import NOW, WRITER, Submitted, misuse, open_cases, report, viewer
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
API = "/cases/api/v1"
DAY = timedelta(hours=25)
OF_ABUSE = ["offer_support", "tell_platform"]
_WRONG = text("""
with said as (
  select c.reference, cast(array_remove(array_agg(t.code order by t.code), null) as text[]) as codes,
    exists (select from activity where chain_id = c.case_id and "after" ->> 'state' = 'in_progress') as started,
    coalesce(bool_and(t.listed_for is not distinct from case
      when c.state in ('claimed', 'in_progress', 'awaiting_information') then c.team end)
      filter (where t.code is not null), true) as listed,
    c.task_overdue = coalesce(bool_or(t.overdue and t.listed_for is not null), false) as marked
  from "case" c left join task t using (case_id) group by c.case_id)
select * from said
where not listed or not marked or codes <> case when started then cast(:codes as text[]) else '{}' end
""")


async def wrong(session: AsyncSession) -> list[dict[str, object]]:
    """Return the cases of abuse whose tasks are not those of their kind, each once and in the lists of its team."""
    return [dict(row) for row in (await session.execute(_WRONG, {"codes": OF_ABUSE})).mappings()]


async def one(triage: Triage, told: Submitted) -> CaseRow:
    async with triage.database.transaction() as session:
        return (await session.scalars(select(CaseRow).where(CaseRow.reference == str(told.reference)))).one()


async def kept(triage: Triage, told: Submitted) -> queries.Kept:
    case_id = (await one(triage, told)).case_id
    async with triage.database.transaction() as session:
        return await queries.of_case(session, case_id)


async def get(triage: Triage, path: str, role: Role = Role.SMART_RESPONDER, subject: str = "S4001") -> Any:  # noqa: ANN401 - what the API says
    async with triage.client() as client:
        answer = await client.get(f"{API}/{path}", headers=triage.bearer(role, subject=subject))
        assert answer.status_code == 200, answer.text
        return answer.json()


async def codes(triage: Triage, view: str, role: Role = Role.SMART_RESPONDER, subject: str = "S4002") -> list[str]:
    found = await get(triage, f"tasks?view={view}", role, subject)
    assert found["counts"][view] == len(found["items"])
    return [item["code"] for item in found["items"]]


async def look_at_clocks(triage: Triage) -> None:
    async with triage.database.transaction() as session:
        await handlers.note_overdue(session, triage.clock.now(), writer=WRITER)


async def test_the_first_start_makes_the_tasks_of_the_kind_and_no_later_one(triage: Triage, sam: AsyncClient) -> None:
    told, mild = report(behaviours=("doxing",)), report()
    await open_cases(triage.database, told, mild)
    assert (await kept(triage, told)).tasks == []
    page = f"/cases/{told.reference}"
    for act in ("claim", "release", "claim"):
        await press(sam, page, f"{page}/{act}")
    made = (await kept(triage, told)).tasks
    assert {task.code: (task.made_by, task.assignee, task.due_at) for task in made} == {
        code: ("system:triage", None, NOW + timedelta(hours=24)) for code in (*OF_ABUSE, "ask_police", "stay_safe")
    }
    async with triage.database.transaction() as session:
        links = await chain.read(session, (await one(triage, told)).case_id)
    assert [link.action for link in links] == ["opened", "claimed", "released", "claimed"]
    assert ["tasks" in link.after for link in links] == [False, True, False, False]
    await press(sam, f"/cases/{mild.reference}", f"/cases/{mild.reference}/claim")
    assert sorted(task.code for task in (await kept(triage, mild)).tasks) == OF_ABUSE
    headers = triage.bearer(Role.SMART_RESPONDER) | {"If-Match": f'"{(await one(triage, mild)).version}"'}
    async with triage.client() as client:
        address = f"{API}/cases/{(await one(triage, mild)).case_id}/tasks"
        given = await client.post(address, json={"code": "tell_platform", "assignee": "S4002"}, headers=headers)
        headers["If-Match"] = given.headers["etag"]
        ticked = await client.post(address, json={"code": "tell_platform", "done": True}, headers=headers)
        headers["If-Match"] = ticked.headers["etag"]
        nothing = await client.post(address, json={"code": "offer_support"}, headers=headers)
    assert (given.status_code, ticked.status_code, nothing.status_code) == (200, 200, 409), nothing.text
    [done] = [task for task in (await kept(triage, mild)).tasks if task.done]
    assert (done.code, done.assignee, len((await kept(triage, mild)).tasks)) == ("tell_platform", "S4002", 2)


async def test_they_are_in_the_lists_of_the_team_that_has_the_case_until_it_ends(
    triage: Triage, sam: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/claim")
    assert sorted(await codes(triage, "mine", subject="S4001")) == OF_ABUSE
    await press(sam, page, f"{page}/note", text="I look at it")
    await press(sam, page, f"{page}/release")
    assert (await codes(triage, "mine", subject="S4001"), sorted(await codes(triage, "team"))) == ([], OF_ABUSE)
    assert "They are not counted above" not in (seen := (await sam.get("/cases/tasks?view=team")).text)
    assert "Offer support to the person affected" in seen
    triage.clock.move(DAY)
    assert sorted(await codes(triage, "overdue")) == OF_ABUSE
    await look_at_clocks(triage)
    async with triage.client(Role.SMART_RESPONDER) as later:
        await press(later, page, f"{page}/claim")
        await press(later, page, f"{page}/transfer", team="sirt", text="Theirs")
    assert await codes(triage, "team") == []
    assert await codes(triage, "overdue", Role.SIRT_RESPONDER, "S5001") == []
    leo = triage.client(Role.SIRT_RESPONDER, subject="S5001")
    async with leo as client:
        await press(client, page, f"{page}/claim")
        assert sorted(await codes(triage, "overdue", Role.SIRT_RESPONDER, "S5001")) == OF_ABUSE
        await press(client, page, f"{page}/resolve", outcome="support_given")
        assert await codes(triage, "team", Role.SIRT_RESPONDER, "S5001") == []
        assert (await one(triage, told)).task_overdue is False
        await press(client, page, f"{page}/reopen", text="More to do")
    assert sorted(await codes(triage, "overdue", Role.SIRT_RESPONDER, "S5001")) == OF_ABUSE
    assert (await one(triage, told)).task_overdue is True
    async with triage.database.transaction() as session:
        assert await wrong(session) == []


@pytest.mark.parametrize("ends", ["undo", "release", "lease"])
async def test_a_case_that_is_new_again_has_no_task_in_a_list_until_work_on_it_starts_again(
    triage: Triage, sam: AsyncClient, ends: str
) -> None:
    told = report()
    await open_cases(triage.database, told)
    page, case = f"/cases/{told.reference}", await one(triage, told)
    async with triage.database.transaction() as session:
        work = Work(session, viewer(Team.SMART), NOW, WRITER)
        bulk_id = await bulk.choose(work, Action.CLAIM, {case.case_id: case.version})
        await bulk.carry_out(work, bulk_id, Order(Action.CLAIM), NAMES)
    triage.clock.move(DAY)
    await look_at_clocks(triage)
    assert sorted(await codes(triage, "overdue")) == OF_ABUSE
    async with triage.database.transaction() as session:
        if ends == "undo":
            await bulk.undo(Work(session, viewer(Team.SMART), NOW, WRITER), bulk_id, NAMES)
        elif ends == "release":
            await cases.release(Work(session, viewer(Team.SMART), NOW, WRITER), case.case_id, case.version + 1)
        else:
            await cases.expire_leases(session, triage.clock.now(), writer=WRITER)
        assert await wrong(session) == []
    now = await one(triage, told)
    assert (now.state, now.task_overdue, await codes(triage, "team")) == ("new", False, [])
    async with triage.client(Role.SMART_RESPONDER) as later:
        await press(later, page, f"{page}/claim")
    assert sorted(await codes(triage, "overdue")) == OF_ABUSE
    async with triage.database.transaction() as session:
        assert await verify(session, records=records) == []


async def test_an_overdue_task_is_a_mark_and_a_filter_of_the_queue_until_it_is_done(
    triage: Triage, sam: AsyncClient
) -> None:
    late, other = report(), report()
    await open_cases(triage.database, late, other)
    page = f"/cases/{late.reference}"
    await press(sam, page, f"{page}/claim")
    triage.clock.move(DAY)
    assert (await get(triage, "cases?tasks=overdue"))["items"] == []
    await look_at_clocks(triage)
    await look_at_clocks(triage)
    [item] = (await get(triage, "cases?tasks=overdue"))["items"]
    assert (item["reference"], item["marks"]) == (str(late.reference), ["task_overdue"])
    assert (await get(triage, "cases?tasks=overdue", Role.SIRT_LEAD))["items"] == []
    async with triage.client(Role.SMART_RESPONDER) as later:
        seen = (await later.get("/cases?tasks=overdue")).text
        assert (f'id="{late.reference}"' in seen, f'id="{other.reference}"' in seen) == (True, False)
        assert ("Task overdue" in seen, "With an overdue task" in seen) == (True, True)
        saved = await press(later, "/cases?tasks=overdue", "/cases/views", name="Let pass", view="tasks=overdue")
        assert saved.headers["location"].startswith("/cases?tasks=overdue")
        assert 'Let pass <span class="signpost-count">1<' in (await later.get("/cases")).text
        for task in (await kept(triage, late)).tasks:
            await press(later, f"{page}/tasks", f"{page}/tasks/{task.task_id}")
        assert (await get(triage, "cases?tasks=overdue"))["items"] == []
        assert 'signpost-mark">Task overdue' not in (await later.get("/cases")).text


async def test_who_is_named_for_a_restricted_case_has_its_tasks_and_who_is_not_has_no_mark(triage: Triage) -> None:
    told = misuse(found_by="monitoring")
    await open_cases(triage.database, told)
    case = await one(triage, told)
    lead = viewer(Team.SIRT, subject="S5002", lead=True)
    async with triage.database.transaction() as session:
        await cases.claim(Work(session, lead, NOW, WRITER), case.case_id, case.version)
    triage.clock.move(timedelta(hours=49))
    await look_at_clocks(triage)
    for role, subject, found in ((Role.SIRT_LEAD, "S5002", 1), (Role.SIRT_RESPONDER, "S5001", 0)):
        assert len(await codes(triage, "overdue", role, subject)) == found
        assert len((await get(triage, "cases?tasks=overdue", role, subject))["items"]) == found
    triage.by_hand.add("case_access")
    async with triage.database.transaction() as session:
        await session.execute(text("insert into case_access values (:id, 'S5001')"), {"id": case.case_id})
    assert await codes(triage, "overdue", Role.SIRT_RESPONDER, "S5001") == ["check_register"]
    assert len((await get(triage, "cases?tasks=overdue", Role.SIRT_RESPONDER, "S5001"))["items"]) == 1


async def test_cases_that_were_open_before_get_theirs_once(triage: Triage) -> None:
    started, new, before = report(), report(), replace(WRITER, follows=())
    await open_cases(triage.database, started, new)
    case = await one(triage, started)
    line = text("insert into case_changed (reader, seq, case_id) overriding system value values ('tasks', :n, :id)")
    async with triage.database.transaction() as session:
        await cases.claim(Work(session, viewer(Team.SMART), NOW, before), case.case_id, case.version)
        for number, row in enumerate(await session.scalars(select(CaseRow.case_id)), start=1):
            await session.execute(line, {"n": -number, "id": row})
    version = (await one(triage, started)).version
    for looked_at in (2, 0):
        async with triage.database.transaction() as session:
            assert await handlers.catch_up(session, NOW, writer=WRITER) == looked_at
    assert sorted(task.code for task in (await kept(triage, started)).tasks) == OF_ABUSE
    assert ((await kept(triage, new)).tasks, (await one(triage, started)).version) == ([], version)


def test_codes_of_a_kind_are_none_of_those_that_may_be_there_twice() -> None:
    assert {each.code for each in tasks_yaml.templates()}.isdisjoint({domain.BY_HAND, *domain.CODE_TITLES})
    assert {f"'{code}'" for code in (domain.BY_HAND, *domain.CODE_TITLES)} == set(re.findall("'[a-z_]*'", OF_KIND))
