"""What a merged case adds to the figures of operations: it does not wait by itself."""

from services.triage.operations.domain import Figure
from shared.auth.permissions import Role
from tests.services.triage.builders import open_cases, report
from tests.services.triage.conftest import Triage
from tests.services.triage.merges.desk import desk
from tests.services.triage.operations.events import (
    come_to_the_same_in_any_order_and_twice,
    figures,
    hear,
    said_by_triage,
)

SERVICE = "triage"


async def test_a_merged_case_does_not_wait_by_itself(triage: Triage) -> None:
    first, second = report(), report()
    await open_cases(triage.database, first, second)
    async with triage.client() as client:
        sam = desk(triage, client, Role.SMART_RESPONDER)
        await sam.do("merge", second, into=first.reference)
        await hear(triage.database, await said_by_triage(triage.database))
        waiting = {cell: n for cell, n in (await figures(triage.database)).items() if cell.figure is Figure.WAITING}
        assert sum(waiting.values()) == 1
        await sam.do("unmerge", second)
    await come_to_the_same_in_any_order_and_twice(triage.database, await said_by_triage(triage.database), 4)
    waiting = {cell: n for cell, n in (await figures(triage.database)).items() if cell.figure is Figure.WAITING}
    assert sum(waiting.values()) == 2
