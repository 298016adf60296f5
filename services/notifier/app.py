"""The wiring of notifier, from top to bottom."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from email.utils import parseaddr
from functools import partial
from pathlib import Path

from services.notifier import consumer
from services.notifier.acknowledgement import pages as acknowledgement
from services.notifier.acknowledgement.domain import AnswerTimes
from services.notifier.acknowledgement.handlers import AcknowledgementLinks, Acknowledgements
from services.notifier.acknowledgement.tables import AwaitedAnswerRow
from services.notifier.alerts import api as alerts
from services.notifier.alerts.decisions import EMAIL, NOTIFY, AlertContext
from services.notifier.alerts.domain import AddressBook, Recipient
from services.notifier.cases.domain import Mailboxes
from services.notifier.cases.handlers import FollowUps
from services.notifier.cases.tables import FollowUpRow
from services.notifier.delivery import api as delivery
from services.notifier.delivery import digests, loop, notify, smtp
from services.notifier.delivery.composer import Composer
from services.notifier.delivery.domain import Channel, MessageClass
from services.notifier.delivery.handlers import DeliveryReceipts, DeliveryTimes
from services.notifier.delivery.tables import DeliveryRow, HeldAlertRow
from services.notifier.my_team import pages as my_team
from services.notifier.reports.handlers import forget_due
from services.notifier.reports.tables import KnownReportRow
from services.notifier.settings import NotifierSettings
from shared import policy
from shared.clock import Clock
from shared.db.sweep import Sweep
from shared.events.vocabulary import Team
from shared.ids import Ids
from shared.messaging.auditor import Auditor, Step
from shared.messaging.consumer import BatchConsumer
from shared.messaging.ended_sessions import session_roles
from shared.messaging.log import EventLog
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.messaging.retention import retention_sweeps
from shared.process import open_parts
from shared.runtime import Role, Service, why_unready
from shared.web.app import create_app
from shared.web.dead_letters import dead_letters_router

PREFIX = "/alerts"
TEMPLATES = tuple(Path(__file__).parent / name / "templates" for name in ("acknowledgement", "my_team"))
ROUTERS = (
    dead_letters_router(PREFIX),
    acknowledgement.router,
    my_team.router,
    alerts.router,
    delivery.router,
)
REFUSALS = {**my_team.REFUSALS, **delivery.REFUSALS}
_SWEEP_EVERY = timedelta(seconds=5)
_FORGET_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, kw_only=True)
class NotifierParts(acknowledgement.AcknowledgementParts, my_team.AwarenessParts, delivery.ReceiptParts):
    """What notifier's routes and roles need."""

    follow_ups: FollowUps


@asynccontextmanager
async def open_service(
    settings: NotifierSettings, *, clock: Clock | None = None, ids: Ids | None = None, log: EventLog | None = None
) -> AsyncIterator[Service]:
    """Open notifier, and close on exit what was opened here."""
    async with AsyncExitStack() as stack:
        url = settings.notifier_database_url
        fields = await stack.enter_async_context(
            open_parts("notifier", settings, url, TEMPLATES, clock=clock, ids=ids, log=log)
        )
        channels = _channels(settings, fields["clock"])
        for channel in channels.values():
            stack.push_async_callback(channel.close)
        context = _alert_context(settings, fields["ids"], fields["outbox"])
        acknowledgements = Acknowledgements(_answer_times(settings), context)
        parts = NotifierParts(
            **fields,
            links=_links(settings),
            acknowledgements=acknowledgements,
            follow_ups=FollowUps(context, _mailboxes(settings)),
            policy_version=policy.version(),
            receipts=_receipts(settings, acknowledgements),
        )
        deliveries = loop.Deliveries(
            channels, _composer(settings, parts.links), acknowledgements.settled, _times(settings)
        )
        reports = consumer.ReportHandlers(parts.follow_ups, settings.notifier_remember_reports_for)
        roles = _roles(parts, reports, deliveries)
        app = create_app(
            parts, prefix=PREFIX, routers=ROUTERS, refusals=REFUSALS, readiness=partial(why_unready, roles)
        )
        yield Service(parts, PREFIX, app, roles)


STEPS = (
    Step("reminder", AwaitedAnswerRow.remind_at),
    Step("escalation", AwaitedAnswerRow.escalate_at),
    Step("delivery", DeliveryRow.due_at),
    Step("digest", HeldAlertRow.due_at),
    Step("follow_up", FollowUpRow.waits_until),
    Step("report_forgotten", KnownReportRow.forget_at, grace=3 * _FORGET_EVERY),
)
"""What notifier owes in the course of time, for the auditor to find without the sweeps that do it."""


def _roles(parts: NotifierParts, reports: consumer.ReportHandlers, deliveries: loop.Deliveries) -> Sequence[Role]:
    database, log, outbox, clock, ids = parts.database, parts.log, parts.outbox, parts.clock, parts.ids
    sweep = partial(Sweep, database=database, clock=clock, every=_SWEEP_EVERY)
    return (
        BatchConsumer(
            consumer.GROUP,
            topics=consumer.TOPICS,
            handlers=consumer.handlers(reports),
            database=database,
            log=log,
            outbox=outbox,
            clock=clock,
            ids=ids,
        ),
        loop.DeliveryLoop(deliveries, database=database, clock=clock, ids=ids),
        sweep("notifier-reminders", parts.acknowledgements.remind_due),
        sweep("notifier-escalations", parts.acknowledgements.escalate_due),
        sweep("notifier-follow-ups", parts.follow_ups.follow_due),
        sweep("notifier-digests", partial(digests.send_due, ids=ids)),
        sweep("notifier-forgetting", forget_due, every=_FORGET_EVERY),
        Relay("notifier", database=database, log=log, clock=clock, outbox=outbox),
        Auditor("notifier", STEPS, database=database, clock=clock, outbox=outbox),
        *retention_sweeps(parts),
        *session_roles(parts),
    )


def _channels(settings: NotifierSettings, clock: Clock) -> dict[str, Channel]:
    channels: dict[str, Channel] = {EMAIL: smtp.SmtpChannel(_mail_server(settings), clock)}
    if settings.notifier_notify_api_key and settings.notifier_notify_template_id:
        channels[NOTIFY] = notify.NotifyChannel(
            notify.NotifyService(
                api_key=settings.notifier_notify_api_key.get_secret_value(),
                template_id=settings.notifier_notify_template_id,
                url=settings.notifier_notify_url,
                timeout=settings.notifier_notify_timeout,
            )
        )
    return channels


def _mail_server(settings: NotifierSettings) -> smtp.MailServer:
    password = settings.notifier_smtp_password
    return smtp.MailServer(
        host=settings.notifier_smtp_host,
        port=settings.notifier_smtp_port,
        sender=settings.notifier_smtp_from,
        ca_file=settings.notifier_smtp_ca_file,
        starttls=settings.notifier_smtp_starttls,
        username=settings.notifier_smtp_username,
        password=password.get_secret_value() if password else None,
        timeout=settings.notifier_smtp_timeout,
    )


def _address_book(settings: NotifierSettings) -> AddressBook:
    fallback = Recipient(settings.notifier_fallback_email.strip().lower())
    return AddressBook(fallback, frozenset(domain.lower() for domain in settings.alert_domains))


def _links(settings: NotifierSettings) -> AcknowledgementLinks:
    keys = settings.derive_keys("acknowledgement links")
    return AcknowledgementLinks(keys, settings.public_url.rstrip("/"), settings.notifier_link_valid_for)


def _answer_times(settings: NotifierSettings) -> AnswerTimes:
    return AnswerTimes(settings.notifier_remind_after, settings.notifier_escalate_after)


def _times(settings: NotifierSettings) -> DeliveryTimes:
    return DeliveryTimes(lease=settings.notifier_attempt_lease, give_up_after=settings.notifier_give_up_after)


def _alert_context(settings: NotifierSettings, ids: Ids, outbox: Outbox) -> AlertContext:
    digest_rules = digests.DigestRules(
        digest=frozenset(settings.notifier_digest_purposes),
        times=settings.notifier_digest_times,
        at_most=settings.notifier_digest_within,
        storm_after=settings.notifier_storm_after,
        storm_window=settings.notifier_storm_window,
    )
    return AlertContext(_address_book(settings), ids, outbox, digest_rules, frozenset(settings.notifier_notify_classes))


def _mailboxes(settings: NotifierSettings) -> Mailboxes:
    return Mailboxes(
        team=_table(settings.notifier_team_mailboxes),
        lead=_table(settings.notifier_lead_mailboxes),
        on_call=_table(settings.notifier_on_call_mailboxes),
        comms=Recipient(settings.notifier_comms_mailbox.strip().lower()),
    )


def _table(entries: Sequence[str]) -> dict[Team, Recipient]:
    pairs = (entry.partition("=") for entry in entries)
    return {Team(team): Recipient(address.strip().lower()) for team, _, address in pairs}


def _receipts(settings: NotifierSettings, acknowledgements: Acknowledgements) -> DeliveryReceipts:
    token = settings.notifier_notify_callback_token
    return DeliveryReceipts(
        acknowledgements.settled,
        acknowledgements.delivered,
        _times(settings),
        token.get_secret_value().encode() if token else None,
    )


def _composer(settings: NotifierSettings, links: AcknowledgementLinks) -> Composer:
    boxes = _mailboxes(settings)
    desk = boxes.desk.email
    return Composer(
        acknowledgement_link=links.link_for,
        public_url=settings.public_url.rstrip("/"),
        domain=parseaddr(settings.notifier_smtp_from)[1].rpartition("@")[2],
        contacts={
            MessageClass.MANAGER: desk,
            MessageClass.TEAM: desk,
            MessageClass.REPORTER: desk,
            MessageClass.ACCOUNT: boxes.comms.email,
        },
        abuse_contact=settings.notifier_fallback_email,
    )
