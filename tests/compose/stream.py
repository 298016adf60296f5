"""A stream of mixed reports that goes on during faults: each report is repeated until it is answered."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import httpx

from demo.mix import plan
from demo.reports import PlannedReport
from demo.tokens import Bearer, DemoCannotRun

_AT_ONCE = 4
_MORE_WITHIN = 600.0
_PAUSE = 0.2
_ENDLESS = 1_000_000
_AGAIN = frozenset({429, 502, 503, 504})
"""Responses that mean "not taken" or "not known". An internal error is not one of them: it would be a defect."""


class Stream:
    """Reports on their way, and their responses."""

    def __init__(self, client: httpx.AsyncClient, bearer: Bearer, seed: int) -> None:
        self.accepted = 0
        self.answered = 0
        self.repeated = 0
        self.wrong: Counter[str] = Counter()
        """Scenarios whose response was not the planned one."""
        self._client = client
        self._bearer = bearer
        self._plan: Iterator[PlannedReport] = plan(seed, _ENDLESS)
        self._stopped = asyncio.Event()

    async def run(self) -> None:
        """Send until `stop`."""
        async with asyncio.TaskGroup() as group:
            for _ in range(_AT_ONCE):
                group.create_task(self._sending())

    def stop(self) -> None:
        """Send no more; reports on their way are still answered."""
        self._stopped.set()

    async def more(self, count: int) -> None:
        """Wait until `count` more reports were answered."""
        wanted = self.answered + count
        async with asyncio.timeout(_MORE_WITHIN):
            while self.answered < wanted:
                await asyncio.sleep(_PAUSE)

    async def trouble(self) -> None:
        """Wait until something had to be repeated, or, if nothing has to be, until reports went through anyway."""
        repeated, answered = self.repeated, self.answered
        async with asyncio.timeout(_MORE_WITHIN):
            while self.repeated == repeated and self.answered < answered + _AT_ONCE:
                await asyncio.sleep(_PAUSE)

    async def _sending(self) -> None:
        while not self._stopped.is_set():
            report = next(self._plan)
            answer = await self._until_answered(report)
            self.answered += 1
            self.accepted += answer.status_code == httpx.codes.CREATED
            if answer.status_code != report.expected.status:
                self.wrong[f"{report.scenario}: {answer.status_code}"] += 1

    async def _until_answered(self, report: PlannedReport) -> httpx.Response:
        while True:
            try:
                answer = await self._send(report)
            except (httpx.HTTPError, DemoCannotRun):  # Signpost or the identity provider is unavailable
                pass
            else:
                if answer.status_code not in _AGAIN:
                    return answer
            self.repeated += 1
            await asyncio.sleep(_PAUSE)

    async def _send(self, report: PlannedReport) -> httpx.Response:
        headers = {"content-type": report.content_type, "idempotency-key": report.key}
        if not report.sender.anonymous:
            headers["authorization"] = await self._bearer(report.sender)
        return await self._client.post(report.path, content=report.content, headers=headers)


@asynccontextmanager
async def streaming(client: httpx.AsyncClient, bearer: Bearer, seed: int) -> AsyncIterator[Stream]:
    """Send in the background; on leaving, everything on its way has been answered."""
    stream = Stream(client, bearer, seed)
    async with asyncio.TaskGroup() as group:
        group.create_task(stream.run())
        try:
            yield stream
        finally:
            stream.stop()
