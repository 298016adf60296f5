"""The clock is set forward by days and back by an hour while reports come in."""

from pathlib import Path

import pytest

from tests.faults import extent
from tests.faults.account import assert_nothing_lost
from tests.faults.environments import WAYS, opened
from tests.faults.stream import reporting

pytestmark = pytest.mark.timeout(extent.LIMIT_SECONDS)

HOUR = 3_600
STEPS = (2 * 24 * HOUR, -HOUR, 0)
"""Numbers of seconds by which the clock is wrong, one after the other."""


@pytest.mark.long
@pytest.mark.parametrize("way", WAYS)
async def test_a_clock_that_is_set_loses_nothing(way: str, data_dir: Path) -> None:
    clock = data_dir.parent / "clock"
    clock.write_text("0")
    async with opened(way, data_dir, FAULT_CLOCK=str(clock)) as environment:
        async with reporting(environment, extent.seed()) as (stream, others):
            for seconds in STEPS:
                await stream.more()
                scratch = clock.with_suffix(".new")
                scratch.write_text(str(seconds))
                scratch.rename(clock)
            await stream.more()
        print(f"{way}, clock set {len(STEPS)} times: {await assert_nothing_lost(environment, stream, others)}")
