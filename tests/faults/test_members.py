"""Several processes do the same work: groups rebalance, relays compete, and every report still counts once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from services.embedded.postmaster import socket_of_running
from tests.faults import extent
from tests.faults.account import assert_nothing_lost
from tests.faults.environments import Separate, a_kafka, separate
from tests.faults.stream import reporting
from tests.support.eventually import eventually
from tests.support.process import SignpostProcess

pytestmark = pytest.mark.timeout(extent.LIMIT_SECONDS)

FIGHTS = 10 if extent.LONG else 3
GROUP = "signpost-triage"
RELAYS_LOCK = (
    "select pid from pg_locks where locktype = 'advisory' and granted and objid = $1 "
    "and database = (select oid from pg_database where datname = current_database())"
)
LOCK = 0x5167_7265


@pytest.fixture
async def environment(data_dir: Path) -> AsyncIterator[Separate]:
    with a_kafka(data_dir.parent / "kafka") as kafka:
        async with separate(data_dir, kafka) as running:
            yield running


@pytest.mark.long
async def test_two_consumers_of_a_group_share_it_come_and_go(environment: Separate) -> None:
    async with reporting(environment, extent.seed()) as (stream, others):
        for _ in range(2):
            another = environment.another
            async with _beside(another("triage", "consumer"), another("notifier", "consumer,sweep")):
                await stream.more()
            await stream.more()
    print(f"two consumers: {await assert_nothing_lost(environment, stream, others)}")


@pytest.mark.long
async def test_a_rebalance_in_the_midst_of_a_batch_hands_it_over(environment: Separate, tmp_path: Path) -> None:
    standstill = tmp_path / "standstill"
    standstill.touch()
    async with reporting(environment, extent.seed()) as (stream, others):
        triage = environment.process_of(GROUP)
        await triage.stop()
        await triage.start(FAULT_STEP=f"{GROUP}/batch/before", FAULT_STALL=str(standstill))
        await triage.says(f"stands still at {GROUP}/batch/before")
        async with _beside(environment.another("triage", "consumer")):
            try:
                await _until_shared_by(2, environment)
            finally:
                standstill.unlink()
            await triage.says("batch_fenced")
            await stream.more()
    print(f"rebalance in a batch: {await assert_nothing_lost(environment, stream, others)}")


@pytest.mark.long
async def test_two_relays_that_take_the_lead_from_one_another_publish_everything(environment: Separate) -> None:
    others_of_their_kind = _beside(environment.another("intake", "relay"), environment.another("notifier", "relay"))
    async with reporting(environment, extent.seed()) as (stream, others), others_of_their_kind:
        for _ in range(FIGHTS):
            await stream.more()
            await _unseat(environment, "intake")
            await _unseat(environment, "notifier")
    print(f"relays unseated {FIGHTS} times: {await assert_nothing_lost(environment, stream, others)}")


@asynccontextmanager
async def _beside(*more: SignpostProcess) -> AsyncIterator[None]:
    await asyncio.gather(*(process.start() for process in more))
    try:
        yield
    finally:
        await asyncio.gather(*(process.stop() for process in more))


async def _until_shared_by(members: int, environment: Separate) -> None:
    """Wait until the group has `members` members and each partition a reader: the batch in hand was given up."""
    admin = AIOKafkaAdminClient(bootstrap_servers=environment.kafka.servers)
    await admin.start()

    async def is_shared() -> bool | None:
        (answer,) = await admin.describe_consumer_groups([GROUP])
        ((_, _, state, _, _, found, *_),) = answer.groups
        return (state == "Stable" and len(found) == members) or None

    try:
        await eventually(is_shared)
    finally:
        await admin.close()


async def _unseat(environment: Separate, service: str) -> None:
    """Wait until one relay is the leader, and take its lock, and so the lead, away."""
    socket = socket_of_running(environment.directory)
    connection = await asyncpg.connect(host=str(socket), user="postgres", database=service)

    async def leads() -> int | None:
        pid: int | None = await connection.fetchval(RELAYS_LOCK, LOCK)
        return pid

    try:
        await connection.execute("select pg_terminate_backend($1)", await eventually(leads))
    finally:
        await connection.close()
