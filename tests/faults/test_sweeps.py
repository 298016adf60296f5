"""SIGKILL of the sweeps that do most: one acts on many cases at a time, the other sends forms to platforms."""

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from shared.auth.permissions import Role
from tests.faults import extent
from tests.faults.environments import Embedded, embedded
from tests.faults.steps import BULK, FORMS, SWEEP_STEPS, Moment, Step
from tests.support.eventually import eventually

pytestmark = pytest.mark.timeout(extent.LIMIT_SECONDS)

CASES, ABSENT = 3, 100
"""So many that the sweep does them and not the request; all but a few are not there."""
A_DAY = str(24 * 60 * 60)
TWICE = (Step.parse(f"{FORMS}/claim/{Moment.BEFORE}"), 2)
"""Here a form was sent and no one knows: it is sent again under its id."""
ABUSE = {
    "platform": "bluesky",
    "urls": ["https://bsky.app/profile/some.example.org/post/3kabc"],
    "behaviours": ["trolling"],
    "affected": [{"relation": "self"}],
    "narrative": "They wrote under my post.",
}
_CLAIMS = "select count(*) from activity where action = 'claimed' group by chain_id"
_LIST = "/cases/api/v1/cases"


async def test_sweeps_that_die_leave_nothing_undone_and_do_nothing_twice(data_dir: Path) -> None:
    dice, clock = random.Random(extent.seed()), data_dir.parent / "clock"
    clock.write_text("0")
    bulk_dies, form_dies = (dice.choice(SWEEP_STEPS[role]) for role in (BULK, FORMS))
    print(bulk_dies, form_dies)
    async with _platform() as (address, received):
        settings = {
            "FAULT_CLOCK": str(clock),
            "SIGNPOST_TRIAGE_TAKEDOWN_CONTACT": "Department <abuse@department.example>",
            "SIGNPOST_TRIAGE_TAKEDOWN_ENDPOINTS": f"xarf={address}",
        }
        async with embedded(data_dir, _dying(bulk_dies), **settings) as environment:
            cases = [await _case(environment) for _ in range(CASES)]
            await _claims_many(environment, cases, then=form_dies)
            await _sends_a_form(environment, cases[0], clock)
            assert len(received) == (2 if form_dies == TWICE else 1)
            assert len({one["report_id"] for one in received}) == 1
            code, output = await environment.command("audit", "verify")
            assert code == 0, output


async def _claims_many(environment: Embedded, cases: list[str], then: tuple[Step, int]) -> None:
    """Let the process die while it claims cases, and claim them when it is back, where it dies next."""
    items = [{"case_id": one, "version": 1} for one in (*cases, *(str(uuid4()) for _ in range(ABSENT)))]
    begun = await _ask(environment, "/cases/api/v1/bulk", {"action": "claim", "items": items})
    process = environment.process_of(then[0].role)
    await process.died()
    await process.start(**_dying(then))

    async def done() -> Mapping[str, Any] | None:
        found = await _ask(environment, f"/cases/api/v1/bulk/{begun['bulk_id']}")
        return found if found["state"] == "done" else None

    results = (await eventually(done))["results"]
    assert sorted(one["case_id"] for one in results if one["ok"]) == sorted(cases)
    assert len(results) == len(items)
    connection = await asyncpg.connect(environment.database_url("triage"))
    assert [row[0] for row in await connection.fetch(_CLAIMS)] == [1] * CASES
    await connection.close()


async def _sends_a_form(environment: Embedded, case: str, clock: Path) -> None:
    address = f"{_LIST}/{case}/takedowns"
    takedown = (await _ask(environment, address, {"link_number": 1}, version=2))["takedowns"][0]["takedown_id"]
    kind = {"protocol": "xarf", "kind": "phishing"}
    await _ask(environment, f"{address}/{takedown}/forms", kind, version=3)
    await environment.process_of("").died()
    await asyncio.to_thread(clock.write_text, A_DAY)
    await environment.start_missing()

    async def sent() -> bool | None:
        [form] = (await _ask(environment, address))["items"][0]["forms"]
        return form["state"] == "sent" or None

    await eventually(sent)


async def _case(environment: Embedded) -> str:
    """Report something, and return the id of its case."""
    token = environment.token(Role.REPORTER, "S1001")
    report = await _ask(environment, "/report/api/v1/abuse-reports", ABUSE, token=token)

    async def there() -> str | None:
        found = (await _ask(environment, f"{_LIST}?report_id={report['report_id']}"))["items"]
        return str(found[0]["case_id"]) if found else None

    return await eventually(there)


def _dying(at: tuple[Step, int]) -> dict[str, str]:
    step, passes = at
    return {"FAULT_STEP": str(step), "FAULT_PASSES": str(passes)}


async def _ask(
    environment: Embedded,
    address: str,
    body: Mapping[str, object] | None = None,
    version: int | None = None,
    token: str | None = None,
) -> dict[str, Any]:
    bearer = token or environment.token(Role.SMART_RESPONDER, "S4001")
    headers = {"authorization": f"Bearer {bearer}"} | ({"if-match": f'"{version}"'} if version else {})
    async with httpx.AsyncClient(timeout=30) as client:
        method = "GET" if body is None else "POST"
        answer = await client.request(method, environment.url(address), json=body, headers=headers)
    assert answer.is_success, (address, answer.text)
    found: dict[str, Any] = answer.json()
    return found


@asynccontextmanager
async def _platform() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """Run a receiver of forms; yield its address, and what it received."""
    received: list[dict[str, Any]] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        assert length
        received.append(json.loads(await reader.readexactly(int(length[1]))))
        writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/in", received
