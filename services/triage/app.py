"""The wiring of triage, from top to bottom."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import time, timedelta
from functools import partial
from pathlib import Path

from fastapi import APIRouter

from services.triage import consumer
from services.triage.accounts.handlers import forget_accounts
from services.triage.actions import pages as action_pages
from services.triage.bulk import api as bulk_api
from services.triage.bulk import handlers as bulk
from services.triage.bulk import pages as bulk_pages
from services.triage.bulk.refusals import NAMES as REFUSED_IN_BULK
from services.triage.bulk.refusals import REFUSALS as BULK_REFUSALS
from services.triage.campaigns import api as campaigns_api
from services.triage.campaigns import pages as campaigns_pages
from services.triage.campaigns import queries as campaign_queries
from services.triage.campaigns import repeats
from services.triage.campaigns.refusals import REFUSALS as CAMPAIGN_REFUSALS
from services.triage.campaigns.suggestions import KEYS, forget, suggest
from services.triage.cases import api, changes, pages
from services.triage.cases.dependencies import NAVIGATION, CaseParts, Section
from services.triage.cases.handlers import LEASES, expire_leases, warn_of_deadlines
from services.triage.cases.refusals import REFUSALS
from services.triage.conversation import api as conversation_api
from services.triage.conversation import pages as conversation_pages
from services.triage.conversation.refusals import REFUSALS as CONVERSATION_REFUSALS
from services.triage.deadlines import queries as deadline_queries
from services.triage.deadlines.calendar import bank_holidays
from services.triage.deadlines.domain import DeadlinePolicy, OfficeHours, Timekeeper
from services.triage.evidence import api as evidence_api
from services.triage.evidence import pages as evidence_pages
from services.triage.evidence.refusals import REFUSALS as EVIDENCE_REFUSALS
from services.triage.export import pages as export_pages
from services.triage.export import pdf
from services.triage.export.refusals import REFUSALS as EXPORT_REFUSALS
from services.triage.managers import pages as manager_pages
from services.triage.merges import api as merge_api
from services.triage.merges import pages as merge_pages
from services.triage.merges.refusals import REFUSALS as MERGE_REFUSALS
from services.triage.operations import api as operations_api
from services.triage.operations import pages as operations_pages
from services.triage.operations.live import LiveFigures, LiveParts
from services.triage.operations.queries import LagReader, dead_letters_waiting
from services.triage.outcome_reviews import api as review_api
from services.triage.outcome_reviews import pages as review_pages
from services.triage.outcome_reviews.refusals import REFUSALS as REVIEW_REFUSALS
from services.triage.people_told import pages as told_pages
from services.triage.queue import api as queue_api
from services.triage.queue import handlers as queue
from services.triage.queue import pages as queue_pages
from services.triage.queue.refusals import REFUSALS as VIEW_REFUSALS
from services.triage.routing import rulebook
from services.triage.rules import api as rules_api
from services.triage.rules import pages as rules_pages
from services.triage.rules.reload import BookWatch, RuleParts, RunningBook
from services.triage.search import handlers as search
from services.triage.settings import TriageSettings
from services.triage.shifts import handlers as shifts
from services.triage.shifts import pages as shift_pages
from services.triage.takedowns import api as takedowns_api
from services.triage.takedowns import pages as takedowns_pages
from services.triage.takedowns import queries as takedown_queries
from services.triage.takedowns.endpoints import Endpoints
from services.triage.takedowns.handlers import Machines, warn_of_takedowns
from services.triage.takedowns.protocols import Contact
from services.triage.takedowns.refusals import REFUSALS as TAKEDOWN_REFUSALS
from services.triage.takedowns.sweeps import send_form
from services.triage.tasks import api as tasks_api
from services.triage.tasks import handlers as tasks
from services.triage.tasks import pages as tasks_pages
from services.triage.tasks import queries as task_queries
from services.triage.tasks.domain import TaskView
from services.triage.tasks.refusals import REFUSALS as TASK_REFUSALS
from services.triage.wellbeing import api as wellbeing_api
from services.triage.wellbeing import handlers as wellbeing
from services.triage.wellbeing import pages as wellbeing_pages
from services.triage.wellbeing import queries as wellbeing_queries
from services.triage.wellbeing.refusals import REFUSALS as WELLBEING_REFUSALS
from services.triage.whole import api as whole_api
from services.triage.whole import queries as whole
from shared.audit.anchors import anchor_sweeps
from shared.clock import Clock, SystemClock
from shared.db.sweep import Sweep
from shared.ids import Ids
from shared.messaging.auditor import Auditor, Owed
from shared.messaging.consumer import BatchConsumer
from shared.messaging.ended_sessions import session_roles
from shared.messaging.log import EventLog
from shared.messaging.relay import Relay
from shared.messaging.retention import retention_sweeps
from shared.people import names_of
from shared.process import open_parts
from shared.runtime import Fields, Role, Service, why_unready
from shared.web.app import create_app
from shared.web.dead_letters import dead_letters_router

PREFIX = "/cases"
TEMPLATES = tuple(
    Path(__file__).parent / name / "templates"
    for name in (
        "bulk",
        "campaigns",
        "cases",
        "conversation",
        "evidence",
        "export",
        "exposure",
        "managers",
        "merges",
        "operations",
        "outcome_reviews",
        "people_told",
        "queue",
        "rules",
        "search",
        "shifts",
        "takedowns",
        "tasks",
        "wellbeing",
    )
)
SECTIONS = (
    Section("Queue", "/cases"),
    Section("Campaigns", "/cases/campaigns", campaign_queries.count_suggested),
    Section("Targeted again", "/cases/repeat"),
    Section("Tasks", "/cases/tasks", partial(task_queries.count, TaskView.MINE)),
    Section("Second reviews", wellbeing_pages.SECOND_REVIEWS, wellbeing_queries.count_waiting),
    Section("Shift", "/cases/shift"),
    Section("Templates", conversation_pages.TEMPLATES),
    Section("Wellbeing", wellbeing_pages.PAGE, wellbeing_queries.count_for_leads),
)
"""The navigation of casework, on each of its pages."""


def _casework() -> APIRouter:
    """Return the pages that have the navigation of casework."""
    casework = APIRouter(dependencies=[NAVIGATION])
    for router in (
        bulk_pages.router,
        evidence_pages.router,
        export_pages.router,
        tasks_pages.router,
        takedowns_pages.router,
        campaigns_pages.router,
        conversation_pages.router,
        told_pages.router,
        merge_pages.router,
        review_pages.router,
        wellbeing_pages.router,
        shift_pages.router,
        queue_pages.router,
        pages.router,
        action_pages.router,  # after all other pages of a case: they take any word for an action
    ):
        casework.include_router(router)
    return casework


ROUTERS = (
    dead_letters_router(PREFIX, dead_letters_waiting, names_of),
    operations_pages.router,  # before the case pages: they take any word for a reference
    operations_api.router,
    rules_pages.router,
    rules_api.router,
    queue_api.router,
    campaigns_api.router,
    whole_api.router,
    api.router,
    bulk_api.router,
    conversation_api.router,
    review_api.router,
    wellbeing_api.router,
    merge_api.router,
    evidence_api.router,
    evidence_api.managers_router,  # before the page’s own addresses
    manager_pages.router,
    tasks_api.router,
    takedowns_api.router,
    queue_pages.live,
    pages.live,
    _casework(),
)
EVERY_REFUSAL = {
    **REFUSALS,
    **EVIDENCE_REFUSALS,
    **EXPORT_REFUSALS,
    **REVIEW_REFUSALS,
    **TAKEDOWN_REFUSALS,
    **CONVERSATION_REFUSALS,
    **TASK_REFUSALS,
    **WELLBEING_REFUSALS,
    **BULK_REFUSALS,
    **CAMPAIGN_REFUSALS,
    **MERGE_REFUSALS,
    **VIEW_REFUSALS,
}
_LEASES_EVERY = timedelta(seconds=15)
_SEARCH_EVERY = timedelta(seconds=1)
_SEARCHES_FORGOTTEN_EVERY = timedelta(hours=1)
_TASKS_OF_BEFORE_EVERY = timedelta(hours=1)
_SHIFTS_EVERY = timedelta(minutes=1)
_FORMS_EVERY = timedelta(seconds=5)
_DEADLINES_EVERY = timedelta(seconds=5)
_BULKS_EVERY = timedelta(seconds=2)
_BULKS_FORGOTTEN_EVERY = timedelta(hours=1)
_CAMPAIGNS_EVERY = timedelta(seconds=1)
_KEYS_EVERY = timedelta(minutes=10)
_EXPOSURE_EVERY = timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class TriageParts(RuleParts, CaseParts, LiveParts, takedowns_api.TakedownParts):
    """What triage's routes and roles need."""

    shift_changes: Sequence[time]
    endpoints: Endpoints
    second_reviews: Mapping[str, int]


@asynccontextmanager
async def open_service(
    settings: TriageSettings, *, clock: Clock | None = None, ids: Ids | None = None, log: EventLog | None = None
) -> AsyncIterator[Service]:
    """Open triage, and close on exit what was opened here.

    Raises:
        RuleBookRefused: the rule book has a mistake; the message names rule, line and column.
    """
    clock = clock or SystemClock()
    running = RunningBook(settings.triage_rulebook_file or rulebook.PACKAGED, clock.now())
    async with open_parts(
        "triage", settings, settings.triage_database_url, TEMPLATES, clock=clock, ids=ids, log=log
    ) as fields:
        parts = _parts(settings, fields, running, clock)
        roles = _roles(parts)
        app = create_app(
            parts,
            prefix=PREFIX,
            routers=ROUTERS,
            refusals=EVERY_REFUSAL,
            readiness=partial(why_unready, roles),
            large_bodies={rules_pages.TRY: rules_pages.BODY_LIMIT},
        )
        yield Service(parts, PREFIX, app, roles)


def _parts(settings: TriageSettings, fields: Fields, running: RunningBook, clock: Clock) -> TriageParts:
    return TriageParts(
        **fields,
        deadlines=_deadlines(settings),
        queues=queue.Queues(),
        sections=SECTIONS,
        rules=running,
        incident_grace=settings.triage_incident_grace,
        second_reviews=settings.second_reviews,
        personal_links=settings.triage_personal_links,
        repeated=repeats.said_of,
        second_opinion=wellbeing_pages.said_of,
        history=whole.history,
        forgets=(search.forget,),
        follows=(tasks.follow,),
        printing=pdf.places(),
        shift_changes=settings.triage_shift_changes,
        lag=LagReader(fields["log"], clock),
        live_figures=LiveFigures(),
        endpoints=Endpoints(settings.takedown_endpoints, settings.takedown_tokens),
        machines=_machines(settings),
    )


STEPS = (
    *deadline_queries.STEPS,
    LEASES,
    *takedown_queries.STEPS,
    *task_queries.STEPS,
    *changes.STEPS,
    *bulk.STEPS,
    KEYS,
    *wellbeing.STEPS,
    search.FORGOTTEN,
    queue.FORGOTTEN,
)
"""What triage owes in the course of time, for the auditor to find without the sweeps that do it."""


def _roles(parts: TriageParts) -> Sequence[Role]:
    database, log, outbox, clock = parts.database, parts.log, parts.outbox, parts.clock
    sweep = partial(Sweep, database=database, clock=clock)
    owed: list[Owed] = [*STEPS, shifts.Announcement(parts.shift_changes)]
    announce = partial(shifts.announce, times=parts.shift_changes, outbox=outbox)
    return (
        *_consumers(parts),
        BookWatch(parts.rules, clock),
        Relay("triage", database=database, log=log, clock=clock, outbox=outbox),
        *_sweeps_of_cases(parts, sweep),
        *_sweeps_of_tasks_and_takedowns(parts, sweep),
        *_sweeps_of_searches(sweep),
        *_sweeps_of_campaigns(parts, sweep),
        sweep("triage-shifts", announce, every=_SHIFTS_EVERY),
        sweep("triage-exposure", wellbeing.forget, every=_EXPOSURE_EVERY),
        Auditor("triage", owed, database=database, clock=clock, outbox=outbox),
        *retention_sweeps(parts),
        *anchor_sweeps(parts),
        *session_roles(parts),
    )


def _consumers(parts: TriageParts) -> Sequence[Role]:
    consume = partial(
        BatchConsumer,
        database=parts.database,
        log=parts.log,
        outbox=parts.outbox,
        clock=parts.clock,
        ids=parts.ids,
    )
    writer = parts.writer()
    accounts = consume(
        consumer.ACCOUNTS_GROUP,
        topics=consumer.ACCOUNTS_TOPICS,
        handlers=consumer.ACCOUNTS_HANDLERS,
        ordered=False,
        on_tombstone=forget_accounts,
    )
    return (
        accounts,
        consume(
            consumer.GROUP,
            topics=consumer.TOPICS,
            handlers=consumer.handlers(writer, parts.rules),
            after=accounts,
        ),
        consume(
            consumer.OPERATIONS_GROUP,
            topics=consumer.OPERATIONS_TOPICS,
            handlers=consumer.operations_handlers(parts.second_reviews, writer),
            ordered=False,
        ),
    )


def _sweeps_of_cases(parts: TriageParts, sweep: partial[Sweep]) -> Sequence[Role]:
    writer = parts.writer()
    return (
        sweep("triage-leases", partial(expire_leases, writer=writer), every=_LEASES_EVERY),
        sweep("triage-deadlines", partial(warn_of_deadlines, writer=writer), every=_DEADLINES_EVERY),
        sweep("triage-bulk", partial(bulk.go_on, writer=writer, refused=REFUSED_IN_BULK), every=_BULKS_EVERY),
        sweep("triage-bulk-forgotten", bulk.forget, every=_BULKS_FORGOTTEN_EVERY),
    )


def _sweeps_of_tasks_and_takedowns(parts: TriageParts, sweep: partial[Sweep]) -> Sequence[Role]:
    writer = parts.writer()
    send = partial(send_form, database=parts.database, writer=writer, send=parts.endpoints.send)
    return (
        sweep("triage-tasks", partial(tasks.note_overdue, writer=writer), every=_DEADLINES_EVERY),
        sweep("triage-tasks-of-before", partial(tasks.catch_up, writer=writer), every=_TASKS_OF_BEFORE_EVERY),
        sweep("triage-takedowns", partial(warn_of_takedowns, writer=writer), every=_DEADLINES_EVERY),
        sweep("triage-machine-forms", send, every=_FORMS_EVERY),
    )


def _sweeps_of_searches(sweep: partial[Sweep]) -> Sequence[Role]:
    return (
        sweep("triage-search", search.update_documents, every=_SEARCH_EVERY),
        sweep("triage-searches-forgotten", search.forget_searches, every=_SEARCHES_FORGOTTEN_EVERY),
        sweep("triage-views-forgotten", queue.forget_views, every=_SEARCHES_FORGOTTEN_EVERY),
    )


def _sweeps_of_campaigns(parts: TriageParts, sweep: partial[Sweep]) -> Sequence[Role]:
    suggestions = partial(suggest, ids=parts.ids, personal_links=parts.personal_links)
    return (
        sweep("triage-campaigns", suggestions, every=_CAMPAIGNS_EVERY),
        sweep("triage-shared-keys", forget, every=_KEYS_EVERY),
    )


def _machines(settings: TriageSettings) -> Machines:
    contact = settings.triage_takedown_contact
    sent = frozenset(settings.takedown_endpoints)
    actor = settings.triage_takedown_actor or settings.public_url
    return Machines(Contact.parse(contact) if contact else None, actor, sent)


def _deadlines(settings: TriageSettings) -> DeadlinePolicy:
    holidays = bank_holidays()
    office = OfficeHours(settings.triage_office_opens, settings.triage_office_closes, holidays)
    own = {
        team: Timekeeper(OfficeHours(opens, closes, holidays, every_day=daily))
        for team, (opens, closes, daily) in settings.team_hours.items()
    }
    return DeadlinePolicy(Timekeeper(office), settings.staffed_24_7, own, settings.triage_review_days)
