"""What cannot be put back, or not to whom it was, and actions that cannot go on: they stop no other."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
from httpx import AsyncClient
from sqlalchemy import select, update

from services.triage.bulk import domain
from services.triage.bulk.tables import BulkItem, BulkRow
from services.triage.cases.tables import CaseRow
from shared.auth.permissions import Role
from tests.services.triage.bulk.test_api import BULK, CASES, do, now_there, opened, problems, sweep
from tests.services.triage.conftest import Triage

SERVICE = "triage"


@pytest.fixture
async def client(triage: Triage) -> AsyncIterator[AsyncClient]:
    """A SMART responder's script."""
    async with triage.client() as script:
        script.headers.update(triage.bearer(Role.SMART_RESPONDER))
        yield script


@pytest.mark.parametrize("action", ["assign", "resolve"])
async def test_a_case_is_put_back_to_no_one_whom_it_is_now_kept_from(
    triage: Triage, client: AsyncClient, action: str
) -> None:
    await do(client, "claim", await opened(triage, 1))
    async with triage.client() as lead:
        lead.headers.update(triage.bearer(Role.SMART_LEAD, subject="S4002"))
        done = await do(lead, action, await now_there(triage), **({"assignee": "S4003"} if action == "assign" else {}))
        assert problems(done) == [""]
        [(case, _)] = await now_there(triage)
        assert (await client.post(f"{CASES}/{case}/conflict")).status_code == 204
        assert problems(await lead.post(f"{BULK}/{done.json()['bulk_id']}/undo", json={})) == [""]
    async with triage.database.transaction() as session:
        row = (await session.scalars(select(CaseRow))).one()
        assert (row.assignee, row.last_had_by, row.state, row.outcome) == (None, None, "new", None)


async def test_a_case_that_cannot_be_put_back_stops_no_other(
    triage: Triage, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = await opened(triage, 2)
    done = await do(client, "claim", chosen)
    async with triage.database.transaction() as session:
        of_first = update(BulkItem).where(BulkItem.case_id == UUID(chosen[0][0]))
        await session.execute(of_first.values(before={"state": "no_such_state"}))
    monkeypatch.setattr(domain, "AT_ONCE", 1)
    await client.post(f"{BULK}/{done.json()['bulk_id']}/undo", json={})
    await sweep(triage)
    assert problems(await client.post(f"{BULK}/{done.json()['bulk_id']}/undo", json={})) == ["failed", ""]
    assert [version for _, version in await now_there(triage)] == [2, 3]


@pytest.mark.parametrize("undo", [False, True])
async def test_an_action_that_cannot_be_read_any_more_ends_and_stops_no_other(
    triage: Triage, client: AsyncClient, monkeypatch: pytest.MonkeyPatch, *, undo: bool
) -> None:
    chosen = await opened(triage, 4)
    monkeypatch.setattr(domain, "AT_ONCE", 2 if undo else 1)
    first, second = [(await do(client, "claim", some)).json()["bulk_id"] for some in (chosen[:2], chosen[2:])]
    if undo:
        monkeypatch.setattr(domain, "AT_ONCE", 1)
        for bulk_id in (first, second):
            await client.post(f"{BULK}/{bulk_id}/undo", json={})
    async with triage.database.transaction() as session:
        await session.execute(update(BulkRow).where(BulkRow.bulk_id == UUID(first)).values(viewer={}))
    while await sweep(triage):
        pass
    answers = [(await client.get(f"{BULK}/{bulk_id}")).json() for bulk_id in (first, second)]
    assert [one["state"] for one in answers] == ["undone" if undo else "done"] * 2
    results = [[one["ok"] for one in (answer["undone"] if undo else answer["results"])] for answer in answers]
    assert results == [[False, False], [True, True]]
