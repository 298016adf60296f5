"""Sends the planned reports at a rate, and each one again, with the same key, until it is answered."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from uuid import UUID

import httpx

from demo.reports import ANONYMOUS, CREATED, Expectation, PlannedReport, Sender
from demo.tokens import Bearer

_AT_ONCE = 8
_PATIENCE_SECONDS = 60.0
"""How long one report is tried."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_AGAIN = frozenset(
    {
        httpx.codes.TOO_MANY_REQUESTS,
        httpx.codes.BAD_GATEWAY,
        httpx.codes.SERVICE_UNAVAILABLE,
        httpx.codes.GATEWAY_TIMEOUT,
    }
)
"""Answers that leave open whether the report was taken: sent again with the same key, it is one report either way."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered to one report."""

    number: int
    scenario: str
    expected: Expectation
    status: int | None
    """None where nothing was answered for as long as it was tried."""
    report_id: UUID | None = None
    reference: str = ""
    tries: int = 1
    sender: Sender = ANONYMOUS

    @property
    def accepted(self) -> bool:
        return self.report_id is not None


class Submission:
    """Several reporters at once; `stop` ends it after the reports under way."""

    def __init__(
        self, client: httpx.AsyncClient, bearer: Bearer, *, rate: float, stop: asyncio.Event, note: Callable[[], None]
    ) -> None:
        """`rate` is reports a second, 0 for as fast as they are answered; `note` is called after each."""
        self._client = client
        self._bearer = bearer
        self._rate = rate
        self._stop = stop
        self._note = note
        self._started = 0.0
        self.answers: list[Answer] = []

    async def run(self, plan: Iterator[PlannedReport]) -> None:
        """Send the whole plan, or as much as there is time for until `stop`."""
        self._started = _now()
        await asyncio.gather(*(self._one_reporter(plan) for _ in range(_AT_ONCE)))

    async def _one_reporter(self, plan: Iterator[PlannedReport]) -> None:
        for planned in plan:
            if not await self._its_turn(planned.number):
                return
            self.answers.append(await self._until_answered(planned))
            self._note()

    async def _its_turn(self, number: int) -> bool:
        """Wait until the report is due; return whether it is still wanted."""
        due = self._started + (number - 1) / self._rate if self._rate else self._started
        await sleep_unless(self._stop, due - _now())
        return not self._stop.is_set()

    async def _until_answered(self, planned: PlannedReport) -> Answer:
        until, pause, tries = _now() + _PATIENCE_SECONDS, _FIRST_PAUSE, 0
        while True:
            tries += 1
            response = await self._tried(planned)
            if response is not None and response.status_code not in _AGAIN:
                return _answer(planned, response, tries)
            if _now() >= until or self._stop.is_set():
                return Answer(planned.number, planned.scenario, planned.expected, None, tries=tries)
            await asyncio.sleep(max(pause, _asked_to_wait(response)))
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _tried(self, planned: PlannedReport) -> httpx.Response | None:
        """Send it once; None where the connection broke."""
        try:
            headers = {"Content-Type": planned.content_type, "Idempotency-Key": planned.key}
            if not planned.sender.anonymous:
                headers["Authorization"] = await self._bearer(planned.sender)
            return await self._client.post(planned.path, content=planned.content, headers=headers)
        except httpx.TransportError:
            return None


def _answer(planned: PlannedReport, response: httpx.Response, tries: int) -> Answer:
    if response.status_code != CREATED:
        return Answer(planned.number, planned.scenario, planned.expected, response.status_code, tries=tries)
    said = response.json()
    return Answer(
        number=planned.number,
        scenario=planned.scenario,
        expected=planned.expected,
        status=CREATED,
        report_id=UUID(said["report_id"]),
        reference=str(said["reference"]),
        tries=tries,
        sender=planned.sender,
    )


def _asked_to_wait(response: httpx.Response | None) -> float:
    """Return the seconds of `Retry-After`, 0 where nothing is asked."""
    asked = response.headers.get("retry-after", "") if response is not None else ""
    return float(asked) if asked.isdigit() else 0.0


async def sleep_unless(stop: asyncio.Event, seconds: float) -> None:
    """Sleep so long, or until `stop` is set."""
    if seconds <= 0:
        return
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return


def _now() -> float:
    return asyncio.get_running_loop().time()
