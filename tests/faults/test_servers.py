"""The broker and the database go down, come back, or hang; Signpost waits and then goes on."""

import asyncio
from pathlib import Path

import pytest

from tests.faults import extent
from tests.faults.account import assert_nothing_lost
from tests.faults.environments import WAYS, a_kafka, opened, separate
from tests.faults.stream import reporting
from tests.support.eventually import eventually

pytestmark = pytest.mark.timeout(extent.LIMIT_SECONDS)

TIMES = 3 if extent.LONG else 1
STANDSTILL_SECONDS = 45 if extent.LONG else 12
"""How long the broker hangs: longer than a group waits for its members, or any client for a response."""


async def test_a_broker_that_is_killed_and_comes_back_loses_nothing_and_reports_are_taken_meanwhile(
    data_dir: Path,
) -> None:
    with a_kafka(data_dir.parent / "kafka") as kafka:
        async with separate(data_dir, kafka) as environment:
            async with reporting(environment, extent.seed()) as (stream, others):
                for time in range(TIMES):
                    await stream.more()
                    kafka.kill()
                    await stream.more()
                    if time == 1:  # the others come back at once
                        await extent.lasting(STANDSTILL_SECONDS)
                    await asyncio.to_thread(kafka.start)
            print(f"broker killed {TIMES} times: {await assert_nothing_lost(environment, stream, others)}")


@pytest.mark.long
async def test_a_broker_that_stands_still_holds_events_up_and_loses_none(data_dir: Path) -> None:
    with a_kafka(data_dir.parent / "kafka") as kafka:
        async with separate(data_dir, kafka) as environment:
            async with reporting(environment, extent.seed()) as (stream, others):
                await stream.more()
                kafka.pause()
                await extent.lasting(STANDSTILL_SECONDS)
                kafka.resume()
            print(f"broker stood still: {await assert_nothing_lost(environment, stream, others)}")


@pytest.mark.parametrize("way", ["embedded", pytest.param("separate", marks=pytest.mark.long)])
async def test_a_database_that_is_killed_and_comes_back_loses_nothing(way: str, data_dir: Path) -> None:
    async with opened(way, data_dir) as environment:
        async with reporting(environment, extent.seed()) as (stream, others):
            for _ in range(TIMES):
                await stream.more()
                await environment.database_dies_and_comes_back()
                await stream.more()
        print(f"{way}, database killed {TIMES} times: {await assert_nothing_lost(environment, stream, others)}")


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
async def test_after_a_database_was_away_every_service_is_ready_again(way: str, data_dir: Path) -> None:
    async with opened(way, data_dir) as environment:
        await environment.database_dies_and_comes_back()

        async def all_ready() -> bool | None:
            prefixes = ("/report", "/cases", "/accounts", "/alerts")
            return all([await environment.is_ready(prefix) for prefix in prefixes]) or None

        await eventually(all_ready)
