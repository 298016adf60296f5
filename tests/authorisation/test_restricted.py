"""A person named in a restricted case sees nothing of it: lists and figures are the same as without the case."""

import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio

from shared.auth.permissions import Role
from tests.authorisation.table import roles
from tests.authorisation.world import GRACE, MARGARET, OPEN, RESTRICTED, World, opened
from tests.support.postgres import PostgresForTests

pytestmark = pytest.mark.xdist_group("restricted")  # one world, looked at once
LISTS = (
    "/cases",
    "/cases?q=happened",
    "/cases/arrivals",
    "/cases/api/v1/cases",
    "/cases/api/v1/cases?q=happened",
    "/cases/api/v1/cases?team=line_manager",
    "/cases/operations",
    "/cases/api/v1/operations",
    "/cases/operations/queues.csv",
    "/cases/rules",
    "/alerts/my-team",
    "/accounts/waiting",
)
TELLING = ("/cases", "/cases/api/v1/cases", "/cases/operations")
WHO = sorted(role for role in roles("responders, operations, reporter") if role)
_CHANGING = re.compile(r'name="csrftoken" value="[^"]*"|"trace_id":"[^"]*"')


class Seen:
    """What a person sees, in each role and on each list, before and after the restricted cases exist."""

    def __init__(self) -> None:
        self.before: Mapping[tuple[Role, str, str], str] = {}
        self.after: Mapping[tuple[Role, str, str], str] = {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: PostgresForTests, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with opened(postgres, Path(tmp_path_factory.mktemp("keys"))) as built:
        await built.add(OPEN)
        yield built


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(world: World) -> Seen:
    found = Seen()
    found.before = await _look(world)
    await world.add(RESTRICTED)
    found.after = await _look(world)
    return found


async def _look(world: World) -> Mapping[tuple[Role, str, str], str]:
    looked: dict[tuple[Role, str, str], str] = {}
    async with world.client() as client:
        for role in WHO:
            for who in (GRACE, MARGARET):
                for address in LISTS if who == GRACE else TELLING:
                    answer = await client.get(address, headers={"accept": "text/html", **world.bearer(role, who)})
                    looked[role, who, address] = f"{answer.status_code} {_CHANGING.sub('', answer.text)}"
    return looked


@pytest.mark.asyncio(loop_scope="module")
async def test_no_list_and_no_figure_tells_whoever_a_restricted_case_names(seen: Seen) -> None:
    told = [
        f"{address} as {role}"
        for (role, who, address), shown in seen.after.items()
        if who == GRACE and shown != seen.before[role, who, address]
    ]
    assert told == []


@pytest.mark.asyncio(loop_scope="module")
async def test_the_same_lists_do_tell_others(seen: Seen) -> None:
    """Otherwise the test before could not fail."""
    told = {
        (role, address)
        for (role, who, address), shown in seen.after.items()
        if who == MARGARET and shown != seen.before[role, who, address]
    }
    assert {(Role.SMART_RESPONDER, "/cases"), (Role.SIRT_LEAD, "/cases"), (Role.TRIAGE_DESK, "/cases")} <= told
    assert {(Role.SMART_LEAD, "/cases/api/v1/cases"), (Role.SMART_LEAD, "/cases/operations")} <= told


@pytest.mark.asyncio(loop_scope="module")
async def test_a_restricted_report_is_no_case_for_whom_it_names(world: World, seen: Seen) -> None:
    del seen
    assert await _told_by(world, "/cases/api/v1/cases?report_id=") == []


@pytest.mark.asyncio(loop_scope="module")
async def test_a_restricted_report_is_in_nobodys_alerts_for_whom_it_names(world: World, seen: Seen) -> None:
    del seen
    assert await _told_by(world, "/alerts/api/v1/alerts?report_id=") == []


async def _told_by(world: World, address: str) -> list[str]:
    """Return the restricted reports, and roles, whose response differs from that for a report that does not exist."""
    told = []
    async with world.client() as client:
        for role in WHO:
            headers = {"accept": "application/json", **world.bearer(role)}
            nowhere = await client.get(f"{address}{uuid4()}", headers=headers)
            for name in sorted(RESTRICTED):
                here = await client.get(f"{address}{world.report_ids[name]}", headers=headers)
                if _CHANGING.sub("", here.text) != _CHANGING.sub("", nowhere.text):
                    told.append(f"{name} as {role}")
    return told
