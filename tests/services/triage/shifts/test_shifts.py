"""The change of shifts: the page for the people, and the event for the email."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text

from services.triage.cases import handlers, lists
from services.triage.cases.handlers import Work
from services.triage.shifts import pages
from services.triage.shifts.domain import last_change
from services.triage.shifts.handlers import announce
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events import codec
from shared.events.triage import ShiftChanged
from shared.events.vocabulary import Team
from shared.messaging.outbox import Outbox
from tests.services.triage.builders import IDS, NOW, WRITER, CaseFilter, listed, misuse, open_cases, report, viewer
from tests.services.triage.conftest import Triage

SERVICE = "triage"
SAM = viewer(Team.SMART)
LONG = "They were rung, and are safe. " * 100
TIMES = (time(8), time(16))


@pytest.mark.parametrize(
    ("now", "began"),
    [
        (datetime(2026, 11, 23, 7, 59, tzinfo=UTC), datetime(2026, 11, 22, 16, tzinfo=UTC)),
        (datetime(2026, 11, 23, 8, 0, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC)),
        (datetime(2026, 7, 1, 7, 30, tzinfo=UTC), datetime(2026, 7, 1, 7, tzinfo=UTC)),  # 8am in British Summer Time
        (datetime(2026, 10, 25, 7, 30, tzinfo=UTC), datetime(2026, 10, 24, 15, tzinfo=UTC)),  # clocks went back at 1am
    ],
)
def test_a_shift_begins_by_uk_clocks(now: datetime, began: datetime) -> None:
    assert last_change(now, TIMES) == began
    assert last_change(now, ()) is None


async def told(database: Database) -> list[tuple[str, datetime, int, int]]:
    async with database.transaction() as session:
        values = await session.scalars(
            text("select value from outbox where type = :kind order by id"), {"kind": ShiftChanged.TYPE}
        )
        events = [codec.read(value, ShiftChanged) for value in values]
    return [(one.team, one.began_at, one.urgent, one.due_soon) for one in events if one.urgent or one.due_soon]


async def begin(database: Database, now: datetime, times: tuple[time, ...] = TIMES) -> None:
    async with database.transaction() as session:
        await announce(session, now, times=times, outbox=Outbox("triage", IDS))


async def test_each_change_is_announced_once_without_what_is_kept_from_someone(database: Database) -> None:
    threat, hidden = report(behaviours=("threat",)), report(behaviours=("threat",))
    await open_cases(database, threat, hidden, report(), misuse())
    async with database.transaction() as session:
        await session.execute(
            text("""update "case" set kept_from = '{staff:s1}' where report_id = :id"""), {"id": hidden.report_id}
        )
    morning, evening = NOW.replace(hour=8, minute=0), NOW.replace(hour=16, minute=0)
    await begin(database, NOW, times=())
    assert await told(database) == []
    for minutes in (0, 1, 30):
        await begin(database, evening - timedelta(minutes=31) + timedelta(minutes=minutes))
    for minutes in (0, 1):
        await begin(database, evening + timedelta(minutes=minutes))
    assert await told(database) == [("smart", morning, 1, 1), ("smart", evening, 1, 1)]


async def test_the_page_has_the_last_note_of_what_is_urgent_or_due_soon(triage: Triage) -> None:
    threat, soon = report(behaviours=("threat",)), report()
    await open_cases(triage.database, threat, soon)
    async with triage.database.transaction() as session:
        [case] = [one for one in await listed(session, SAM, CaseFilter(), 9) if one.priority in lists.URGENT]
        for number, said in enumerate(("Rung them.", f"{LONG}<b>")):
            work = Work(session, SAM, NOW + timedelta(minutes=number), WRITER)
            case = await handlers.add_note(work, case.case_id, case.version, said, shared=False)
    async with triage.client(Role.SMART_RESPONDER) as sam:
        page = (await sam.get("/cases/shift")).text
        await restrict(triage, case.case_id)
        hidden = (await sam.get("/cases/shift")).text
    async with triage.client(Role.SIRT_RESPONDER, subject="S5001") as leo:
        other = (await leo.get("/cases/shift")).text
    assert page.index(threat.reference) < page.index("Also due in the next 4 hours") < page.index(soon.reference)
    assert "They were rung, and are safe." in page
    assert "&lt;b&gt;" in page
    assert "Rung them." not in page
    assert "They were rung" not in hidden
    assert threat.reference not in hidden
    assert "No P1 or P2 is open" in other
    assert "Nothing else is due in the next 4 hours" in other


async def test_neither_list_is_cut_by_the_other_and_p1_comes_before_p2(
    triage: Triage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST", 1)
    grave, urgent, late = report(behaviours=("threat",)), report(behaviours=("threat",)), [report(), report()]
    await open_cases(triage.database, urgent, grave, *late)
    triage.by_hand.add("case")
    async with triage.database.transaction() as session:
        no_clock = "update \"case\" set due_at = null, priority = 'P1' where report_id = :id"
        await session.execute(text(no_clock), {"id": grave.report_id})
    async with triage.client(Role.SMART_RESPONDER) as sam:
        some = (await sam.get("/cases/shift")).text
        monkeypatch.setattr(pages, "MOST", 2)
        whole = (await sam.get("/cases/shift")).text
    assert (grave.reference in some, urgent.reference in some) == (True, False)  # though its clock is paused
    assert sum(one.reference in some for one in late) == 1
    assert some.count("There are more.") == 2
    assert whole.index(grave.reference) < whole.index(urgent.reference) < whole.index(late[0].reference)
    assert "There are more." not in whole


async def restrict(triage: Triage, case_id: UUID) -> None:
    triage.by_hand.add("case")
    async with triage.database.transaction() as session:
        await session.execute(text('update "case" set restricted = true where case_id = :id'), {"id": case_id})
