"""The registry's database: migrations agree with the mappings, and constraints refuse what handlers refuse."""

import pytest
from sqlalchemy import ARRAY, Text, bindparam, text
from sqlalchemy.exc import IntegrityError

from services.registry.context.domain import same_person
from shared.db import migrations
from shared.db.database import Database
from tests.support.postgres import PostgresForTests

SERVICE = "registry"
BEFORE_ONE_FORM = "0004"
_COLUMNS = (
    "id, platform, handle, account_class, status, official_use, title, owner, approved_person, next_review_on, "
    "checks_due_on, vetting_required, declared_by, review_announced_on, version, registered_at, changed_at"
)
_ROW = {
    "platform": "'x'",
    "handle": "'some'",
    "account_class": "'official'",
    "status": "'live'",
    "official_use": "true",
    "title": "null",
    "owner": "null",
    "approved_person": "null",
    "next_review_on": "null",
    "checks_due_on": "null",
    "vetting_required": "null",
    "declared_by": "null",
    "review_announced_on": "null",
}

_TO_CONFIRM = "select handle, status, to_confirm from account"


async def insert(database: Database, **changes: str) -> None:
    values = ", ".join({**_ROW, **changes}.values())
    async with database.transaction() as session:
        await session.execute(
            text(f"insert into account ({_COLUMNS}) values (gen_random_uuid(), {values}, 1, now(), now())")  # noqa: S608 -- literals of this test
        )


async def test_migrations_say_what_the_mappings_say(postgres: PostgresForTests) -> None:
    async with postgres.fresh("registry") as url:
        await migrations.check("registry", url)


async def test_handles_of_before_are_corrected_unless_the_right_one_is_registered_too(
    postgres: PostgresForTests,
) -> None:
    handles = ["+4407700900123", "+7700900124", "+447700900125", "+4407700900125", "+15550100123", "channel/0029Va"]
    async with postgres.fresh() as url:
        await migrations.upgrade("registry", url, BEFORE_ONE_FORM)
        database = Database(url, application_name="tests")
        for handle in handles:
            await insert(database, platform="'whatsapp'", handle=f"'{handle}'")
        await insert(database, platform="'reddit'", handle="'r/u_some_one'")
        await insert(database, platform="'indeed'", handle="'https://uk.indeed.com/cmp/some-department/reviews'")
        await migrations.upgrade("registry", url)
        async with database.transaction() as session:
            kept = set(await session.scalars(text("select handle from account")))
        await database.close()
    right = {"+447700900123", "+447700900124", "+447700900125", "+15550100123", "channel/0029Va"}
    assert kept == right | {"+4407700900125", "u/some_one", "cmp/some-department"}


@pytest.mark.policy("S7")
async def test_accounts_that_are_live_stay_live_and_declared_ones_are_to_confirm(postgres: PostgresForTests) -> None:
    async with postgres.fresh() as url:
        await migrations.upgrade("registry", url, "0005")
        database = Database(url, application_name="tests")
        declared = {"status": "'legacy'", "checks_due_on": "'2026-12-31'", "declared_by": "'S1001'"}
        await insert(database, handle="'live'")
        await insert(database, handle="'frozen'", status="'frozen'")
        await insert(database, handle="'legacy'", status="'legacy'", checks_due_on="'2026-12-31'")
        await insert(database, handle="'declared'", **declared)
        await migrations.upgrade("registry", url)
        async with database.transaction() as session:
            found = {handle: (status, waits) for handle, status, waits in await session.execute(text(_TO_CONFIRM))}
        await database.close()
    assert found == {
        "live": ("live", False),
        "frozen": ("frozen", False),
        "legacy": ("legacy", False),
        "declared": ("legacy", True),
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"account_class": "'union'", "official_use": "false"},
        {"account_class": "'professional_individual'", "approved_person": "'S1'"},
        {"account_class": "'linkedin'", "platform": "'linkedin'", "official_use": "false"},
        {"status": "'legacy'", "checks_due_on": "'2026-12-31'"},
    ],
)
async def test_what_fits_is_taken(database: Database, changes: dict[str, str]) -> None:
    await insert(database, **changes)


@pytest.mark.policy("S4")
@pytest.mark.policy("S9")
async def test_the_database_refuses_one_handle_under_two_purposes(database: Database) -> None:
    await insert(database)
    with pytest.raises(IntegrityError, match="uq_account_live_handle"):
        await insert(database, account_class="'union'", official_use="false")
    await insert(database, status="'closed'")
    await insert(database, platform="'instagram'")


@pytest.mark.policy("C-j")
@pytest.mark.parametrize(
    "kept",
    [
        {"title": "'Branch'"},
        {"owner": "'S1'"},
        {"approved_person": "'S1'"},
        {"next_review_on": "'2026-12-31'"},
        {"checks_due_on": "'2026-12-31'"},
        {"vetting_required": "'sc'"},
        {"declared_by": "'S1'"},
        {"review_announced_on": "'2026-12-31'"},
        {"status": "'frozen'"},
        {"official_use": "true"},
    ],
)
async def test_the_database_keeps_platform_and_handle_of_a_union_account_only(
    database: Database, kept: dict[str, str]
) -> None:
    with pytest.raises(IntegrityError, match="ck_account"):
        await insert(database, **{"account_class": "'union'", "official_use": "false", **kept})


@pytest.mark.policy("D-personal")
async def test_the_database_has_no_class_for_personal_accounts(database: Database) -> None:
    with pytest.raises(IntegrityError, match="ck_account_class"):
        await insert(database, account_class="'personal'")


@pytest.mark.parametrize(
    ("changes", "constraint"),
    [
        ({"account_class": "'professional_individual'"}, "approved_person"),
        ({"account_class": "'linkedin'"}, "linkedin_is_on_linkedin"),
        ({"status": "'legacy'"}, "legacy_has_a_date"),
        ({"official_use": "false"}, "use_fits_class"),
        ({"handle": "''"}, "named"),
        ({"status": "'asleep'"}, "status"),
        ({"vetting_required": "'some'"}, "vetting"),
    ],
)
async def test_the_database_refuses_what_the_domain_refuses(
    database: Database, changes: dict[str, str], constraint: str
) -> None:
    with pytest.raises(IntegrityError, match=f"ck_account_{constraint}"):
        await insert(database, **changes)


async def test_the_code_and_the_database_agree_who_is_the_same_person(database: Database) -> None:
    typed = ["S7001", "s7001", "S7002", "É1", "é1", "Groß1", "groß1", "GROSS1"]
    query = text("select one, other from unnest(:typed) one, unnest(:typed) other where lower(one) = lower(other)")
    query = query.bindparams(bindparam("typed", type_=ARRAY(Text)))
    async with database.transaction() as session:
        in_sql = {(one, other) for one, other in await session.execute(query, {"typed": typed})}
    assert {(one, other) for one in typed for other in typed if same_person(f" {one}", other)} == in_sql
