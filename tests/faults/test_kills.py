"""SIGKILL at every step of intake, relays, consumers and delivery, under load, in both environments."""

from pathlib import Path

import pytest

from tests.faults import extent
from tests.faults.account import assert_nothing_lost
from tests.faults.environments import WAYS, opened
from tests.faults.steps import STEPS
from tests.faults.stream import reporting

pytestmark = [pytest.mark.timeout(extent.LIMIT_SECONDS), pytest.mark.policy("S3")]


@pytest.mark.parametrize("way", WAYS)
async def test_signpost_dies_at_every_step_and_loses_nothing(way: str, data_dir: Path) -> None:
    run = extent.seed()
    steps = extent.chosen(STEPS, run)
    async with opened(way, data_dir) as environment:
        async with reporting(environment, run) as (stream, others):
            await environment.die_at_each(steps)
        print(f"{way}, {len(steps)} deaths: {await assert_nothing_lost(environment, stream, others)}")
