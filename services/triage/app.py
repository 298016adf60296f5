"""The wiring of triage, top to bottom."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from services.triage import consumer
from services.triage.accounts.handlers import forget_accounts
from services.triage.cases import api, pages, queue
from services.triage.cases.handlers import expire_leases, warn_of_deadlines
from services.triage.cases.problems import PROBLEMS
from services.triage.cases.writer import CaseWriter
from services.triage.deadlines.calendar import bank_holidays
from services.triage.deadlines.domain import DeadlinePolicy, OfficeHours, Timekeeper
from services.triage.managers import pages as manager_pages
from services.triage.operations import api as operations_api
from services.triage.operations import pages as operations_pages
from services.triage.operations.lag import LagReader
from services.triage.operations.live import LiveFigures
from services.triage.routing import rulebook
from services.triage.rules import api as rules_api
from services.triage.rules import pages as rules_pages
from services.triage.rules.reload import BookWatch, RunningBook
from services.triage.settings import TriageSettings
from shared.audit.anchoring import anchoring
from shared.clock import Clock, SystemClock
from shared.db.database import Database
from shared.db.sweep import Sweep, Work
from shared.ids import Ids, RandomIds
from shared.messaging.consumer import BatchConsumer
from shared.messaging.log import EventLog
from shared.messaging.open import open_log
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.messaging.retention import retention_sweeps
from shared.runtime import Role, Service
from shared.web.app import create_app
from shared.web.dead_letters import dead_letters_router

PREFIX = "/cases"
TEMPLATES = tuple(Path(__file__).parent / name / "templates" for name in ("cases", "managers", "operations", "rules"))
ROUTERS = (
    dead_letters_router(PREFIX),
    operations_pages.router,  # before the pages of cases, for which any word may be a reference
    operations_api.router,
    rules_pages.router,
    rules_api.router,
    api.router,
    manager_pages.router,
    queue.router,
    pages.router,
)
_LEASES_EVERY = timedelta(seconds=15)
_DEADLINES_EVERY = timedelta(seconds=5)


@asynccontextmanager
async def open_service(
    settings: TriageSettings, *, clock: Clock | None = None, ids: Ids | None = None, log: EventLog | None = None
) -> AsyncIterator[Service]:
    """Open triage; what was opened here is closed on leaving.

    Raises:
        RuleBookRefused: the rule book has a mistake; the message names rule, line and column.
    """
    clock, ids = clock or SystemClock(), ids or RandomIds()
    running = RunningBook(settings.triage_rulebook_file or rulebook.PACKAGED, clock.now())
    deadlines = _deadlines(settings)
    async with AsyncExitStack() as stack:
        database = Database(settings.triage_database_url, application_name="signpost-triage")
        stack.push_async_callback(database.close)
        if log is None:
            log = await open_log(settings)
            stack.push_async_callback(log.close)
        outbox = Outbox("triage", ids)
        writer = CaseWriter(deadlines, ids, outbox)
        accounts = BatchConsumer(
            consumer.ACCOUNTS_GROUP,
            topics=consumer.ACCOUNTS_TOPICS,
            handlers=consumer.ACCOUNTS_HANDLERS,
            database=database,
            log=log,
            outbox=outbox,
            clock=clock,
            ids=ids,
            ordered=False,
            on_tombstone=forget_accounts,
        )
        reports = BatchConsumer(
            consumer.GROUP,
            topics=consumer.TOPICS,
            handlers=consumer.handlers(writer, running),
            database=database,
            log=log,
            outbox=outbox,
            clock=clock,
            ids=ids,
            after=accounts,
        )
        roles: Sequence[Role] = (
            accounts,
            reports,
            _operations(database, log, outbox, clock, ids),
            BookWatch(running, clock),
            Relay("triage", database=database, log=log, clock=clock, outbox=outbox),
            *retention_sweeps("triage", database=database, log=log, clock=clock),
            *anchoring("triage", settings, database=database, clock=clock),
            *_case_sweeps(database, clock, writer),
        )
        app = create_app(
            service="triage",
            prefix=PREFIX,
            settings=settings,
            routers=ROUTERS,
            domain_problems=PROBLEMS,
            templates=TEMPLATES,
            readiness=lambda: [f"{role.name}: {why}" for role in roles if (why := role.unready_because)],
            clock=clock,
            body_limit=rules_pages.BODY_LIMIT,
        )
        app.state.database, app.state.outbox, app.state.ids = database, outbox, ids
        app.state.clocks, app.state.rules = deadlines, running
        app.state.incident_grace = settings.triage_incident_grace
        app.state.lag, app.state.live_figures = LagReader(log, clock), LiveFigures()
        yield Service("triage", PREFIX, app, database, roles)


def _deadlines(settings: TriageSettings) -> DeadlinePolicy:
    holidays = bank_holidays()
    office = OfficeHours(settings.triage_office_opens, settings.triage_office_closes, holidays)
    own = {
        team: Timekeeper(OfficeHours(opens, closes, holidays, every_day=daily))
        for team, (opens, closes, daily) in settings.team_hours.items()
    }
    return DeadlinePolicy(Timekeeper(office), settings.staffed_24_7, own)


def _operations(database: Database, log: EventLog, outbox: Outbox, clock: Clock, ids: Ids) -> BatchConsumer:
    return BatchConsumer(
        consumer.OPERATIONS_GROUP,
        topics=consumer.OPERATIONS_TOPICS,
        handlers=consumer.OPERATIONS_HANDLERS,
        database=database,
        log=log,
        outbox=outbox,
        clock=clock,
        ids=ids,
        ordered=False,
    )


def _case_sweeps(database: Database, clock: Clock, writer: CaseWriter) -> Sequence[Sweep]:
    leases = partial(expire_leases, writer=writer)
    deadlines = partial(warn_of_deadlines, writer=writer)
    return (
        _sweep("triage-leases", leases, database, clock, _LEASES_EVERY),
        _sweep("triage-deadlines", deadlines, database, clock, _DEADLINES_EVERY),
    )


def _sweep(name: str, work: Work, database: Database, clock: Clock, every: timedelta) -> Sweep:
    return Sweep(name, work, database=database, clock=clock, every=every)
