"""People and systems that report without pause, and try again with the same key if no response comes."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

import httpx
from cloudevents.core.bindings import kafka as kafka_binding
from cloudevents.core.v1.event import CloudEvent

from demo.mix import plan
from demo.reports import PlannedReport
from shared.auth.permissions import Role
from shared.clock import SystemClock
from shared.events import topics
from shared.messaging.log import EventLog, LogUnavailable, Record
from tests.faults import extent
from tests.faults.environments import Environment

CLIENTS = 4
PATIENCE = httpx.Timeout(30)
_AGAIN_AFTER = 0.05
_TRICKLE = 0.5
"""Seconds between events of other systems: a rate, not a wait."""
_PASSING = {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS, httpx.codes.BAD_GATEWAY}


@dataclass
class Stream:
    """The reports of a seeded plan, sent by several clients at once."""

    environment: Environment
    seed: int
    most: int
    accepted: dict[int, str] = field(default_factory=dict)
    """Number in the plan → report id, of every 201."""
    planned: dict[int, PlannedReport] = field(default_factory=dict)
    """Number → what was sent, of every 201."""
    surprises: Counter[str] = field(default_factory=Counter)
    """Responses that the plan does not expect: scenario and status."""
    sent: int = 0
    unavailable: int = 0
    """Responses that ask to try again later."""

    async def run(self, until: asyncio.Event) -> None:
        """Send at least `most` reports, and go on until `until` is set."""
        reports = iter(plan(self.seed, 1_000_000))
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            await asyncio.gather(*(self._one_person(client, reports, until) for _ in range(CLIENTS)))

    async def more(self, reports: int = extent.REPORTS // 20) -> None:
        """Wait until `reports` more reports are accepted."""
        goal = len(self.accepted) + reports
        async with asyncio.timeout(extent.LIMIT_SECONDS):
            while len(self.accepted) < goal:
                await asyncio.sleep(_AGAIN_AFTER)

    async def _one_person(
        self, client: httpx.AsyncClient, reports: Iterator[PlannedReport], until: asyncio.Event
    ) -> None:
        while self.sent < self.most or not until.is_set():
            self.sent += 1
            await self._until_answered(client, next(reports))
            await asyncio.sleep(extent.PAUSE_SECONDS)

    async def _until_answered(self, client: httpx.AsyncClient, report: PlannedReport) -> None:
        while True:
            clock = self.environment.clock_error
            try:
                response = await self._sent(client, report)
            except httpx.TransportError:
                await asyncio.sleep(_AGAIN_AFTER)
                continue
            if response.status_code == httpx.codes.UNAUTHORIZED and clock != self.environment.clock_error:
                continue  # the clock was changed between making the token and reading it
            if response.status_code in _PASSING:
                self.unavailable += 1
                await asyncio.sleep(_AGAIN_AFTER)
                continue
            self._note(report, response)
            return

    async def _sent(self, client: httpx.AsyncClient, report: PlannedReport) -> httpx.Response:
        headers = {"Content-Type": report.content_type}
        if report.key:
            headers["Idempotency-Key"] = report.key
        if report.sender.role is not None:
            headers["Authorization"] = f"Bearer {self.environment.token(report.sender.role, report.sender.staff_id)}"
        return await client.post(self.environment.url(report.path), content=report.content, headers=headers)

    def _note(self, report: PlannedReport, response: httpx.Response) -> None:
        if response.status_code != report.expected.status:
            self.surprises[f"{report.scenario}: {response.status_code}"] += 1
        if response.status_code == httpx.codes.CREATED:
            self.accepted[report.number] = response.json()["report_id"]
            self.planned[report.number] = report


@dataclass
class OtherSystems:
    """What reaches Signpost besides reports: events on the inbound topic, declared accounts, and ends of sessions."""

    environment: Environment
    log: EventLog
    inbound: int = 0
    """Events that the log has accepted."""
    declared: int = 0
    ended: int = 0
    """People whose sessions intake says are over."""

    async def run(self, until: asyncio.Event) -> None:
        """Send something now and then until `until` is set."""
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            for number in count():
                if until.is_set():
                    return
                await self._finding(number)
                await self._account(client, number)
                await self._end_of_sessions(client, number)
                await asyncio.sleep(_TRICKLE)

    async def _finding(self, number: int) -> None:
        while True:
            try:
                appender = await self.log.appender("monitoring-of-the-fault-suite")
                await appender.append([_finding(number)])
                await appender.close()
            except LogUnavailable:
                await asyncio.sleep(_AGAIN_AFTER)
            else:
                self.inbound += 1
                return

    async def _account(self, client: httpx.AsyncClient, number: int) -> None:
        headers = {"Authorization": f"Bearer {self.environment.token(Role.ACCOUNT_OWNER, 'S2001')}"}
        url = self.environment.url("/accounts/api/v1/declarations")
        with suppress(httpx.TransportError):
            response = await client.post(url, json=_declaration(number), headers=headers)
            self.declared += response.status_code == httpx.codes.CREATED

    async def _end_of_sessions(self, client: httpx.AsyncClient, number: int) -> None:
        """End the sessions of someone who sends nothing here."""
        token, who = self.environment.token(Role.ADMINISTRATOR, "S8002"), f"F{number}"
        headers = {"Authorization": f"Bearer {token}", "Sec-Fetch-Site": "same-origin"}
        with suppress(httpx.TransportError):
            response = await client.post(self.environment.url("/sessions"), data={"staff_id": who}, headers=headers)
            self.ended += response.status_code == httpx.codes.OK


@asynccontextmanager
async def reporting(environment: Environment, seed: int) -> AsyncIterator[tuple[Stream, OtherSystems]]:
    """Keep a stream of reports going for as long as the caller causes faults, and until it was long enough."""
    over = asyncio.Event()
    async with environment.log() as log, asyncio.TaskGroup() as group:
        stream, others = Stream(environment, seed, extent.REPORTS), OtherSystems(environment, log)
        group.create_task(stream.run(over))
        group.create_task(others.run(over))
        try:
            yield stream, others
        finally:
            over.set()


def _finding(number: int) -> Record:
    said = {
        "classification": "abuse",
        "labels": ["threat"],
        "summary": "Found by the fault suite",
        "post": {
            "network": "x",
            "kind": "reply",
            "url": f"https://x.com/someone/status/{number}",
            "author": "@someone",
        },
    }
    attributes = {
        "id": f"finding-{number}",
        "source": "/monitoring/faults",
        "type": "org.example.monitoring.finding.v1",
        "time": SystemClock().now(),
        "datacontenttype": "application/json",
    }
    message = kafka_binding.to_binary_event(CloudEvent(attributes, said))
    headers = tuple((name, bytes(value)) for name, value in message.headers.items())
    return Record(topics.INBOUND.name, str(number).encode(), message.value, headers)


def _declaration(number: int) -> dict[str, str]:
    return {
        "platform": "facebook",
        "handle": f"faultsuite.page{number}",
        "class": "official",
        "requirement": "Tell people near the office about its opening hours",
        "purpose": "Opening hours",
        "owner": "S2001",
        "title": "A page that was there before",
        "vetting_required": "bpss",
    }
