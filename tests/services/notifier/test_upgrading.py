"""Every revision upgrades the data that the one before left, and can be downgraded."""

from collections.abc import Sequence

import pytest
from alembic import command
from sqlalchemy import text

from shared.db import migrations
from shared.db.database import Database
from tests.support.postgres import PostgresForTests

_ALERT = (
    "insert into alert (alert_id, report_id, reference, event_id, channel, recipient_key, recipient_email, chain, "
    "reason, urgency, state, created_at) values (gen_random_uuid(), gen_random_uuid(), 'SP-0000-0000', "
    "gen_random_uuid()::text, 'email', 'a@example.org', 'a@example.org', '[]', '{}', 'normal', 'sent', now())"
)
_DECISION = (
    "insert into decision (alert_id, report_id, purpose, reason, anybody, decided_at) "
    "values (gen_random_uuid(), gen_random_uuid(), 'abuse_reported', 'reporters_manager', true, now())"
)
_NEWER = (
    "insert into alert (alert_id, reference, event_id, channel, recipient_key, recipient_email, chain, reason, "
    "urgency, state, created_at, purpose, standing, page) values (gen_random_uuid(), 'x', 'y', 'email', "
    "'a@example.org', 'a@example.org', '[]', 'account_owner', 'low', 'sent', now(), 'review_due', 'owner', '/')"
)
STANDINGS = {
    "reporters_manager": "manager",
    "named_on_report": "named",
    "someone_else_chosen": "chosen",
    "fallback_no_manager_known": "desk",
    "conflicted_next_up": "next_up",
}


@pytest.mark.parametrize("backwards", [False, True])
async def test_alerts_of_before_are_kept(postgres: PostgresForTests, backwards: bool) -> None:
    async with postgres.fresh() as url:
        await migrations.upgrade("notifier", url, "0001")
        await _run(url, [_DECISION, *(_ALERT.format(reason) for reason in sorted(STANDINGS))])
        await migrations.upgrade("notifier", url)
        assert await _rows(url, "select distinct purpose, page from alert") == [("abuse_reported", "")]
        assert sorted(await _rows(url, "select reason, standing from alert")) == sorted(STANDINGS.items())
        if backwards:
            await _run(url, [_NEWER])
            await migrations._run(
                url, lambda connection: command.downgrade(migrations._config("notifier", connection), "0001")
            )
            assert await _rows(url, "select count(*) from alert") == [(len(STANDINGS),)]
            await migrations.upgrade("notifier", url)
        await migrations.check("notifier", url)


_PERSON = (
    "insert into staff (staff_id, name, email, organisation, imported_at) values "
    "('{0}', '{1}', '{1}@example.org', '', '{2}')"
)
_LINE = (
    "insert into reporting_line (staff_number, manager_number, period) select a.number, b.number, '[2026-01-01,)' "
    "from staff a, staff b where a.staff_id = '{}' and b.staff_id = '{}'"
)


async def test_two_spellings_of_one_staff_id_become_the_person_who_was_imported_last(
    postgres: PostgresForTests,
) -> None:
    people = [("s1", "old", "2026-01-01"), ("S1", "ann", "2026-02-01"), ("S2", "bob", "2026-01-01")]
    lines = [("S2", "s1"), ("s1", "S1"), ("S1", "s1")]
    async with postgres.fresh() as url:
        await migrations.upgrade("notifier", url, "0003")
        await _run(url, [_PERSON.format(*person) for person in people] + [_LINE.format(*line) for line in lines])
        await migrations.upgrade("notifier", url)
        assert await _rows(url, "select staff_id, name from staff order by 1") == [("S1", "ann"), ("S2", "bob")]
        managed = "select a.staff_id, b.staff_id from reporting_line join staff a on a.number = staff_number "
        assert await _rows(url, managed + "join staff b on b.number = manager_number") == [("S2", "S1")]
        await migrations._run(
            url, lambda connection: command.downgrade(migrations._config("notifier", connection), "0003")
        )
        await migrations.upgrade("notifier", url)
        await migrations.check("notifier", url)


async def _run(url: str, statements: Sequence[str]) -> None:
    database = Database(url, application_name="tests")
    async with database.transaction() as session:
        for statement in statements:
            await session.execute(text(statement))
    await database.close()


async def _rows(url: str, query: str) -> list[tuple[object, ...]]:
    database = Database(url, application_name="tests")
    async with database.transaction() as session:
        rows = [tuple(row) for row in await session.execute(text(query))]
    await database.close()
    return rows
