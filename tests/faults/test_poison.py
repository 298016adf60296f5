"""Bad records among good ones: the good are handled, each bad one is dead-lettered once, shown, and settled."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from shared.messaging.log import EventLog, LogUnavailable, Record
from tests.faults import extent
from tests.faults.environments import WAYS, Environment, opened
from tests.faults.poison import KINDS, good, one_in_a_hundred
from tests.support.eventually import eventually

pytestmark = pytest.mark.timeout(extent.LIMIT_SECONDS)

ROUNDS = 5 if extent.LONG else 1
READERS = {"triage": "signpost-triage", "notifier": "signpost-notifier"}
"""Service → its group, for the services that read abuse reports."""
CASES = 'select count(*) from "case" where report_id = any($1)'
FLOOD = 200
BUG = "signpost-triage"


@pytest.mark.parametrize("way", WAYS)
async def test_one_bad_record_in_a_hundred_is_dead_lettered_once_and_the_others_are_handled(
    way: str, data_dir: Path
) -> None:
    async with opened(way, data_dir) as environment, environment.log() as log:
        records = list(one_in_a_hundred(ROUNDS))
        wanted = [report_id for _, report_id in records if report_id]
        for start in range(0, len(records), 500):
            await _append(log, [record for record, _ in records[start : start + 500]])
        await _until_cases(environment, wanted)
        expected = Counter(error for _, error in KINDS.values())
        for service in READERS:
            found = await _letters_of(environment, service, len(KINDS) * ROUNDS)
            assert Counter(letter["error_class"] for letter in found) == Counter(
                {error: count * ROUNDS for error, count in expected.items()}
            )
        print(f"{way}: {len(wanted)} good records handled, {len(KINDS) * ROUNDS} bad ones dead-lettered by each reader")


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
async def test_what_a_mistake_of_ours_dead_lettered_is_replayed_after_the_mend_or_let_go_with_a_reason(
    way: str, data_dir: Path
) -> None:
    async with opened(way, data_dir) as environment, environment.log() as log:
        process = environment.process_of(BUG)
        await process.stop()
        mended, given_up = uuid4(), uuid4()
        await process.start(FAULT_BUG=f"{mended},{given_up}")
        await _append(log, [good(mended), good(given_up)])
        letters = {letter["report_id"]: letter["id"] for letter in await _letters_of(environment, "triage", 2)}
        await process.stop()
        await process.start()

        code, shown = await environment.command("dead-letters", "show", "triage", letters[str(mended)], "--json")
        assert (code, json.loads(shown)["error_class"]) == (0, "ValueError")
        code, output = await environment.command(
            "dead-letters", "replay", "triage", letters[str(mended)], "--reason", "mended"
        )
        assert code == 0, output
        await _until_cases(environment, [mended])
        code, output = await environment.command(
            "dead-letters", "discard", "triage", letters[str(given_up)], "--reason", "told by telephone"
        )
        assert code == 0, output
        assert await _letters_of(environment, "triage", 0) == []
        code, shown = await environment.command("dead-letters", "show", "triage", letters[str(given_up)], "--json")
        assert json.loads(shown)["history"][-2]["reason"] == "told by telephone"


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
async def test_past_the_limit_a_consumer_stops_says_so_and_takes_up_its_work_after_the_mend(
    way: str, data_dir: Path
) -> None:
    async with opened(way, data_dir) as environment, environment.log() as log:
        reports = [uuid4() for _ in range(FLOOD)]
        process = environment.process_of(BUG)
        await process.stop()
        await process.start(FAULT_BUG="every")
        await _append(log, [good(report_id) for report_id in reports])

        async def says_so() -> bool | None:
            async with httpx.AsyncClient() as client:
                answer = await client.get(environment.url("/cases/health/ready"))
            return (answer.status_code == 503 and "stopped itself" in answer.text) or None

        await eventually(says_so)
        await process.stop()
        await process.start()
        dead_lettered = {UUID(letter["report_id"]) for letter in await _letters(environment, "triage")}
        await _until_cases(environment, [report_id for report_id in reports if report_id not in dead_lettered])


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
async def test_a_database_that_is_away_sets_nothing_aside(way: str, data_dir: Path) -> None:
    async with opened(way, data_dir) as environment, environment.log() as log:
        reports = [uuid4() for _ in range(FLOOD)]
        for report_id in reports:
            await _append(log, [good(report_id)])
            if report_id == reports[FLOOD // 2]:
                await environment.database_dies_and_comes_back()
        await _until_cases(environment, reports)
        for service in READERS:
            assert await _letters(environment, service) == []


async def _append(log: EventLog, records: list[Record]) -> None:
    while True:
        try:
            appender = await log.appender("poison-of-the-fault-suite")
            await appender.append(records)
            await appender.close()
        except LogUnavailable:
            await asyncio.sleep(0.05)
        else:
            return


async def _until_cases(environment: Environment, reports: list[UUID]) -> None:
    """Wait until each of `reports` has a case, and check that none has two first cases."""

    async def all_there() -> bool | None:
        try:
            connection = await asyncpg.connect(environment.database_url("triage"))
        except (OSError, asyncpg.PostgresError):
            return None
        try:
            return await connection.fetchval(f"{CASES} and link_number = 1", reports) == len(reports) or None
        finally:
            await connection.close()

    await eventually(all_there)


async def _letters(environment: Environment, service: str) -> list[dict[str, str]]:
    code, output = await environment.command("dead-letters", "list", service, "--json")
    assert code == 0, output
    return [letter for letter in json.loads(output) if letter["group_name"] == READERS[service]]


async def _letters_of(environment: Environment, service: str, count: int) -> list[dict[str, str]]:
    """Wait until `service` has `count` open dead letters, and return them; their number never exceeds that."""

    async def so_many() -> list[dict[str, str]] | None:
        found = await _letters(environment, service)
        return found if len(found) == count else None

    return await eventually(so_many)
