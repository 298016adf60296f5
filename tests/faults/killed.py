"""The `signpost` command, made to die (or to hang) at one step: `python -m tests.faults.killed up …`.

The product has no code for this: the edges where a step begins and ends are wrapped from outside, in this process
alone. Environment variables say what is to happen: `FAULT_STEP` names the step and `FAULT_PASSES` the pass (from
1). `FAULT_STALL` names a file: the process does not die there but hangs as long as the file exists.
`FAULT_CLOCK` names a file with the seconds by which the clock is wrong, and `FAULT_SMTP_PORT` is the mail server of an
embedded Signpost instead of its own catcher. `FAULT_BUG` lists the reports at which triage fails, or is `every`.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import aiosmtplib
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

import services.cli
import services.embedded.run
from services.embedded.mail_catcher import MailFolder
from services.notifier.delivery.smtp import SmtpChannel
from services.triage.accounts.domain import Handle
from services.triage.reporters import handlers as reporters
from services.triage.reports.domain import TriageReport
from shared import runtime
from shared.clock import SystemClock
from shared.db.database import Database
from shared.messaging.kafka.log import KafkaAppender
from shared.messaging.kafka.subscription import KafkaSubscription
from shared.messaging.postgres import log as postgres_log
from shared.messaging.postgres.log import PostgresAppender
from shared.messaging.postgres.subscription import PostgresSubscription
from tests.faults import extent
from tests.faults.steps import SITES, Act, Moment, Step

_ROLE: ContextVar[str | None] = ContextVar("role", default=None)
_LOOK_EVERY = 0.05
_WROTE = text("select pg_current_xact_id_if_assigned() is not null")


class Fate:
    """What happens to this process, and where."""

    def __init__(self) -> None:
        armed = os.environ.get("FAULT_STEP")
        self._armed = Step.parse(armed) if armed else None
        self._passes = int(os.environ.get("FAULT_PASSES", "1"))
        stall = os.environ.get("FAULT_STALL")
        self._stall = Path(stall) if stall else None

    async def comes_by(self, role: str | None, act: Act, moment: Moment) -> None:
        """Die or hang, if this is the step and the pass for it."""
        if role is None:
            return
        if Step(role, act, moment) != self._armed:
            return
        self._passes -= 1
        if self._passes:
            return
        if self._stall:
            print(f"stands still at {self._armed}", flush=True)
            while self._stall.exists():
                await extent.lasting(_LOOK_EVERY)
        else:
            os.kill(os.getpid(), signal.SIGKILL)


def arm(fate: Fate) -> None:
    """Wrap every edge."""
    _know_roles()
    _wrap_transactions(fate)
    _wrap_log(fate)
    _wrap_mail(fate)
    if reports := os.environ.get("FAULT_BUG"):
        _make_a_mistake(reports)
    if port := os.environ.get("FAULT_SMTP_PORT"):
        _mail_elsewhere(int(port))
    if clock := os.environ.get("FAULT_CLOCK"):
        _bend_clock(Path(clock))


def _know_roles() -> None:
    original = runtime._run

    async def run(role: runtime.Role, stop: asyncio.Event) -> None:
        _ROLE.set(role.name)
        await original(role, stop)

    runtime._run = run


def _wrap_transactions(fate: Fate) -> None:
    original_init, original = Database.__init__, Database.transaction

    def init(self: Database, url: str, *, application_name: str, **more: Any) -> None:
        original_init(self, url, application_name=application_name, **more)
        self.fault_service = application_name.removeprefix("signpost-")  # type: ignore[attr-defined]  # ours alone

    @asynccontextmanager
    async def transaction(self: Database) -> AsyncIterator[AsyncSession]:
        act = SITES.get(caller())
        role = _ROLE.get() or f"{self.fault_service}-web"  # type: ignore[attr-defined]  # as above
        wrote = False
        async with original(self) as session:
            yield session
            if act:
                await session.flush()
                wrote = bool(await session.scalar(_WROTE))
            if act and wrote:
                await fate.comes_by(role, act, Moment.BEFORE)
        if act and wrote:
            await fate.comes_by(role, act, Moment.AFTER)

    Database.__init__ = init  # type: ignore[method-assign]  # the point of this module
    Database.transaction = transaction  # type: ignore[method-assign]  # as above


def caller() -> str:
    """Return the name of the function that opened this transaction: the first one outside this and contextlib."""
    frame: FrameType | None = sys._getframe(2)
    while frame and frame.f_code.co_filename.endswith("contextlib.py"):
        frame = frame.f_back
    return frame.f_code.co_qualname if frame else ""


def _wrap_log(fate: Fate) -> None:
    for appender in (KafkaAppender, PostgresAppender):
        _wrap(appender, "append", fate, Act.PUBLISH)
    for member in (KafkaSubscription, PostgresSubscription):
        _wrap(member, "commit", fate, Act.OFFSETS, counts=lambda batch: bool(batch.records))
    _wrap_within(KafkaAppender, "_send", fate, Act.PUBLISH)
    _wrap_within(postgres_log, "_append", fate, Act.PUBLISH)


def _wrap_mail(fate: Fate) -> None:
    _wrap(SmtpChannel, "send", fate, Act.SEND)
    data: Callable[..., Awaitable[Any]] = aiosmtplib.SMTP.data

    async def stopped(self: aiosmtplib.SMTP, *arguments: Any, **named: Any) -> Any:
        await fate.comes_by(_ROLE.get(), Act.SEND, Moment.WITHIN)
        return await data(self, *arguments, **named)

    aiosmtplib.SMTP.data = stopped  # type: ignore[method-assign]  # the point of this module


def _wrap(
    owner: type, name: str, fate: Fate, act: Act, *, counts: Callable[[Any], bool] = lambda _argument: True
) -> None:
    original = getattr(owner, name)

    async def wrapped(self: object, argument: Any) -> Any:
        if not counts(argument):
            return await original(self, argument)
        await fate.comes_by(_ROLE.get(), act, Moment.BEFORE)
        result = await original(self, argument)
        await fate.comes_by(_ROLE.get(), act, Moment.AFTER)
        return result

    setattr(owner, name, wrapped)


def _wrap_within(owner: Any, name: str, fate: Fate, act: Act) -> None:
    original = getattr(owner, name)

    async def wrapped(*arguments: Any) -> Any:
        result = await original(*arguments)
        await fate.comes_by(_ROLE.get(), act, Moment.WITHIN)
        return result

    setattr(owner, name, wrapped)


def _make_a_mistake(reports: str) -> None:
    """Let triage fail at these reports (ids separated by commas), or at every one."""
    original: Callable[[TriageReport], tuple[Handle, ...]] = vars(reporters)["accounts_named"]

    def mistaken(report: TriageReport) -> tuple[Handle, ...]:
        if reports == "every" or str(report.report_id) in reports:
            raise ValueError
        return original(report)

    vars(reporters)["accounts_named"] = mistaken


def _mail_elsewhere(port: int) -> None:
    @asynccontextmanager
    async def elsewhere(folder: MailFolder) -> AsyncIterator[int]:
        del folder
        yield port

    vars(services.embedded.run)["open_mail_catcher"] = elsewhere


def _bend_clock(file: Path) -> None:
    original = SystemClock.now

    def now(self: SystemClock) -> datetime:
        return original(self) + timedelta(seconds=float(file.read_text()))

    SystemClock.now = now  # type: ignore[method-assign]  # the point of this module


def main(arguments: Sequence[str]) -> None:
    """Run the command as usual, with the edges wrapped."""
    arm(Fate())
    sys.argv = ["signpost", *arguments]
    services.cli.main()


if __name__ == "__main__":
    main(sys.argv[1:])
