"""Row 3: from a reporter's 201 to the mail server's acceptance of their manager's alert, under an open load."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from random import Random
from statistics import quantiles

import orjson

from benchmarks.findings import Figure, Findings, below
from benchmarks.http_client import Connection
from benchmarks.intake import PATH, body_of
from benchmarks.settings import as_variables, bearer, keys
from benchmarks.smtp_sink import Sink, listening
from benchmarks.stage import Stage
from tests.support.process import SignpostProcess, command

ROW = "3 alert"
A_SECOND = 100_000 / 3600
"""The steady rate: 100,000 reports in an hour."""
BURST = 20
SERVICES = ("intake", "triage", "notifier")
_DRAINED_WITHIN = 600.0


@dataclass(frozen=True, slots=True)
class Shape:
    """How long the load lasts in a run."""

    steady: float
    """Seconds at the steady rate."""
    burst: float
    """Seconds at 20 times that rate, afterwards."""


SHORT = Shape(steady=20, burst=0.5)
FULL = Shape(steady=3540, burst=60)
"""An hour, its last minute a burst."""


async def measure(stage: Stage, runs: int, shape: Shape, findings: Findings, advance: Callable[[], None]) -> None:
    """Load the separate services on Kafka with reports whose managers all differ."""
    waits: dict[str, list[float]] = {"p50": [], "p95": [], "p99": []}
    drained: list[float] = []
    lost = repeated = 0
    async with _running(stage) as (url, sink, token, settings):
        await _load(url, token, sink, _arrivals(Random(0), A_SECOND, 3), "warm-up")
        reconciled = await _settled(settings)
        for run in range(runs):
            random = Random(run)
            sent = await _load(url, token, sink, _arrivals(random, A_SECOND, shape.steady), f"steady-{run}")
            took = sorted(sink.accepted_at[address] - at for address, at in sent.items() if address in sink.accepted_at)
            for name, place in (("p50", 49), ("p95", 94), ("p99", 98)):
                waits[name].append(quantiles(took, n=100, method="inclusive")[place])
            began = time.perf_counter()
            burst = await _load(url, token, sink, _arrivals(random, BURST * A_SECOND, shape.burst), f"burst-{run}")
            drained.append(time.perf_counter() - began)
            everybody = sent.keys() | burst.keys()
            lost += len(everybody - sink.accepted_at.keys())
            repeated += sum(sink.mails[address] > 1 for address in everybody)
            reconciled = await _settled(settings)
            advance()
    findings.conditions["alerts"] = (
        f"intake, triage and notifier as a process each, on Kafka; {A_SECOND:.1f} reports/s (100,000 an hour) by a "
        f"Poisson process for {shape.steady:g} s a run, then {BURST} times that for {shape.burst:g} s; every manager "
        f"is another one; a run begins when all of the one before it is accounted for; {lost} alerts lost, {repeated} "
        f"sent twice; reconcile: {reconciled['accepted']} accepted, {reconciled['unaccounted']} unaccounted for"
    )
    findings.figures += [
        Figure(ROW, "201 to SMTP accept, p50", "s", waits["p50"]),
        below(ROW, "201 to SMTP accept, p95", waits["p95"], 1, unit="s"),
        Figure(ROW, "201 to SMTP accept, p99", "s", waits["p99"]),
        Figure(ROW, "20 × burst, first report to last alert", "s", drained),
        below(ROW, "alerts lost + unaccounted for", [lost + reconciled["unaccounted"]], 1, unit=""),
    ]


@asynccontextmanager
async def _running(stage: Stage) -> AsyncIterator[tuple[str, Sink, str, dict[str, str]]]:
    pair = keys()
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(listening())
        settings = as_variables(pair, SIGNPOST_KAFKA_BOOTSTRAP_SERVERS=stage.brokers)
        settings |= {"SIGNPOST_NOTIFIER_SMTP_PORT": str(sink.port)}
        for service in SERVICES:
            url = await stack.enter_async_context(stage.database(service))
            settings[f"SIGNPOST_{service.upper()}_DATABASE_URL"] = url
        processes = [SignpostProcess("serve", service, settings=settings) for service in SERVICES]
        for process in processes:
            await process.start()
            stack.push_async_callback(process.stop)
        yield processes[0].url, sink, bearer(pair), settings


async def _settled(settings: dict[str, str]) -> dict[str, int]:
    """Return what the ledger says once all is accounted for, so that no steady load begins beside a burst's rest."""
    _, printed = await command("reconcile", "--wait", f"{_DRAINED_WITHIN:g}", "--json", settings=settings)
    figures: dict[str, int] = json.loads(printed)
    return figures


def _arrivals(random: Random, rate: float, seconds: float) -> Iterator[float]:
    """Yield the moments of a Poisson process, in seconds from its beginning."""
    moment = random.expovariate(rate)
    while moment < seconds:
        yield moment
        moment += random.expovariate(rate)


async def _load(url: str, token: str, sink: Sink, arrivals: Iterator[float], name: str) -> dict[str, float]:
    """Send a report at each arrival, whatever became of those before, and wait for their alerts.

    Returns the manager's address of each accepted report → when its 201 was there.
    """
    bodies, free = body_of(len(name)), list[Connection]()
    sent: dict[str, float] = {}

    async def send(number: int) -> None:
        address = f"{name}-{number}@example.org"
        body = orjson.dumps({**orjson.loads(next(bodies)), "manager_email": address})
        while free and not free[-1].fresh:
            await free.pop().close()
        connection = free.pop() if free else await Connection.open(url)
        await connection.post(PATH, body, {"Content-Type": "application/json", "Authorization": f"Bearer {token}"})
        sent[address] = time.perf_counter()
        free.append(connection)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number, arrival in enumerate(arrivals):
            await asyncio.sleep(max(began + arrival - time.perf_counter(), 0))
            group.create_task(send(number))
    await sink.wait_for(set(sent), _DRAINED_WITHIN)
    for connection in free:
        await connection.close()
    return sent
