"""An email server that refuses, stalls or hangs up: every alert arrives all the same, and a repeat says so."""

from pathlib import Path

import pytest

from services.embedded.data_directory import DataDirectory
from tests.faults import extent
from tests.faults.account import assert_nothing_lost
from tests.faults.environments import opened
from tests.faults.mail_server import Manners, bad_mail_server
from tests.faults.stream import reporting

pytestmark = pytest.mark.timeout(extent.LIMIT_SECONDS)


@pytest.mark.parametrize("way", ["embedded", pytest.param("separate", marks=pytest.mark.long)])
async def test_bad_manners_of_a_mail_server_lose_no_mail(way: str, data_dir: Path) -> None:
    DataDirectory(data_dir).prepare()
    async with bad_mail_server(DataDirectory(data_dir).mail) as server:
        port = str(server.port)
        async with opened(way, data_dir, SIGNPOST_NOTIFIER_SMTP_PORT=port, FAULT_SMTP_PORT=port) as environment:
            async with reporting(environment, extent.seed()) as (stream, others):
                for manners in Manners:
                    await stream.more()
                    server.behave(manners)
                    if manners is not Manners.GOOD:
                        await server.met.wait()
                server.behave(Manners.GOOD)
            print(f"{way}, bad mail server: {await assert_nothing_lost(environment, stream, others)}")
