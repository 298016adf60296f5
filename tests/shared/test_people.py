"""Services that show people know their names from the directory's events, whatever the order and spelling."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.db.database import Database
from shared.events.envelope import Envelope
from shared.events.notifier import StaffListed
from shared.people import names_of, project_people
from tests.support.people import listing

SERVICE = "triage"
NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


OLD = listing(NOW, S1="Ann Lee", S2="Bob Ray")
NEW = listing(NOW + timedelta(minutes=1), s1="Ann Fox")


@pytest.mark.parametrize("batches", [[[OLD], [NEW]], [[NEW], [OLD]], [[OLD, NEW]], [[NEW, OLD]], [[OLD, NEW], [OLD]]])
async def test_the_newest_name_stays_in_whatever_order_imports_arrive(
    database: Database, batches: list[list[Envelope[StaffListed]]]
) -> None:
    async with database.transaction() as session:
        for batch in batches:
            await project_people(session, batch, NOW)
        names = await names_of(session, ["S1", " s2", "S9", None])
        nobody = await names_of(session, [None])
    assert (names("S1"), names("s2"), names("S9"), names(None)) == ("Ann Fox (S1)", "Bob Ray (s2)", "S9", "")
    assert (names.of("s1"), names.of("S9"), nobody("S1")) == ("Ann Fox", None, "S1")
