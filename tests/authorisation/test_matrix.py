"""Every route × every role × (own, other's, restricted) against one table."""

import asyncio
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from shared.auth.permissions import Role
from tests.authorisation import table
from tests.authorisation.asking import Answer, ask, without_frame
from tests.authorisation.routes import names_of
from tests.authorisation.table import EVERYBODY, Row
from tests.authorisation.world import OPEN, RESTRICTED, World, opened
from tests.support.postgres import PostgresForTests

TABLE = table.load()
ABSENT = "0190c6f0-0000-7000-8000-000000000000"
_PART = re.compile(r"{(\w+)(?::\w+)?}")
_ENDLESS = 0.3
"""Seconds after which an answer that goes on for ever was given; a refusal takes a hundredth of that."""
SERVICES = ("intake", "notifier", "registry", "triage")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: PostgresForTests, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with opened(postgres, Path(tmp_path_factory.mktemp("keys"))) as built:
        await built.add({**OPEN, **RESTRICTED})
        built.rolled_back()
        for service in built.services.values():
            without_frame(service.app)
        yield built


@pytest.mark.asyncio(loop_scope="module")
async def test_every_route_has_a_row_and_every_row_a_route(world: World) -> None:
    routes = {name for service in world.services.values() for name in names_of(service.app)}
    assert sorted(routes - set(TABLE)) == [], "python -m tests.authorisation.routes writes the rows that are missing"
    assert sorted(set(TABLE) - routes) == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("service", SERVICES)
async def test_everybody_may_what_the_table_says_and_nothing_else(world: World, service: str) -> None:
    routes = set(names_of(world.services[service].app))
    wrong: dict[str, list[str]] = defaultdict(list)
    for name in sorted(routes & set(TABLE)):
        for said in await _differences(world, TABLE[name]):
            wrong[name].append(said)
    assert dict(wrong) == {}


async def _differences(world: World, row: Row) -> Sequence[str]:
    """Return where a route does otherwise than its row says."""
    found = []
    for kind, role, expected in _cases(row):
        try:
            async with asyncio.timeout(_ENDLESS if row.endless else None):
                got = _outcome(await _ask(world, row, kind, role))
        except TimeoutError:
            got = "allowed"
        if got not in expected.split("|"):
            found.append(f"{role or 'nobody'} on {kind or 'it'}: {got}, not {expected}")
    return found


def _cases(row: Row) -> Iterator[tuple[str, Role | None, str]]:
    for role in EVERYBODY:
        kinds = row.objects or {"": row.may}
        if role not in row.may:  # by the guard, which looks at no object: one of each side is enough
            yield from (
                (kind, role, _turned_away(row, role)) for kind in dict.fromkeys((*kinds,)[:: len(kinds) - 1 or 1])
            )
        else:
            yield from ((kind, role, row.found if role in seeing else row.hidden) for kind, seeing in kinds.items())


def _turned_away(row: Row, role: Role | None) -> str:
    if role is not None:
        return row.refused
    return "sign-in" if row.method == "GET" and "/api/" not in row.path else "401"


def _outcome(answer: Answer) -> str:
    """A refusal by its status; anything that was looked at, right or not, was allowed."""
    if answer.status == httpx.codes.SEE_OTHER and answer.location.startswith("/sign-in"):
        return "sign-in"
    refused = answer.status in {401, 403, 404, 405, 429} or httpx.codes.is_server_error(answer.status)
    return str(answer.status) if refused else "allowed"


async def _ask(world: World, row: Row, kind: str, role: Role | None) -> Answer:
    accept = "application/json" if role else "text/html"  # a problem is said faster than a page is made of it
    headers = {"accept": accept, "if-match": '"1"', **world.bearer(role)}
    path = _PART.sub(lambda part: _filled(world, row, kind, part[1]), row.path)
    if row.method == "GET":
        return await ask(world.front, "GET", path, headers)
    if "/api/" in row.path:
        return await ask(world.front, row.method, path, headers, data=row.send.get("json", {}))
    return await ask(world.front, row.method, path, headers, data=row.send.get("form", {"nothing": ""}), form=True)


def _filled(world: World, row: Row, kind: str, part: str) -> str:
    """Return what stands for `{part}` in the path when a route is tried on an object of `kind`."""
    if part in row.fill:
        written = row.fill[part]
        return world.ids[written[1:]] if written.startswith("@") else written
    if part == "rest" and kind:
        return world.references[kind].removeprefix("SP-")
    if part == "reference" and kind:
        return world.references[kind]
    return world.ids.get(f"{part.removesuffix('_id')}:{kind}", ABSENT)
