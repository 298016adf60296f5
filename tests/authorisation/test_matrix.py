"""Every route × every role × (own, other's, restricted) against one table."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from unittest.mock import AsyncMock

import httpx
import pytest
import pytest_asyncio
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.export import pdf
from shared.auth.permissions import Role
from tests.authorisation import table
from tests.authorisation.requests import Answer, ask, without_frame
from tests.authorisation.routes import names_of
from tests.authorisation.table import EVERYBODY, Row
from tests.authorisation.world import OPEN, RESTRICTED, World, opened
from tests.support.postgres import PostgresForTests

pytestmark = pytest.mark.xdist_group("matrix")  # one world
TABLE = table.load()
ABSENT = "0190c6f0-0000-7000-8000-000000000000"
_PART = re.compile(r"{(\w+)(?::\w+)?}")
_REFUSALS = frozenset({401, 403, 404, 405, 429})
_NOT_WHOLE = frozenset({400, 422, 428})
_A_ROUND = 4
"""So many roles at most are tried before it is the same object's turn again."""
SERVICES = ("intake", "notifier", "registry", "triage")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(postgres: PostgresForTests, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with opened(postgres, Path(tmp_path_factory.mktemp("keys"))) as built:
        await built.add({**OPEN, **RESTRICTED})
        built.rolled_back()
        for service in built.services.values():
            without_frame(service.app)
        yield built


@pytest.fixture(autouse=True)
def without_typesetting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a print be made at once: each would start a process, and what it looks like is tested elsewhere."""
    monkeypatch.setattr(pdf, "made", AsyncMock(return_value=b"%PDF"))


@pytest.mark.asyncio(loop_scope="module")
async def test_every_route_has_a_row_and_every_row_a_route(world: World) -> None:
    routes = {name for service in world.services.values() for name in names_of(service.app)}
    known = {row.route for row in TABLE.values()}
    assert sorted(routes - known) == [], "python -m tests.authorisation.routes writes the rows that are missing"
    assert sorted(known - routes) == []


def test_every_object_is_tried_by_all_who_see_it_and_by_who_does_not() -> None:
    wrong = []
    for name, row in TABLE.items():
        for kind, seeing in row.objects.items():
            by = {role for tried_on, role, _ in _cases(row) if tried_on == kind and role in row.may}
            hidden_from = row.may - seeing
            if not seeing <= by or (len(hidden_from) > _A_ROUND and not by & hidden_from):
                wrong.append(f"{name} on {kind}")
    assert wrong == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("service", SERVICES)
async def test_everybody_may_what_the_table_says_and_nothing_else(world: World, service: str) -> None:
    routes = set(names_of(world.services[service].app))
    wrong: list[str] = []
    for name, row in sorted(TABLE.items()):
        found = await _differences(world, row) if row.route in routes else ()
        wrong.extend(f"{name}: {said}" for said in found)
    assert not wrong, "\n".join(wrong)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_program_that_is_no_person_breaks_no_route(world: World) -> None:
    """Its token has every role but no staff id: routes about a person refuse it, and nothing fails."""
    bearer = world.program()
    broken = []
    for name, row in sorted(TABLE.items()):
        if row.endless or row.found == "503":
            continue
        for kind in [*row.objects][:2] or [""]:
            answer = await _ask(world, row, kind, Role.REPORTER, bearer)
            if httpx.codes.is_server_error(answer.status):
                broken.append(f"{name} on {kind or 'it'}: {answer.status}")
    assert not broken, "\n".join(broken)


@pytest.mark.asyncio(loop_scope="module")
async def test_every_route_that_needs_a_database_says_when_there_is_none(world: World) -> None:
    """Transactions fail when they begin, or when they are committed: the answer asks the client to come again."""
    wrong, failed = [], 0
    for name, row in sorted(TABLE.items()):
        kind, seeing = next(((kind, seeing) for kind, seeing in row.objects.items() if seeing), ("", row.may))
        for place in () if row.endless else ("begin", "commit"):
            with _losing(world, place) as lost:
                answer = await _ask(world, row, kind, next(iter(sorted(seeing, key=str)), None))
            failed += bool(lost)
            if lost and not (answer.status == httpx.codes.SERVICE_UNAVAILABLE and answer.retry_after):
                wrong.append(f"{name} on {kind or 'it'}, {place}: {answer.status} {answer.retry_after}")
    assert failed > len(TABLE)
    assert not wrong, "\n".join(wrong)


@contextmanager
def _losing(world: World, place: str) -> Iterator[list[str]]:
    """Let every transaction fail as one whose server shuts down; yield where it did."""
    lost: list[str] = []

    def losing(real: Callable[[], AbstractAsyncContextManager[AsyncSession]]) -> object:
        @asynccontextmanager
        async def transaction() -> AsyncIterator[AsyncSession]:
            if place == "begin":
                lost.append(place)
                raise DBAPIError("begin", None, _ShutsDown())
            async with real() as session:
                yield session
                lost.append(place)
                raise DBAPIError("commit", None, _ShutsDown())

        return transaction

    with pytest.MonkeyPatch.context() as patched:
        for service in world.services.values():
            patched.setattr(service.database, "transaction", losing(service.database.transaction))
        yield lost


class _ShutsDown(Exception):
    """The driver's error when the server shuts down."""

    sqlstate = "57P01"


async def _differences(world: World, row: Row) -> Sequence[str]:
    """Return where a route does not do what its row says."""
    found = []
    for kind, role, expected in _cases(row):
        got = _outcome(row, await _ask(world, row, kind, role))
        if got not in expected.split("|"):
            found.append(f"{role or 'nobody'} on {kind or 'it'}: {got}, not {expected}")
    return found


def _cases(row: Row) -> Iterator[tuple[str, Role | None, str]]:
    """Yield on which objects each role is tried, and what it gets.

    What it sees, it is tried on. Of what it does not see, it is tried on its own team's restricted object, and on one
    of each sort: the one that was tried least, so that every object is hidden from someone on every route.
    """
    kinds, tried = row.objects or {"": row.may}, Counter[str]()
    for number, role in enumerate(EVERYBODY):
        if role not in row.may:  # the guard refuses before it looks at an object, so first and last in turn are enough
            yield [*kinds][-(number % 2)], role, _turned_away(row, role)
            continue
        seen = [kind for kind, seeing in kinds.items() if role in seeing]
        hidden = _hidden([kind for kind in kinds if kind not in seen], seen, tried)
        yield from ((kind, role, row.found) for kind in seen)
        yield from ((kind, role, row.hidden) for kind in hidden)
        tried.update(hidden)


def _hidden(kinds: Iterable[str], seen: Sequence[str], tried: Counter[str]) -> set[str]:
    sorts: dict[str, list[str]] = {}
    for kind in kinds:
        sort, joined, _ = kind.partition("_")
        sorts.setdefault(sort if joined else "", []).append(kind)
    theirs = {kind for kind in sorts.get("restricted", ()) if kind.replace("restricted", "other") in seen}
    return theirs | {min(some, key=lambda kind: tried[kind]) for some in sorts.values()}


def _turned_away(row: Row, role: Role | None) -> str:
    if role is not None:
        return row.refused
    return "sign-in" if row.method == "GET" and not row.is_call else "401"


def _outcome(row: Row, answer: Answer) -> str:
    """Return a response in the table's words; whatever is not refused was allowed, if a change was sent complete."""
    if answer.status == httpx.codes.SEE_OTHER and answer.location.startswith("/sign-in"):
        return "sign-in"
    refused = answer.status in _REFUSALS or httpx.codes.is_server_error(answer.status)
    if row.objects and row.method == "POST" and answer.status in _NOT_WHOLE:
        return f"not sent whole ({answer.status})"
    return str(answer.status) if refused else "allowed"


async def _ask(world: World, row: Row, kind: str, role: Role | None, bearer: Mapping[str, str] | None = None) -> Answer:
    accept = "application/json" if role or "json" in row.send else "text/html"  # a problem is made faster than a page
    headers = {"accept": accept, "if-match": f'"{row.send.get("version", 1)}"', **(bearer or world.bearer(role))}
    path = _PART.sub(lambda part: _filled(world, row, kind, part[1]), row.path)
    if row.method == "GET":
        return await ask(world.front, "GET", path, headers, endless=row.endless)
    form = not row.is_call and "json" not in row.send
    said = row.send.get("form", {"nothing": ""}) if form else row.send.get("json", {})
    return await ask(world.front, row.method, path, headers, data=_sent(world, kind, said), form=form)


def _sent(world: World, kind: str, said: Mapping[str, object]) -> Mapping[str, object]:
    """Return what is sent about an object of `kind`: `{case_id}` and the like are its own."""
    text = _PART.sub(lambda part: world.address(part[1], kind, "") or ABSENT, json.dumps(said))
    sent: Mapping[str, object] = json.loads(text)
    return sent


def _filled(world: World, row: Row, kind: str, part: str) -> str:
    """Return the value of `{part}` in the path when a route is tried on an object of `kind`."""
    if part in row.fill:
        written = row.fill[part]
        return world.ids[written[1:]] if written.startswith("@") else written
    if part == "rest" and kind:
        return world.references[kind].removeprefix("SP-")
    return world.address(part, kind, row.path) or ABSENT
