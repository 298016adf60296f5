"""Runs a demo: send the reports, wait until all is settled, read what became of each, and follow some of them up."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from demo.follow_up import FollowingUp, chosen
from demo.readers import Alert, Case, Figures, Ledger, LedgerUnavailable, ReportReader
from demo.reports import PlannedReport
from demo.results import DemoResult, rows_of
from demo.submission import Answer, Submission, sleep_unless
from demo.tokens import Bearer, DemoCannotRun

_LOOK_AGAIN = 0.5
_READY_WITHIN = 5.0
_NOT_ALLOWED = frozenset({httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN})

ShowProgress = Callable[[str, int], Callable[[], None]]
"""Start a progress bar of so many parts; call what it returns after each part."""


class Interruptions:
    """The first Ctrl-C ends the sending, the second the waiting; the third ends the command."""

    def __init__(self) -> None:
        self.sending = asyncio.Event()
        self.waiting = asyncio.Event()

    @contextmanager
    def heard(self) -> Iterator[None]:
        """Listen for as long as the demo runs."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._pressed, loop)
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGINT)

    def _pressed(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self.sending.is_set():
            self.sending.set()
        elif not self.waiting.is_set():
            self.waiting.set()
            loop.remove_signal_handler(signal.SIGINT)


@dataclass
class _Known:
    """What became of the reports, as far as it was read."""

    after: Figures | None = None
    cases: Mapping[UUID, Sequence[Case]] = field(default_factory=dict)
    alerts: dict[UUID, list[Alert]] = field(default_factory=dict)


class Demo:
    """One run against one Signpost."""

    def __init__(self, client: httpx.AsyncClient, bearer: Bearer, ledger: Ledger, progress: ShowProgress) -> None:
        self._client = client
        self._bearer = bearer
        self._reader = ReportReader(client, bearer)
        self._ledger = ledger
        self._progress = progress
        self._interruptions = Interruptions()

    async def run(self, plan: Iterator[PlannedReport], *, count: int, rate: float, wait: float) -> DemoResult:
        """Send `count` reports of `plan`, wait at most `wait` seconds for all to settle, return what became of them.

        Raises:
            DemoCannotRun: there is nothing to send to, or we are not allowed to.
        """
        before = await self._before()
        with self._interruptions.heard():
            sending = Submission(
                self._client,
                self._bearer,
                rate=rate,
                stop=self._interruptions.sending,
                note=self._progress("Reports sent", count),
            )
            await sending.run(plan)
            interrupted = self._interruptions.sending.is_set()
            known = await self._settled(sending.answers, before, wait)
            rows = rows_of(sending.answers, known.cases, known.alerts)
            followed = [] if interrupted else await FollowingUp(self._client, self._bearer, wait=wait).run(chosen(rows))
        source = self._ledger.source
        return DemoResult(rows, before, known.after, source, interrupted=interrupted, waited=wait, followed=followed)

    async def _before(self) -> Figures:
        """Return the figures before anything is sent. A service that says it is busy is asked again for a while."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _READY_WITHIN
        while True:
            try:
                (await self._client.get("/report/health/ready")).raise_for_status()
                await self._reader.check()
                return await self._ledger.figures()
            except (httpx.HTTPError, LedgerUnavailable) as error:
                if loop.time() > until or not _may_pass(error):
                    raise DemoCannotRun(self._why(error)) from error
            await asyncio.sleep(_LOOK_AGAIN)

    def _why(self, error: Exception) -> str:
        cause = error.__cause__ or error
        if isinstance(cause, httpx.HTTPStatusError) and cause.response.status_code in _NOT_ALLOWED:
            path, status = cause.request.url.path, cause.response.status_code
            return f"{path} answers {status}: the teams' leads and operations of the demonstration need their roles"
        return f"no Signpost is ready at {self._client.base_url}; is it started?"

    async def _settled(self, answers: Sequence[Answer], before: Figures, wait: float) -> _Known:
        """Read what became of the reports, again and again until it is all there or the time is up."""
        known, loop = _Known(), asyncio.get_running_loop()
        until = loop.time() + wait
        accepted = [answer.report_id for answer in answers if answer.report_id]
        note = self._progress("Cases and alerts read", len(accepted))
        while True:
            try:
                await self._read(known, accepted, note)
            except (httpx.HTTPError, LedgerUnavailable):
                known.after = None
            if self._all_there(known, answers, before) or loop.time() >= until:
                return known
            if self._interruptions.waiting.is_set():
                return known
            self._forget_unfinished(known, answers)
            await sleep_unless(self._interruptions.waiting, _LOOK_AGAIN)

    async def _read(self, known: _Known, accepted: Sequence[UUID], note: Callable[[], None]) -> None:
        known.cases = await self._reader.cases(accepted)
        unread = [report_id for report_id in known.cases if report_id not in known.alerts]
        known.alerts |= await self._reader.alerts(unread, note)
        known.after = await self._ledger.figures()

    @staticmethod
    def _all_there(known: _Known, answers: Sequence[Answer], before: Figures) -> bool:
        rows = rows_of(answers, known.cases, known.alerts)
        result = DemoResult(rows, before, known.after, "")
        return not any(True for _ in result.problems())

    @staticmethod
    def _forget_unfinished(known: _Known, answers: Sequence[Answer]) -> None:
        """Ask again about those that are not yet as they should be."""
        for row in rows_of(answers, known.cases, known.alerts):
            if row.answer.report_id and any(True for _ in row.problems()):
                known.alerts.pop(row.answer.report_id, None)


def _may_pass(error: Exception) -> bool:
    cause = error.__cause__ or error
    return isinstance(cause, httpx.HTTPStatusError) and cause.response.is_server_error
