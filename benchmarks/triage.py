"""Row 1: reports a second from Kafka to committed rows, beside the least that writes as much, and the usual way."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from benchmarks import triage_floor, triage_usual
from benchmarks.event_log import CountingLog
from benchmarks.findings import Figure, Findings, at_least, ratios
from benchmarks.load import REPORT_BYTES, held_back
from benchmarks.rows import TableRows, written
from benchmarks.settings import triage_settings
from benchmarks.stage import Stage
from services.triage import app, consumer
from shared.events.topics import ABUSE_REPORTS
from shared.messaging.kafka.log import KafkaLog
from shared.runtime import Role, keep_what_is_wired, run_roles

ROW = "1 triage"
WARM_UP = 1_000
_USUAL_SHARE = 10
"""The usual way gets a tenth of the reports: its rate does not depend on how many there are, and patience does."""

WaitUntil = Callable[[int], Awaitable[None]]
"""Waits until so many reports are done with since the contender was opened."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a contender was."""

    reports_a_second: float
    microseconds_of_cpu: float
    """Of this process, for each report; the database and the broker have their own."""


async def measure(stage: Stage, runs: int, reports: int, findings: Findings, advance: Callable[[], None]) -> None:
    """Measure all three in every run, beginning with another one each time."""
    shapes = await _shapes(stage)
    findings.conditions |= _conditions(shapes, reports)
    contenders: dict[str, tuple[Callable[[], AbstractAsyncContextManager[WaitUntil]], str, int]] = {
        "signpost": (lambda: signpost(stage), ABUSE_REPORTS.name, reports),
        "floor": (lambda: triage_floor.opened(stage, shapes), triage_floor.TOPIC, reports),
        "usual": (lambda: triage_usual.opened(stage, shapes), triage_usual.TOPIC, max(reports // _USUAL_SHARE, 200)),
    }
    paces: dict[str, list[Pace]] = {name: [] for name in contenders}
    for run in range(runs):
        for name in _rotated(list(contenders), run):
            opened, topic, count = contenders[name]
            paces[name].append(await _pace(stage, opened(), topic, count, seed=run))
            advance()
    findings.figures += _figures(paces)


@asynccontextmanager
async def signpost(stage: Stage) -> AsyncIterator[WaitUntil]:
    """Run triage's consumers as triage wires them."""
    log = CountingLog(await KafkaLog.open(stage.kafka), consumer.GROUP)
    async with stage.database("triage") as url, app.open_service(triage_settings(url), log=log) as service:
        wanted = {consumer.ACCOUNTS_GROUP, consumer.GROUP}
        keep_what_is_wired()  # as `signpost serve` does
        async with running([role for role in service.roles if role.name in wanted]):
            yield log.wait_for


@asynccontextmanager
async def running(roles: Sequence[Role]) -> AsyncIterator[None]:
    """Run roles until the end of the block."""
    stop = asyncio.Event()
    work = asyncio.create_task(run_roles(roles, stop))
    try:
        yield
    finally:
        stop.set()
        await work


async def _pace(
    stage: Stage, opened: AbstractAsyncContextManager[WaitUntil], topic: str, count: int, seed: int
) -> Pace:
    """Let a contender handle some reports to be warm, then measure `count` that become visible in one moment."""
    async with opened as wait_until:
        warm_up = min(WARM_UP, count)
        async with held_back(stage, topic, warm_up, seed=-1 - seed):
            pass
        await wait_until(warm_up)
        async with held_back(stage, topic, count, seed):
            cpu, began = time.process_time(), time.perf_counter()
        await wait_until(warm_up + count)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Pace(count / seconds, cpu / count * 1e6)


async def _shapes(stage: Stage) -> Sequence[TableRows]:
    """Return what the product writes for some reports."""
    log = CountingLog(await KafkaLog.open(stage.kafka), consumer.GROUP)
    async with stage.database("triage") as url:
        async with app.open_service(triage_settings(url), log=log) as service:
            wanted = {consumer.ACCOUNTS_GROUP, consumer.GROUP}
            async with running([role for role in service.roles if role.name in wanted]):
                async with held_back(stage, ABUSE_REPORTS.name, WARM_UP, seed=0):
                    pass
                await log.wait_for(WARM_UP)
        return await written(url)


def _conditions(shapes: Sequence[TableRows], reports: int) -> dict[str, str]:
    each = {shape.table: sum(map(len, shape.per_report)) / len(shape.per_report) for shape in shapes}
    rows = ", ".join(f"{each[shape.table]:g} {shape.table} of {shape.bytes_each:.0f} B" for shape in shapes)
    return {
        "reports": f"{reports} of {REPORT_BYTES} B in a run (usual: a tenth), after {WARM_UP} to warm up",
        "rows for each report, on all sides": rows,
        "transactions": "signpost and floor up to 500 reports each, usual one report each; offsets committed after",
        "Kafka": "one broker; producer acks=all, idempotent, transactional; consumers read committed",
    }


def _figures(paces: dict[str, list[Pace]]) -> list[Figure]:
    rates = {name: [pace.reports_a_second for pace in found] for name, found in paces.items()}
    cpu = {name: [pace.microseconds_of_cpu for pace in found] for name, found in paces.items()}
    return [
        *(Figure(ROW, name, "reports/s", values) for name, values in rates.items()),
        *(Figure(ROW, f"{name}: processor", "µs/report", values) for name, values in cpu.items()),
        at_least(ROW, "signpost / floor", ratios(rates["signpost"], rates["floor"]), 0.5),
        at_least(ROW, "signpost / usual", ratios(rates["signpost"], rates["usual"]), 15),
    ]


def _rotated(names: list[str], by: int) -> list[str]:
    by %= len(names)
    return names[by:] + names[:by]
