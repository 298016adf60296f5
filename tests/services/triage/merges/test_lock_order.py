"""Whoever changes cases locks them, and all that they are merged with, in one order: no two wait for each other."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import pytest
from sqlalchemy import text

from services.triage.bulk import handlers as bulk
from services.triage.bulk.domain import Action, Order
from services.triage.bulk.refusals import NAMES
from services.triage.campaigns import handlers as campaigns
from services.triage.cases import handlers as cases
from services.triage.cases.access import Viewer
from services.triage.cases.handlers import Work
from services.triage.merges import handlers as merges
from shared.events.vocabulary import Team
from tests.services.triage.builders import WRITER, open_cases, report, viewer
from tests.services.triage.conftest import Triage

SAM: Viewer = viewer(Team.SMART, lead=True)
Ids = Sequence[UUID]


async def _in_bulk(work: Work, order: Order, *chosen: UUID, version: int) -> UUID:
    bulk_id = await bulk.choose(work, order.action, dict.fromkeys(chosen, version))
    await bulk.carry_out(work, bulk_id, order, NAMES)
    return bulk_id


async def _merge_many(work: Work, ids: Ids) -> None:
    await _in_bulk(work, Order(Action.MERGE, into=str(ids[2])), ids[3], version=1)


ACTS: dict[str, tuple[int, int, Callable[[Work, Ids], Awaitable[object]]]] = {
    "message": (0, 1, lambda work, ids: cases.add_note(work, ids[1], 2, "We are looking at it", shared=True)),
    "transfer": (0, 1, lambda work, ids: cases.transfer(work, ids[1], 2, Team.SIRT, "Theirs")),
    "note about the merged one": (0, 1, lambda work, ids: cases.add_note(work, ids[0], 2, "Mine", shared=False)),
    "unmerge": (0, 1, lambda work, ids: merges.unmerge(work, ids[0], 2)),
    "messages": (0, 1, lambda work, ids: _in_bulk(work, Order(Action.MESSAGE, text="Hello"), ids[1], version=2)),
    "merges": (2, 3, _merge_many),
    "campaign": (0, 1, lambda work, ids: campaigns.make(work, [ids[1]], "Of one case")),
}
"""What is done, with the case that another one holds meanwhile, and the newer one that is not locked before it."""


async def _waits(triage: Triage, act: asyncio.Task[None]) -> None:
    """Return once a transaction waits for a lock."""
    while not act.done():
        async with triage.database.transaction() as session:
            if await session.scalar(text("select count(*) from pg_locks where not granted")):
                return
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", ACTS)
async def test_the_older_case_is_locked_before_the_newer_one_that_it_is_merged_into(triage: Triage, name: str) -> None:
    older, newer, do = ACTS[name]
    await open_cases(triage.database, *(report() for _ in range(4)))
    async with triage.database.transaction() as session:
        ids = [row[0] for row in await session.execute(text('select case_id from "case" order by case_id'))]
        await merges.merge(Work(session, SAM, triage.clock.now(), WRITER), ids[0], 1, str(ids[1]), None)

    async def act() -> None:
        async with triage.database.transaction() as session:
            await do(Work(session, SAM, triage.clock.now(), WRITER), ids)

    one = text('select case_id from "case" where case_id = :id for no key update skip locked')
    async with triage.database.transaction() as reply:
        await reply.execute(one, {"id": ids[older]})
        acting = asyncio.create_task(act())
        await _waits(triage, acting)
        assert not acting.done()
        free = await reply.scalar(one, {"id": ids[newer]})
    await acting
    assert free == ids[newer]
