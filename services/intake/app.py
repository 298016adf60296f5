"""The wiring of intake, top to bottom."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from fastapi import FastAPI

from services.intake import consumer
from services.intake.forms import abuse, advice, exception, incident, misuse
from services.intake.forms import pages as forms
from services.intake.forms.forms import Form
from services.intake.forms.handlers import forget_expired as forget_drafts
from services.intake.idempotency.handlers import Idempotency
from services.intake.idempotency.handlers import forget_expired as forget_answers
from services.intake.inbound import api as inbound
from services.intake.inbound import consumer as inbound_consumer
from services.intake.inbound.consumer import InboundHandler
from services.intake.inbound.handlers import forget_expired as forget_inbound
from services.intake.inbound.problems import PROBLEMS as INBOUND_PROBLEMS
from services.intake.inbound.reading import InboundReader, ReceivedEvent
from services.intake.inbound.sources_yaml import load_sources
from services.intake.ledger.handlers import record_published
from services.intake.ledger.publishing import LedgerFigures
from services.intake.policy import pages as policy
from services.intake.reports import api as reports
from services.intake.reports.domain import ReceiptCodes
from services.intake.reports.problems import PROBLEMS as REPORT_PROBLEMS
from services.intake.settings import IntakeSettings
from services.intake.sign_in import pages as sign_in
from services.intake.sign_in.front_door import open_front_door
from services.intake.sign_in.oidc import open_oidc
from services.intake.tracking import api as tracking_api
from services.intake.tracking import pages as tracking
from services.intake.tracking.access import Access, StatusTokens, WrongCodeLimit
from services.intake.tracking.problems import PROBLEMS as TRACKING_PROBLEMS
from shared.clock import Clock, SystemClock
from shared.db.database import Database
from shared.db.sweep import Sweep
from shared.ids import Ids, RandomIds
from shared.messaging.consumer import BatchConsumer
from shared.messaging.log import EventLog
from shared.messaging.open import open_log
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.messaging.retention import retention_sweeps
from shared.runtime import Role, Service
from shared.web import static_files
from shared.web.app import create_app
from shared.web.dead_letters import dead_letters_router

PREFIX = "/report"
_HERE = Path(__file__).parent
TEMPLATES = tuple(_HERE / name / "templates" for name in ("forms", "tracking", "sign_in", "policy"))
FORMS = (abuse.FORM, misuse.FORM, incident.FORM, advice.FORM, exception.FORM)
ROUTERS = (
    dead_letters_router(PREFIX),
    forms.router,  # before the questions, whose last part of the path is any word
    tracking.router,
    tracking.report_router,
    reports.router,
    inbound.router,
    tracking_api.router,
    sign_in.router,
    policy.router,
    static_files.router,
)
BODY_LIMIT = 1024 * 1024
"""Bytes: the longest narrative fits in any script, percent-encoded, and one too long still comes back to its writer."""
_HOURLY = timedelta(hours=1)


@asynccontextmanager
async def open_service(
    settings: IntakeSettings, *, clock: Clock | None = None, ids: Ids | None = None, log: EventLog | None = None
) -> AsyncIterator[Service]:
    """Open intake; what was opened here is closed on leaving."""
    clock, ids = clock or SystemClock(), ids or RandomIds()
    async with AsyncExitStack() as stack:
        database = Database(settings.intake_database_url, application_name="signpost-intake")
        stack.push_async_callback(database.close)
        if log is None:
            log = await open_log(settings)
            stack.push_async_callback(log.close)
        outbox = Outbox("intake", ids)
        sources = load_sources(settings.intake_inbound_sources)
        receipts = ReceiptCodes(settings.derive_key("receipts"))
        take = InboundHandler(sources, ids=ids, outbox=outbox, receipts=receipts)
        every_form = (*FORMS, incident.supplier_form(settings.intake_supplier_text, settings.intake_supplier_fields))
        roles = _roles(database, log, outbox, clock, ids, take)
        app = create_app(
            service="intake",
            prefix=PREFIX,
            settings=settings,
            routers=(*ROUTERS, forms.form_routes(every_form)),
            domain_problems={**REPORT_PROBLEMS, **TRACKING_PROBLEMS, **INBOUND_PROBLEMS},
            templates=TEMPLATES,
            readiness=lambda: [f"{role.name}: {why}" for role in roles if (why := role.unready_because)],
            clock=clock,
            body_limit=BODY_LIMIT,
        )
        app.state.database, app.state.outbox, app.state.ids = database, outbox, ids
        app.state.inbound_sources, app.state.receipts = sources, receipts
        _equip(app, settings, every_form)
        yield Service("intake", PREFIX, app, database, roles)


def _roles(
    database: Database, log: EventLog, outbox: Outbox, clock: Clock, ids: Ids, take: InboundHandler
) -> Sequence[Role]:
    return (
        Relay("intake", database=database, log=log, clock=clock, on_published=record_published, outbox=outbox),
        *retention_sweeps("intake", database=database, log=log, clock=clock),
        BatchConsumer(
            consumer.GROUP,
            topics=consumer.TOPICS,
            handlers=consumer.HANDLERS,
            database=database,
            log=log,
            outbox=outbox,
            clock=clock,
            ids=ids,
            ordered=False,
        ),
        BatchConsumer(
            inbound_consumer.GROUP,
            topics=inbound_consumer.TOPICS,
            handlers={ReceivedEvent: take},
            database=database,
            log=log,
            outbox=outbox,
            clock=clock,
            ids=ids,
            ordered=False,
            limits=inbound_consumer.LIMITS,
            reader=InboundReader(),
        ),
        Sweep(
            "intake-ledger",
            LedgerFigures(outbox).publish,
            database=database,
            clock=clock,
            every=timedelta(seconds=1),
        ),
        Sweep("intake-drafts", forget_drafts, database=database, clock=clock, every=_HOURLY),
        Sweep("intake-answers", forget_answers, database=database, clock=clock, every=_HOURLY),
        Sweep("intake-inbound", forget_inbound, database=database, clock=clock, every=_HOURLY),
    )


def _equip(app: FastAPI, settings: IntakeSettings, every_form: Sequence[Form]) -> None:
    """Put what routes ask for where they find it; every key has its own purpose."""
    app.state.forms = {form.name: form for form in every_form}
    app.state.access = Access(app.state.receipts, WrongCodeLimit())
    app.state.idempotency = Idempotency(settings.derive_key("idempotency"))
    app.state.status_tokens = StatusTokens(settings.derive_key("status page"))
    app.state.front_door = open_front_door(settings, open_oidc(settings, app.state.provider))
