"""The migrations agree with the mappings."""

from sqlalchemy import text

from shared.db import migrations
from shared.db.database import Database
from shared.ids import RandomIds
from tests.support.postgres import PostgresForTests


async def test_migrations_and_mappings_agree(postgres: PostgresForTests) -> None:
    async with postgres.fresh("triage") as url:
        await migrations.check("triage", url)


BEFORE_ONE_FORM = "0005"
"""The revision before handles that were read into two forms got one."""


async def test_handles_of_before_are_corrected_so_that_repeats_are_counted(postgres: PostgresForTests) -> None:
    both, one = RandomIds().uuid(), RandomIds().uuid()
    wrong, right = "whatsapp:+4407700900123", "whatsapp:+447700900123"
    async with postgres.fresh() as url:
        await migrations.upgrade("triage", url, BEFORE_ONE_FORM)
        database = Database(url, application_name="tests")
        async with database.transaction() as session:
            # The rows that these belong to do not matter here.
            await session.execute(text("set local session_replication_role = replica"))
            for report, account in ((both, wrong), (both, right), (one, wrong), (one, "reddit:r/u_some_one")):
                values = {"report": report, "account": account, "key": f"account:{account}"}
                await session.execute(text("insert into named_account values (:report, :account, now())"), values)
                await session.execute(text("insert into named_subject values (:report, :key, now())"), values)
        await migrations.upgrade("triage", url)
        async with database.transaction() as session:
            accounts = set((await session.execute(text("select report_id, account from named_account"))).all())
            keys = set((await session.execute(text("select report_id, key from named_subject"))).all())
        await database.close()
    assert accounts == {(both, right), (one, right), (one, "reddit:u/some_one")}
    assert keys == {(report, f"account:{account}") for report, account in accounts}
