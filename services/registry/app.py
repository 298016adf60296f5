"""The wiring of the registry, from top to bottom."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry import consumer
from services.registry.accounts import api as accounts_api
from services.registry.accounts import pages as accounts_pages
from services.registry.accounts.handlers import REVIEWS, announce_due
from services.registry.approvals import api as approvals_api
from services.registry.approvals import pages as approvals_pages
from services.registry.approvals import refusals as approvals_refusals
from services.registry.confirmations import api as confirmations_api
from services.registry.confirmations import pages as confirmations_pages
from services.registry.context.dependencies import RegistryParts
from services.registry.context.domain import Periods
from services.registry.context.work import SYSTEM, Observers, Work
from services.registry.eligibility import api as eligibility_api
from services.registry.eligibility import pages as eligibility_pages
from services.registry.lookup import api as lookup_api
from services.registry.lookup import pages as lookup_pages
from services.registry.operators import api as operators_api
from services.registry.operators import evaluation
from services.registry.operators import pages as operators_pages
from services.registry.operators import refusals as operators_refusals
from services.registry.overview import api as overview_api
from services.registry.overview import pages as overview_pages
from services.registry.settings import RegistrySettings
from shared.audit.anchors import anchor_sweeps
from shared.clock import Clock
from shared.db.sweep import Sweep
from shared.ids import Ids
from shared.messaging.auditor import Auditor
from shared.messaging.consumer import BatchConsumer
from shared.messaging.ended_sessions import session_roles
from shared.messaging.log import EventLog
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.messaging.retention import retention_sweeps
from shared.people import names_of
from shared.process import open_parts
from shared.runtime import Role, Service, why_unready
from shared.web.app import create_app
from shared.web.dead_letters import dead_letters_router

PREFIX = "/accounts"
ROUTERS = (
    dead_letters_router(PREFIX, names_of=names_of),
    lookup_pages.router,
    lookup_api.router,
    lookup_api.official_router,
    accounts_api.router,
    approvals_api.router,
    confirmations_api.router,
    operators_api.router,
    eligibility_api.training_router,
    eligibility_api.vetting_router,
    accounts_api.reviews_router,
    accounts_api.exports_router,
    overview_api.router,
    approvals_pages.router,
    confirmations_pages.router,
    eligibility_pages.training_router,
    eligibility_pages.vetting_router,
    operators_pages.router,
    accounts_pages.router,
    overview_pages.router,
)
_WITH_PAGES = ("accounts", "approvals", "confirmations", "eligibility", "lookup", "operators", "overview")
TEMPLATES = tuple(Path(__file__).parent / name / "templates" for name in _WITH_PAGES)
REFUSALS = {
    **approvals_refusals.REFUSALS,
    **confirmations_pages.REFUSALS,
    **operators_refusals.REFUSALS,
    **eligibility_pages.REFUSALS,
}
OBSERVERS = Observers(people_changed=evaluation.re_evaluate_people, accounts_changed=evaluation.re_evaluate_accounts)
_LAPSES_EVERY = timedelta(seconds=5)
_REVIEWS_EVERY = timedelta(minutes=1)
_RECHECKS_EVERY = timedelta(hours=1)

_AtWork = Callable[[AsyncSession, datetime], Work]


@asynccontextmanager
async def open_service(
    settings: RegistrySettings, *, clock: Clock | None = None, ids: Ids | None = None, log: EventLog | None = None
) -> AsyncIterator[Service]:
    """Open the registry, and close on exit what was opened here."""
    async with open_parts(
        "registry", settings, settings.registry_database_url, TEMPLATES, clock=clock, ids=ids, log=log
    ) as fields:
        parts = RegistryParts(**fields, periods=periods_of(settings), observers=OBSERVERS)
        roles = _roles(parts, settings)
        app = create_app(
            parts,
            prefix=PREFIX,
            routers=ROUTERS,
            refusals=REFUSALS,
            readiness=partial(why_unready, roles),
        )
        yield Service(parts, PREFIX, app, roles)


def _roles(parts: RegistryParts, settings: RegistrySettings) -> Sequence[Role]:
    database, log, outbox, clock, ids = parts.database, parts.log, parts.outbox, parts.clock, parts.ids
    sweep = partial(Sweep, database=database, clock=clock)
    at_work = partial(work_of, settings=settings, ids=ids, outbox=outbox)
    return (
        BatchConsumer(
            consumer.GROUP,
            topics=consumer.TOPICS,
            handlers=consumer.handlers(at_work),
            database=database,
            log=log,
            outbox=outbox,
            clock=clock,
            ids=ids,
            ordered=False,
        ),
        Relay("registry", database=database, log=log, clock=clock, outbox=outbox),
        sweep("registry-lapses", _working(evaluation.expire_due, at_work), every=_LAPSES_EVERY),
        sweep("registry-rechecks", _working(evaluation.recheck_training, at_work), every=_RECHECKS_EVERY),
        sweep("registry-reviews", _working(announce_due, at_work), every=_REVIEWS_EVERY),
        Auditor("registry", (*evaluation.STEPS, REVIEWS), database=database, clock=clock, outbox=outbox),
        *retention_sweeps(parts),
        *anchor_sweeps(parts),
        *session_roles(parts),
    )


def work_of(
    session: AsyncSession,
    now: datetime,
    *,
    settings: RegistrySettings,
    ids: Ids,
    outbox: Outbox,
    actor: str = SYSTEM,
) -> Work:
    """Return the work of a use case without a signed-in person: in a sweep, a consumer or a command."""
    return Work(session, actor, now, ids, outbox, periods_of(settings), OBSERVERS)


def periods_of(settings: RegistrySettings) -> Periods:
    """Return the periods that the settings state."""
    return Periods(training_months=settings.registry_training_months, review_months=settings.registry_review_months)


def _working(
    step: Callable[[Work], Awaitable[int]], at_work: _AtWork
) -> Callable[[AsyncSession, datetime], Awaitable[int]]:
    async def swept(session: AsyncSession, now: datetime) -> int:
        return await step(at_work(session, now))

    return swept
