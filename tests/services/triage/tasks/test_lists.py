"""The tasks of many cases: mine, the team's and those that are overdue, for the people who may see their cases."""

import html
import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from httpx import AsyncClient
from sqlalchemy import event, select, text, update

from services.triage.cases.tables import CaseRow
from services.triage.tasks import pages, queries
from services.triage.tasks.domain import TaskView
from shared.auth.permissions import Role
from shared.events.vocabulary import Team
from tests.services.triage.builders import NOW, Submitted, misuse, open_cases, report, viewer
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.plans import plans_of

API = "/cases/api/v1"
LATER = timedelta(hours=30)
_TICK = re.compile(r'<form method="post" action="(/cases/SP-[^"]+)">.+?name="version" value="(\d+)"', re.DOTALL)
"""The form of the first task of a list, and the version that it sends."""


async def case_of(triage: Triage, told: Submitted) -> CaseRow:
    async with triage.database.transaction() as session:
        return (await session.scalars(select(CaseRow).where(CaseRow.report_id == UUID(str(told.report_id))))).one()


async def add(triage: Triage, told: Submitted, title: str, *, role: Role = Role.SMART_RESPONDER, **body: str) -> None:
    case = await case_of(triage, told)
    async with triage.client() as client:
        client.headers.update({**triage.bearer(role), "If-Match": f'"{case.version}"'})
        made = await client.post(f"{API}/cases/{case.case_id}/tasks", json={"title": title, **body})
        assert made.status_code == 200, made.text


async def listed(triage: Triage, *roles: Role, subject: str = "S4001", **asked: str | int) -> dict[str, Any]:
    async with triage.client() as client:
        headers = triage.bearer(*roles or (Role.SMART_RESPONDER,), subject=subject)
        answer = await client.get(
            f"{API}/tasks", params={key: str(value) for key, value in asked.items()}, headers=headers
        )
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


def titles(page: dict[str, Any]) -> list[str]:
    """Return the titles of the tasks that people described."""
    return [one["title"] for one in page["items"] if not one["code"]]


@pytest.fixture
async def work(triage: Triage, sam: AsyncClient) -> tuple[Submitted, Submitted]:
    """A case that Sam has and one that no one has, with tasks of the SMART team, and one of the triage desk."""
    mine, free, desk = report(), report(), misuse()
    await open_cases(triage.database, mine, free, desk)
    await press(sam, f"/cases/{mine.reference}", f"/cases/{mine.reference}/claim")
    await add(triage, mine, "For who has it", due_at=(NOW + 2 * LATER).isoformat())
    await add(triage, mine, "For Aisha", assignee="S4002", due_at=(NOW + LATER / 2).isoformat())
    await add(triage, free, "For Sam", assignee="s4001", due_at=(NOW + LATER / 3).isoformat())
    await add(triage, free, "At some time", assignee="S4001")
    await add(triage, free, "For who takes it")
    await add(triage, desk, "Of the desk", role=Role.TRIAGE_DESK, assignee="S4001")
    return mine, free


async def test_tasks_are_listed_soonest_first_for_those_who_may_see_their_cases(
    triage: Triage, work: tuple[Submitted, Submitted]
) -> None:
    assert titles(await listed(triage)) == ["For Sam", "For who has it", "At some time"]
    team = ["For Sam", "For Aisha", "For who has it", "At some time", "For who takes it"]
    assert titles(await listed(triage, view="team")) == team
    assert titles(await listed(triage, subject="S4002")) == ["For Aisha"]
    assert titles(await listed(triage, view="overdue")) == []
    triage.clock.move(LATER)
    overdue = await listed(triage, view="overdue")
    assert titles(overdue) == ["For Sam", "For Aisha"]
    assert overdue["counts"] == {"mine": 5, "team": 7, "overdue": 4}, "with two of the kind"
    assert titles(await listed(triage, Role.SIRT_RESPONDER, view="team")) == []
    pages_read = [await listed(triage, view="team", limit=2)]
    while cursor := pages_read[-1]["next_cursor"]:
        pages_read.append(await listed(triage, view="team", limit=2, cursor=cursor))
    assert [title for page in pages_read for title in titles(page)] == team


async def test_a_page_goes_on_after_a_task_whose_case_is_no_longer_seen(
    triage: Triage, work: tuple[Submitted, Submitted]
) -> None:
    first = await listed(triage, view="team", limit=2)
    assert titles(first) == ["For Sam", "For Aisha"]
    triage.by_hand.add("case")
    async with triage.database.transaction() as session:
        await session.execute(update(CaseRow).values(restricted=True).where(CaseRow.reference == work[0].reference))
    later = await listed(triage, view="team", limit=1, cursor=first["next_cursor"])
    assert titles(later) == ["At some time"]
    async with triage.client() as client:
        headers = triage.bearer(Role.SMART_RESPONDER)
        for wrong in ("nonsense", "1", f"x.{work[0].report_id}", f"{10**30}.{work[0].report_id}"):
            answer = await client.get(f"{API}/tasks", params={"cursor": wrong}, headers=headers)
            assert answer.status_code == 422, wrong


async def test_the_page_ticks_tasks_off_and_comes_back_to_the_list(
    triage: Triage, sam: AsyncClient, work: tuple[Submitted, Submitted], monkeypatch: pytest.MonkeyPatch
) -> None:
    _mine, free = work
    seen = (await sam.get("/cases/tasks")).text
    assert "Offer support to the person affected" in seen
    assert (seen.count(f"/cases/{free.reference}/tasks"), "For Aisha" in seen) == (4, False)
    [task] = [one for one in (await listed(triage))["items"] if one["title"] == "For Sam"]
    tick = f"/cases/{free.reference}/tasks/{task['task_id']}?{urlencode({'from': 'list=tasks&view=overdue'})}"
    fields = {"version": str(task["version"]), "back": "yes"}
    ticked = await press(sam, "/cases/tasks", tick, **fields)
    assert ticked.headers["location"] == "/cases/tasks?view=overdue&done=task-recorded"
    stale = await press(sam, "/cases/tasks", tick, **fields)
    assert (stale.status_code, "For Sam" in (await sam.get("/cases/tasks")).text) == (409, False)
    monkeypatch.setattr(pages, "_PAGE_SIZE", 3)
    first = (await sam.get("/cases/tasks?view=team")).text
    cursor = first.partition("cursor=")[2].partition('"')[0]
    assert cursor
    later = f"/cases/tasks?view=team&cursor={cursor}"
    assert "For who has it" in (await sam.get(later)).text
    await _ticks_all_off(sam, later)
    assert "No more tasks here" in (await sam.get(later)).text


async def _ticks_all_off(client: AsyncClient, page: str) -> None:
    """Press Done at the first task of a page of the list until it has none; one stays at that page."""
    while form := _TICK.search((await client.get(page)).text):
        done = await press(client, page, html.unescape(form[1]), version=form[2], back="yes")
        assert done.headers["location"] == f"{page}&done=task-recorded"


async def test_a_task_of_a_restricted_case_is_not_read_from_a_list(triage: Triage, maria: AsyncClient) -> None:
    told = misuse(found_by="monitoring")
    await open_cases(triage.database, told)
    assert (await case_of(triage, told)).restricted
    await add(triage, told, "Ring Dana Wolf", role=Role.SIRT_LEAD)
    [task] = (await listed(triage, Role.SIRT_LEAD, view="team"))["items"]
    assert (task["reference"], task["title"]) == (str(told.reference), None)
    page = (await maria.get("/cases/tasks?view=team")).text
    assert ("Dana" in page, "A task of a restricted case" in page) == (False, True)
    leo = await listed(triage, Role.SIRT_RESPONDER, subject="S5001", view="team")
    assert (leo["items"], leo["counts"]["team"]) == ([], 0)


async def many(triage: Triage) -> None:
    """Make two thousand tasks of other people, of which one in a hundred is overdue."""
    triage.by_hand.add("task")
    async with triage.database.transaction() as session:
        await session.execute(
            text("""
insert into task (task_id, case_id, code, title, assignee, made_at, made_by, due_at, overdue, listed_for)
select gen_random_uuid(), (select case_id from "case" limit 1), '', 'Ring', 'S' || n, now(), 'S1', now(), n % 100 = 0,
  'smart' from generate_series(1, 2000) as n""")
        )
        await session.execute(text("analyze task"))


async def test_the_lists_take_few_statements_and_use_their_indexes(
    triage: Triage, sam: AsyncClient, work: tuple[Submitted, Submitted]
) -> None:
    statements: list[str] = []
    event.listen(triage.database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    for path, most in (("/cases/tasks", 12), ("/cases/tasks?view=team", 5), (f"/cases/{work[0].reference}/tasks", 11)):
        statements.clear()
        await sam.get(path)
        assert len(statements) <= most, (path, len(statements))
    sees = viewer(Team.SMART)
    await many(triage)
    [dated, *_] = await plans_of(
        triage.database, lambda session: queries.listed(session, sees, TaskView.TEAM, NOW, None, 50), without="sort"
    )
    assert "ix_task_listed" in dated, dated
    [dated, *_] = await plans_of(
        triage.database, lambda session: queries.listed(session, sees, TaskView.MINE, NOW, None, 50)
    )
    assert "ix_task_of_person" in dated, dated
