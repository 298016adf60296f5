"""What anyone may send costs little: no anonymous request holds the event loop much longer than a usual report.

The longest time that a request holds the loop, in processor time of this process, as a multiple of all that a usual
anonymous report costs in the same run.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from unittest.mock import AsyncMock, patch

import orjson
import pytest
from fastapi import FastAPI
from starlette.types import Message

from services.intake.app import BODY_LIMIT
from services.registry.accounts.csv_file import import_csv
from shared.runtime import Service
from tests.authorisation.services import OPENING, settings_of
from tests.support.postgres import PostgresForTests

SHOWN = 5
TURNS = 15
MOST = 3.0
"""Times a usual report."""
SAMPLE = Path(__file__).parents[2] / "deploy" / "sample" / "accounts.csv"
FORM = {"content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin"}
OLD_BROWSER = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
MULTIPART = {"content-type": "multipart/form-data; boundary=b", "sec-fetch-site": "same-origin"}
REPORTS, NARRATIVE, TRACK, LOOKUP = (
    "/report/api/v1/abuse-reports",
    "/report/abuse/what-happened",
    "/report/track",
    "/accounts/lookup",
)
LARGEST = BODY_LIMIT
REPORT: Mapping[str, object] = {
    "platform": "x",
    "content_kind": "comment",
    "urls": ["https://x.com/some_account/status/1"],
    "behaviours": ["harassment"],
    "affected": [{"relation": "self"}],
    "narrative": "What happened, in the reporter's words. " * 10,
}


@dataclass(frozen=True)
class Request:
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: bytes = b""
    method: str = "POST"


def _report(**changes: object) -> Request:
    return Request(REPORTS, orjson.dumps({**REPORT, **changes})[:LARGEST], JSON)


def _raw(text: str) -> Request:
    return Request(REPORTS, text.encode()[:LARGEST], JSON)


def _form(path: str, text: bytes, headers: Mapping[str, str] = FORM, size: int = LARGEST) -> Request:
    return Request(path, (text * size)[:size], headers)


def _field(path: str, name: bytes, text: bytes, size: int = LARGEST, headers: Mapping[str, str] = FORM) -> Request:
    return Request(path, (name + b"=" + text * size)[:size], headers)


def _parts(count: int, size: int) -> bytes:
    part = b'--b\r\ncontent-disposition: form-data; name="narrative"\r\n\r\n' + b"x" * size + b"\r\n"
    return (part * count + b"--b--\r\n")[:LARGEST]


SMALL = 256 * 1024
_EACH = random.Random(1).sample(range(0x4E00, 0x9FFF), 2000)  # characters of many looks
HEAVY: Mapping[str, Request] = {
    "form of a=1&, tracking": _form(TRACK, b"a=1&"),
    "form of a=1&, tracking, 256 KB": _form(TRACK, b"a=1&", size=SMALL),
    "form of a=1&, old browser": _form(TRACK, b"a=1&", OLD_BROWSER, SMALL),
    "form of a=1&, narrative": _form(NARRATIVE, b"a=1&"),
    "form of a&, narrative": _form(NARRATIVE, b"a&"),
    "form of &": _form(NARRATIVE, b"&"),
    "form of 0xFF": _form(NARRATIVE, b"\xff"),
    "narrative of 0xFF": _field(NARRATIVE, b"narrative", b"\xff"),
    "narrative of %FF": _field(NARRATIVE, b"narrative", b"%FF"),
    "narrative of %E4%B8%AD": _field(NARRATIVE, b"narrative", b"%E4%B8%AD"),
    "narrative of %": _field(NARRATIVE, b"narrative", b"%"),
    "narrative of %zz": _field(NARRATIVE, b"narrative", b"%zz"),
    "narrative of +": _field(NARRATIVE, b"narrative", b"+"),
    "narrative of control characters": _field(NARRATIVE, b"narrative", b"%01"),
    "narrative of invisible marks": _field(NARRATIVE, b"narrative", b"%E2%80%8B"),
    "narrative of line ends": _field(NARRATIVE, b"narrative", b"%0D%0A"),
    "narrative of a": _field(NARRATIVE, b"narrative", b"a"),
    "reference of combining marks": _field(TRACK, b"reference", b"%CC%81", SMALL),
    "reference of hyphens": _field(TRACK, b"reference", b"-", SMALL),
    "receipt code of a": _field(TRACK, b"receipt_code", b"a", SMALL),
    "links of line ends": _field("/report/abuse/where", b"urls", b"%0A", SMALL),
    "links of a.b": _field("/report/abuse/where", b"urls", b"a.b%0A", SMALL),
    "multipart of small parts": Request(NARRATIVE, _parts(20_000, 1), MULTIPART),
    "multipart of one part": Request(NARRATIVE, _parts(1, LARGEST), MULTIPART),
    "JSON of 20,000 people": _report(affected=[{"relation": "self", "name": "x"}] * 20_000),
    "JSON of 300,000 numbers": _report(affected=[1] * 300_000),
    "JSON of empty lists": _report(affected=[[]] * 300_000),
    "JSON of links": _report(urls=["https://x.com/a"] * 50_000),
    "JSON of unknown fields": _raw("{" + ",".join(f'"a{n}":1' for n in range(90_000)) + "}"),
    "JSON of unknown fields inside": _raw('{"affected":[{' + ",".join(f'"a{n}":1' for n in range(80_000)) + "}]}"),
    "JSON of people with unknown fields": _raw(
        '{"affected":[' + ",".join(["{" + ",".join(f'"a{n}":1' for n in range(150)) + "}"] * 20) + "]}"
    ),
    "JSON nested": _raw('{"affected":' + "[" * 400_000),
    "JSON nested objects": _raw('{"a":' * 150_000),
    "JSON of a long narrative": _report(narrative="x" * 1_000_000),
    "JSON of a narrative in escapes": _raw('{"narrative":"' + "\\u4e2d" * 170_000 + '"}'),
    "JSON of a whole narrative": _raw(orjson.dumps({**REPORT, "narrative": "中" * 50_000}).decode()),
    "JSON with a key twice": _raw('{"a":1' + ',"a":1' * 150_000 + "}"),
    "JSON of a long number": _raw('{"narrative":' + "1" * 1_000_000 + "}"),
    "a body on a page that takes none": _form("/report/nowhere", b"a=1&", size=SMALL),
    "cookies": Request("/report/abuse", method="GET", headers={"cookie": "a=b; " * 12_000}),
    "cookies, quoted": Request("/report/abuse", method="GET", headers={"cookie": 'a="\\101\\101"; ' * 4_000}),
    "one cookie": Request("/report/abuse", method="GET", headers={"cookie": "signpost_session=" + "a" * 60_000}),
    "query": Request("/accounts/api/v1/lookup", method="GET", query=b"a=1&" * 15_000),
    "query of one field": Request("/accounts/api/v1/lookup", method="GET", query=b"url=" + b"%C3%A9" * 9_000),
    "path": Request("/report/" + "a/" * 30_000, method="GET"),
    "accept": Request("/report/abuse", method="GET", headers={"accept": "text/html," * 6_000}),
    "bearer": Request(REPORTS, b"{}", {**JSON, "authorization": "Bearer " + "a." * 30_000}),
    "lookup of many characters": _field(LOOKUP, b"account", "".join(map(chr, _EACH)).encode(), 6_000),
    "lookup of long names": _field(LOOKUP, b"account", b"rnvvcl0", 2_000),
    "lookup of a long text": _field(LOOKUP, b"account", b"%CC%81", SMALL),
}


class Cost(NamedTuple):
    """What a request costs, in seconds of processor time."""

    hold: float
    """The longest time between two awaits that really wait."""
    whole: float
    status: int


@contextmanager
def _measured_holds() -> Iterator[list[float]]:
    """Collect how long each callback of the event loop takes."""
    holds, run = [], asyncio.Handle._run

    def measured(handle: asyncio.Handle) -> None:
        began = time.process_time()
        run(handle)
        holds.append(time.process_time() - began)

    with patch.object(asyncio.Handle, "_run", measured):
        yield holds


async def _call(app: FastAPI, request: Request) -> Cost:
    headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
    headers += [(b"host", b"127.0.0.1:8000"), (b"content-length", str(len(request.body)).encode())]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query,
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }
    slices = [request.body[at : at + 65536] for at in range(0, len(request.body), 65536)] or [b""]
    statuses: list[int] = []

    async def receive() -> Message:
        part = slices.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(slices)}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    with _measured_holds() as holds:
        await asyncio.create_task(_as_coroutine(app(scope, receive, send)))
    return Cost(max(holds), sum(holds), statuses[0])


async def _as_coroutine(request: Awaitable[None]) -> None:
    await request


@pytest.fixture
async def apps(postgres: PostgresForTests, tmp_path: Path) -> AsyncIterator[Mapping[str, FastAPI]]:
    found: dict[str, FastAPI] = {}
    async with AsyncExitStack() as stack:
        for name, prefix in (("intake", "/report"), ("registry", "/accounts")):
            url = await stack.enter_async_context(postgres.fresh(name))
            opened = OPENING[name](settings_of(name, url, tmp_path), log=AsyncMock())
            service = await stack.enter_async_context(opened)
            found[prefix] = service.app
            if name == "registry":
                await _register_sample(service)
        yield found


async def _register_sample(registry: Service) -> None:
    parts, text = registry.parts, SAMPLE.read_text("utf-8")
    async with registry.database.transaction() as session:
        await import_csv(
            session,
            text,
            accept_valid=False,
            outbox=parts.outbox,
            now=parts.clock.now(),
            ids=parts.ids,
            actor="system:tests",
        )


async def _cost(apps: Mapping[str, FastAPI], request: Request, times: int) -> Cost:
    app = apps["/" + request.path.split("/")[1]]
    return min([await _call(app, request) for _ in range(times)])


async def _in_turns(apps: Mapping[str, FastAPI], request: Request) -> float:
    """Return how many usual reports `request` holds the loop for, in turns: other work slows both down."""
    costs = [(await _cost(apps, request, 1), await _cost(apps, _report(), 2)) for _ in range(TURNS)]
    return min(heavy.hold for heavy, _ in costs) / min(usual.whole for _, usual in costs)


async def test_no_anonymous_request_costs_more_than_three_usual_reports(
    apps: Mapping[str, FastAPI], record_property: Callable[[str, object], None]
) -> None:
    usual = await _cost(apps, _report(), 20)
    assert usual.status == 201
    costs = {name: await _cost(apps, request, 3) for name, request in HEAVY.items()}
    ranked = sorted(costs.items(), key=lambda one: -one[1].hold)
    said = [f"a usual anonymous report: {usual.whole * 1000:.1f} ms of processor time; what holds the loop longest:"]
    said += [
        f"{cost.hold / usual.whole:6.1f} x {cost.hold * 1000:6.1f} of {cost.whole * 1000:.1f} ms {name}"
        for name, cost in ranked[:SHOWN]
    ]
    record_property("summary", "\n".join(said))
    dear = [name for name, cost in ranked if cost.hold > MOST * usual.whole]
    assert {name: times for name in dear if (times := await _in_turns(apps, HEAVY[name])) > MOST} == {}
    assert {cost.status for cost in costs.values()} <= {200, 201, 303, 400, 401, 403, 404, 405, 413, 415, 422, 431}
