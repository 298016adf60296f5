"""A record that no service can handle: an operator sees it, tries it again, and discards it with a reason."""

import re

import pytest
from playwright.async_api import expect

from services.embedded.data_directory import LOG_DATABASE, DataDirectory
from services.embedded.postmaster import socket_of_running
from shared.events import topics
from shared.messaging.log import Record
from shared.messaging.postgres.log import PostgresLog
from shared.web.dead_letters import PREFIXES
from tests.journeys.people import Join, Someone
from tests.support.embedded import EmbeddedSignpost

pytestmark = [
    pytest.mark.xdist_group("embedded"),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]
LONG_REASON = f"{'x' * 190} " + "It was sent by a program of nobody's. " * 15
KNOW_NAMES = {"triage", "registry"}
NOTHING_ANSWERED = ("Choose whether to replay or to discard it", "Say why")


async def _write_what_nobody_can_read(signpost: EmbeddedSignpost) -> None:
    """Every service reads the events of cases."""
    directory = DataDirectory(signpost.data_dir)
    socket = socket_of_running(directory)
    assert socket
    log = await PostgresLog.open(directory.database_url(LOG_DATABASE, socket))
    try:
        appender = await log.appender("somebody else")
        await appender.append([Record(topics.CASES.name, b"a case", b"{", ())])
        await appender.close()
    finally:
        await log.close()


async def test_a_dead_letter_is_tried_again_and_let_go_in_each_service(signpost: EmbeddedSignpost, join: Join) -> None:
    await _write_what_nobody_can_read(signpost)
    ruth = await join("Ruth Bell")
    await ruth.waits_for("/cases/operations", *(service.capitalize() for service in PREFIXES), "MissingHeaders")
    await ruth.looks("operations, with dead letters")
    for service, prefix in PREFIXES.items():
        await ruth.waits_for(f"{prefix}/operations/dead-letters", "MissingHeaders")
        await ruth.looks(f"dead letters of {service}")
        await ruth.main.get_by_role("cell").get_by_role("link").first.click()
        await _is_tried_again(ruth, service)
        await _is_let_go(ruth, service)
        await ruth.open(f"{prefix}/operations/dead-letters")
        await ruth.reads("No dead letters to settle")
        await ruth.open(f"{prefix}/operations/dead-letters?state=settled")
        await ruth.reads("MissingHeaders")
        await ruth.looks(f"dead letters of {service}, settled")
    await ruth.waits_for("/cases/operations", "Records that a service cannot handle appear here")


async def _is_tried_again(ruth: Someone, service: str) -> None:
    await ruth.reads("Hidden: it may hold what a person reported")
    await ruth.looks(f"a dead letter of {service}")
    await ruth.driver.press("Continue")
    await ruth.is_refused(f"a dead letter of {service}", *NOTHING_ANSWERED)
    await _asks(ruth, "Replay", "The cause is mended.")
    asked = "Replay asked for by Ruth Bell (S8001)," if service in KNOW_NAMES else "Replay asked for by S8001,"
    await ruth.waits_for(ruth.page.url, "Replayed, and failed again by Signpost", asked)


async def _is_let_go(ruth: Someone, service: str) -> None:
    await _asks(ruth, "Discard", LONG_REASON)
    await ruth.waits_for(ruth.page.url, "Discarded by Signpost", "Settled")
    await expect(ruth.page.get_by_role("button", name="Continue")).to_have_count(0)
    await ruth.looks(f"a dead letter of {service}, let go")


async def _asks(ruth: Someone, what: str, why: str) -> None:
    await ruth.page.get_by_role("radio", name=re.compile(f"^{what}")).check()
    await ruth.page.get_by_role("textbox", name="Why?").fill(why)
    await ruth.driver.press("Continue")
