"""Whatever a client sends to the four APIs, they answer as they describe, and never with an internal error."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.authorisation.world import OPEN, World, opened
from tests.contract.requests import EXAMPLES, OPERATIONS, ROWS, SEED, Asked, Sender, cases
from tests.support.postgres import PostgresForTests

pytestmark = pytest.mark.xdist_group("contract")  # making the world takes longer than the requests

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OF_BODIES = [negative_data_rejection]
"""Not for queries and headers: undeclared query parameters are ignored, as everywhere."""
NOT_CHECKED = {
    "positive_data_acceptance": "a report can fit its schema and break a rule between two fields: that is a 422",
    "missing_required_header": "no header is required: If-Match, where it is missing, has its own answer (428)",
    "use_after_free": "nothing is deleted by a call",
    "ensure_resource_availability": "what is asked changes nothing here, so that every example begins the same",
    "ignored_auth": "tests/authorisation asks every route as every role and as nobody",
    "object_level_authorization": "as above, with others' objects",
    "unsupported_method": "tests/authorisation holds that there is no route beside the table's",
}


@pytest.fixture(scope="module")
def running() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def world(
    running: asyncio.Runner, postgres: PostgresForTests, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    async def begin() -> tuple[World, AsyncExitStack]:
        stack = AsyncExitStack()
        built = await stack.enter_async_context(opened(postgres, Path(tmp_path_factory.mktemp("keys"))))
        await built.add(OPEN)
        built.rolled_back()
        return built, stack

    built, stack = running.run(begin())
    yield built
    running.run(stack.aclose())


def test_every_call_is_in_the_table_of_who_may() -> None:
    assert sorted(OPERATIONS.keys() - ROWS.keys()) == []


def file_of(value: object) -> object:
    """Return what is generated as a file, which may be a number, as something that can be sent."""
    if isinstance(value, tuple):
        return (value[0], file_of(value[1]), *value[2:])
    return value if isinstance(value, str | bytes) else str(value)


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_a_call_answers_as_it_is_described(name: str, world: World, running: asyncio.Runner) -> None:
    print(f"CONTRACT_SEED={SEED}")  # noqa: T201 - a failed run says its seed, so that it can be run again

    async def sent(case: Asked, sender: Sender) -> httpx.Response:
        request = case.as_transport_kwargs(headers=world.bearer(sender.role))
        async with world.client() as client:
            client.cookies.update(request.pop("cookies", None) or {})
            if "files" in request:
                request["files"] = [(name, file_of(value)) for name, value in request["files"]]
            made = client.build_request(**request)
            await made.aread()  # a form with files is a stream otherwise, which the checks cannot read again
            return await client.send(made)

    @seed(SEED)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(asked=cases(name, world.address))
    def answers_as_described(asked: tuple[Asked, Sender]) -> None:
        case, sender = asked
        checks = CHECKS + (OF_BODIES if ROWS[name].method == "POST" else [])
        case.validate_response(running.run(sent(case, sender)), checks=checks)

    answers_as_described()
