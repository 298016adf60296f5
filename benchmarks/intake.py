"""Row 2: reports a second accepted over HTTP, each durable before its answer, beside a bare endpoint."""

import time
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from uuid import uuid4

import orjson

from benchmarks import intake_floor
from benchmarks.findings import Figure, Findings, at_least, ratios
from benchmarks.http_client import load
from benchmarks.load import REPORT_BYTES, reports
from benchmarks.settings import as_variables, bearer, keys
from benchmarks.stage import Stage, plain
from tests.support.process import SignpostProcess

ROW = "2 intake"
PATH = "/report/api/v1/abuse-reports"
CONNECTIONS = 16
REQUESTS = 1_000
_WARM_UP = 200

Requests = Iterator[tuple[bytes, Mapping[str, str]]]


async def measure(stage: Stage, runs: int, findings: Findings, advance: Callable[[], None]) -> None:
    """Load both in every run, each in a process of its own that stays for all runs."""
    pair = keys()
    rates: dict[str, list[float]] = {"signpost": [], "signpost, no key": [], "floor": []}
    async with stage.database("intake") as url, stage.postgres.fresh() as floor_url:
        settings = as_variables(pair, SIGNPOST_INTAKE_DATABASE_URL=url, SIGNPOST_KAFKA_BOOTSTRAP_SERVERS=stage.brokers)
        ours = SignpostProcess("serve", "intake", "--roles", "web", settings=settings)
        floor = SignpostProcess(settings={intake_floor.DATABASE: plain(floor_url)}, program="benchmarks.intake_floor")
        try:
            await ours.start()
            await floor.start()
            token = bearer(pair)
            contenders: dict[str, tuple[SignpostProcess, str, Callable[[int], Requests]]] = {
                "signpost": (ours, PATH, lambda seed: _keyed(seed, token)),
                "signpost, no key": (ours, PATH, lambda seed: _unkeyed(seed, token)),
                "floor": (floor, intake_floor.PATH, lambda seed: _unkeyed(seed, token)),
            }
            for process, path, made in contenders.values():
                await load(process.url, path, islice(made(-1), _WARM_UP), CONNECTIONS)
            for run in range(runs):
                for name in _rotated(list(contenders), run):
                    process, path, made = contenders[name]
                    rates[name].append(await _rate(process.url, path, made(run)))
                    advance()
        finally:
            for process in (ours, floor):
                if process.running:
                    await process.stop()
    findings.conditions["intake"] = (
        f"{REQUESTS} requests with bodies of about {REPORT_BYTES} B over {CONNECTIONS} connections, the same client; "
        "uvicorn, one process (the floor on uvloop), settings as in production; each commit durable before its 201"
    )
    findings.figures += [
        *(Figure(ROW, name, "reports/s", values) for name, values in rates.items()),
        at_least(ROW, "signpost / floor", ratios(rates["signpost"], rates["floor"]), 0.5),
    ]


async def _rate(url: str, path: str, requests: Requests) -> float:
    made = list(islice(requests, REQUESTS))
    began = time.perf_counter()
    await load(url, path, iter(made), CONNECTIONS)
    return REQUESTS / (time.perf_counter() - began)


def body_of(number: int) -> Iterator[bytes]:
    """Yield the bodies of report after report, as a client sends them."""
    for report in reports(10**9, number):
        sent = report.model_dump(
            mode="json",
            include={"platform", "content_kind", "content_state", "urls", "behaviours", "affected", "narrative"},
            exclude_none=True,
        )
        yield orjson.dumps({**sent, "manager_email": report.manager_email})


def _keyed(seed: int, token: str) -> Requests:
    return ((body, {**headers, "Idempotency-Key": str(uuid4())}) for body, headers in _unkeyed(seed, token))


def _unkeyed(seed: int, token: str) -> Requests:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    return ((body, headers) for body in body_of(seed))


def _rotated(names: list[str], by: int) -> list[str]:
    by %= len(names)
    return names[by:] + names[:by]
