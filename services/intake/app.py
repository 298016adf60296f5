"""The wiring of intake, from top to bottom."""

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import cast

from fastapi import APIRouter
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from services.intake import consumer
from services.intake.conversation import api as conversation_api
from services.intake.conversation import pages as conversation
from services.intake.evidence import api as evidence
from services.intake.evidence import downloads, exports, sweeps, tus
from services.intake.evidence.dependencies import Tickets
from services.intake.evidence.domain import Limits as EvidenceLimits
from services.intake.evidence.handlers import forget_used_grants
from services.intake.evidence.multipart import MOST_TYPED, typed_beside_files
from services.intake.evidence.objects import Objects
from services.intake.evidence.refusals import REFUSALS as EVIDENCE_REFUSALS
from services.intake.evidence.tables import UploadRow, UsedGrantRow
from services.intake.forms import abuse, advice, exception, incident, misuse
from services.intake.forms import pages as forms
from services.intake.forms.forms import Form
from services.intake.forms.handlers import forget_expired as forget_drafts
from services.intake.forms.sent_files import AttachmentParts
from services.intake.forms.session import FormParts
from services.intake.forms.tables import DraftRow
from services.intake.idempotency.handlers import Idempotency
from services.intake.idempotency.handlers import forget_expired as forget_answers
from services.intake.idempotency.tables import AnswerRow
from services.intake.inbound import api as inbound
from services.intake.inbound import consumer as inbound_consumer
from services.intake.inbound.handlers import forget_expired as forget_inbound
from services.intake.inbound.refusals import REFUSALS as INBOUND_REFUSALS
from services.intake.inbound.sources_yaml import load_sources
from services.intake.ledger.handlers import LedgerFigures, record_published
from services.intake.media.clamd import Scanner
from services.intake.notices import pages as notices
from services.intake.outcome_reviews import api as outcome_reviews_api
from services.intake.outcome_reviews import pages as outcome_reviews
from services.intake.policy import pages as policy
from services.intake.reports import api as reports
from services.intake.reports.access import Access, StatusTokens, WrongCodeLimit
from services.intake.reports.dependencies import ReportParts
from services.intake.reports.domain import ReceiptCodes
from services.intake.reports.refusals import REFUSALS as REPORT_REFUSALS
from services.intake.settings import IntakeSettings
from services.intake.sign_in import pages as sign_in
from services.intake.sign_in.front_door import SignInParts, open_front_door
from services.intake.sign_in.oidc import open_oidc
from services.intake.tracking import api as tracking_api
from services.intake.tracking import pages as tracking
from services.intake.tracking.api import REFUSALS as TRACKING_REFUSALS
from services.intake.tracking.queries import is_exempt
from shared.clock import Clock
from shared.db.sweep import Sweep
from shared.events.vocabulary import ReportType
from shared.ids import Ids
from shared.messaging.auditor import Auditor, Step
from shared.messaging.consumer import BatchConsumer
from shared.messaging.ended_sessions import session_roles
from shared.messaging.log import EventLog
from shared.messaging.relay import Relay
from shared.messaging.retention import retention_sweeps
from shared.process import open_parts
from shared.runtime import Fields, Role, Service, why_unready
from shared.web import static_files
from shared.web.app import create_app
from shared.web.dead_letters import dead_letters_router
from shared.web.limits import LargeBodies, StreamedBodies

PREFIX = "/report"
_HERE = Path(__file__).parent
_CAPABILITIES = ("forms", "tracking", "conversation", "outcome_reviews", "sign_in", "policy", "notices")
TEMPLATES = tuple(_HERE / name / "templates" for name in _CAPABILITIES)
FORMS = (abuse.FORM, misuse.FORM, incident.FORM, advice.FORM, exception.FORM)
ROUTERS = (
    dead_letters_router(PREFIX),
    forms.router,  # before the questions, whose paths may end in any word
    tracking.router,
    tracking.report_router,
    conversation.router,
    outcome_reviews.router,
    reports.router,
    inbound.router,
    tracking_api.router,
    conversation_api.router,
    outcome_reviews_api.router,
    evidence.router,
    downloads.router,
    exports.router,
    tus.router,
    sign_in.router,
    policy.router,
    notices.router,
    static_files.router,
)
BODY_LIMIT = 640 * 1024
"""Bytes: the longest narrative fits in any script, percent-encoded: 50,000 characters of 12 bytes."""
_HOURLY = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class IntakeParts(
    inbound.InboundParts,
    ReportParts,
    AttachmentParts,
    FormParts,
    SignInParts,
    policy.PolicyParts,
    notices.NoticeParts,
):
    """What intake's routes and roles need."""


@asynccontextmanager
async def open_service(
    settings: IntakeSettings, *, clock: Clock | None = None, ids: Ids | None = None, log: EventLog | None = None
) -> AsyncIterator[Service]:
    """Open intake, and close on exit what was opened here."""
    every_form = (
        *(form.anonymous if form.kind in settings.intake_anonymous_reports else form for form in FORMS),
        incident.supplier_form(settings.intake_supplier_text, settings.intake_supplier_fields),
    )
    async with open_parts(
        "intake", settings, settings.intake_database_url, TEMPLATES, clock=clock, ids=ids, log=log
    ) as fields:
        parts = _parts(settings, fields, every_form)
        roles = _roles(parts)
        app = create_app(
            parts,
            prefix=PREFIX,
            routers=(*ROUTERS, forms.form_routes(every_form)),
            refusals={**REPORT_REFUSALS, **TRACKING_REFUSALS, **INBOUND_REFUSALS, **EVIDENCE_REFUSALS},
            readiness=partial(why_unready, roles),
            large_bodies=large_bodies(every_form),
            streamed_bodies=streamed_bodies(parts.evidence_limits, every_form),
            cookieless=[
                path_of(route) for route in (*downloads.router.routes, *exports.router.routes, *tus.router.routes)
            ],
        )
        try:
            yield Service(parts, PREFIX, app, roles)
        finally:
            await parts.adding.close()


def large_bodies(every_form: Sequence[Form]) -> LargeBodies:
    """Return the paths that take a narrative, and how many bytes it may have."""
    pages = (f"{form.base}/{step.slug}" for form in every_form for step in form.steps if "narrative" in step.fields)
    of_a_report = (conversation_api.router, outcome_reviews_api.router, conversation.router, outcome_reviews.router)
    patterns = (path_of(route) for router in of_a_report for route in router.routes)
    return dict.fromkeys((*pages, *_paths(reports.router), *_paths(inbound.router), *patterns), BODY_LIMIT)


def streamed_bodies(limits: EvidenceLimits, every_form: Sequence[Form]) -> StreamedBodies:
    """Return the paths that read files as they arrive, and how many bytes they take."""
    one_file = (*evidence.router.routes, *downloads.router.routes, *tus.router.routes)
    pages = (
        re.compile(re.escape(f"{form.base}/{step.slug}"))
        for form in every_form
        for step in form.steps
        if step.takes_files
    )
    several = (*pages, *(path_of(route) for route in conversation.router.routes if cast(APIRoute, route).name == "add"))
    return {
        **{path_of(route): limits.most_bytes + MOST_TYPED for route in one_file},
        **{path_of(route): exports.LONGEST_BODY for route in exports.router.routes},
        **dict.fromkeys(several, limits.most_files * limits.most_bytes + MOST_TYPED),
    }


def path_of(route: BaseRoute) -> re.Pattern[str]:
    """Return the pattern of a route's paths."""
    return cast(APIRoute, route).path_regex


def _paths(router: APIRouter) -> Iterator[str]:
    return (route.path for route in router.routes if isinstance(route, APIRoute))


def _parts(settings: IntakeSettings, fields: Fields, every_form: Sequence[Form]) -> IntakeParts:
    receipts = ReceiptCodes(settings.derive_keys("receipts"))
    return IntakeParts(
        **fields,
        read_streamed=typed_beside_files,
        sources=load_sources(settings.intake_inbound_sources),
        receipts=receipts,
        anonymous=frozenset(map(ReportType, settings.intake_anonymous_reports)),
        idempotency=Idempotency(settings.derive_keys("idempotency")),
        access=Access(receipts, WrongCodeLimit()),
        status_tokens=StatusTokens(settings.derive_keys("status page")),
        objects=Objects(settings.intake_evidence_store),
        is_exempt=is_exempt,
        evidence_limits=EvidenceLimits(
            settings.intake_evidence_max_bytes,
            settings.intake_evidence_most_files,
            settings.intake_evidence_waiting_bytes,
        ),
        scanner=Scanner(settings.intake_clamd),
        tickets=Tickets(settings.derive_keys("upload tickets")),
        forms={form.name: form for form in every_form},
        wrong_draft_codes=WrongCodeLimit(),
        official_channels={str(form): channel for form, channel in settings.intake_official_channels.items()},
        privacy_url=settings.intake_privacy_url,
        policy_url=settings.intake_policy_url,
        front_door=open_front_door(settings, open_oidc(settings, fields["provider"])),
    )


STEPS = (
    Step("upload_forgotten", UploadRow.expires_at, grace=timedelta(minutes=15)),
    Step("draft_forgotten", DraftRow.expires_at, grace=3 * _HOURLY),
    Step("answer_forgotten", AnswerRow.expires_at, grace=3 * _HOURLY),
    Step("grant_forgotten", UsedGrantRow.forget_at, grace=3 * _HOURLY),
)
"""What intake promises to forget in the course of time, for the auditor to find without the sweeps that do it."""


def _roles(parts: IntakeParts) -> Sequence[Role]:
    database, log, outbox, clock, ids = parts.database, parts.log, parts.outbox, parts.clock, parts.ids
    consume = partial(BatchConsumer, database=database, log=log, outbox=outbox, clock=clock, ids=ids, ordered=False)
    sweep = partial(Sweep, database=database, clock=clock)
    with_store = partial(sweeps.when_the_store_answers, parts)
    take = inbound_consumer.InboundHandler(parts.sources, ids=ids, outbox=outbox, receipts=parts.receipts)
    return (
        Relay("intake", database=database, log=log, clock=clock, on_published=record_published, outbox=outbox),
        *retention_sweeps(parts),
        consume(consumer.GROUP, topics=consumer.TOPICS, handlers=consumer.handlers(outbox)),
        consume(
            inbound_consumer.GROUP,
            topics=inbound_consumer.TOPICS,
            handlers={inbound_consumer.ReceivedEvent: take},
            limits=inbound_consumer.LIMITS,
            reader=inbound_consumer.InboundReader(),
        ),
        sweep("intake-ledger", LedgerFigures(outbox).publish, every=timedelta(seconds=1)),
        sweep("intake-drafts", forget_drafts, every=_HOURLY),
        sweep("intake-answers", forget_answers, every=_HOURLY),
        sweep("intake-uploads", with_store(sweeps.forget_uploads), every=timedelta(minutes=1)),
        sweep("intake-orphans", with_store(sweeps.delete_orphans), every=_HOURLY),
        sweep("intake-scans", with_store(sweeps.scan_later), every=timedelta(minutes=1)),
        sweep("intake-grants", forget_used_grants, every=_HOURLY),
        sweep("intake-inbound", forget_inbound, every=_HOURLY),
        Auditor("intake", STEPS, database=database, clock=clock, outbox=outbox),
        *session_roles(parts),
    )
