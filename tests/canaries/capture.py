"""Everything that Signpost outputs while canaries go through it: rows, records, emails, responses, logs and spans."""

import asyncio
import io
import logging
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import cast

import structlog
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text

from services.notifier.alerts.decisions import EMAIL
from services.notifier.delivery.domain import Channel
from services.notifier.delivery.loop import DeliveryLoop
from services.notifier.delivery.smtp import MailServer, SmtpChannel
from shared.auth.permissions import Principal, Role
from shared.events import topics
from shared.ids import StaffId
from shared.messaging.batch import DeadLetterCounter, DeadLetterLimit
from shared.messaging.consumer import BatchConsumer
from shared.messaging.log import EventLog, Record
from shared.messaging.relay import Relay
from shared.observability.logs import configure_logging
from shared.observability.traces import configure_tracing
from tests.authorisation.world import OPEN, World, opened
from tests.canaries.entries import entries
from tests.canaries.files import Told, send_telling_files
from tests.canaries.markers import Canaries
from tests.canaries.pages import Walk
from tests.canaries.poison import bad_records
from tests.canaries.sender import Sender, breaks, database_that, is_away
from tests.services.notifier.mail_server import MailServerForTests, running_mail_server
from tests.support.eventually import eventually
from tests.support.postgres import PostgresForTests


@contextmanager
def listening() -> Iterator[tuple[io.StringIO, InMemorySpanExporter]]:
    """Capture the process's log at its most detailed level, and every span; restore everything afterwards."""
    root, said, spans = logging.getLogger(), io.StringIO(), InMemorySpanExporter()
    before = {name: logger.level for name, logger in _loggers()}
    handlers, level = list(root.handlers), root.level
    configure_tracing("signpost")
    cast(TracerProvider, trace.get_tracer_provider()).add_span_processor(SimpleSpanProcessor(spans))
    with redirect_stderr(said), redirect_stdout(said):
        configure_logging("debug", json=True)
        root.setLevel(logging.DEBUG)
        for _name, logger in _loggers():
            logger.setLevel(logging.DEBUG)
        try:
            yield said, spans
        finally:
            structlog.reset_defaults()
            root.handlers[:] = handlers
            root.setLevel(level)
            for name, logger in _loggers():
                logger.setLevel(before.get(name, logging.NOTSET))
            spans.shutdown()


def _loggers() -> list[tuple[str, logging.Logger]]:
    known = logging.Logger.manager.loggerDict.items()
    return [(name, logger) for name, logger in known if isinstance(logger, logging.Logger)]


_POLL = timedelta(milliseconds=200)
_SENT = "select count(*) from delivery where state = 'sending' or (state = 'waiting' and due_at <= :now)"
_LETTERS = "select id from dead_letter where settled_at is null order by recorded_at limit 1"
_PLACES = (
    "/",
    "/report/",
    "/report/track/",
    "/report/abuse/",
    "/report/api/v1/reports/",
    "/cases/SP-",
    "/cases/api/v1/cases/",
    "/cases/for-manager/",
    "/accounts/",
    "/accounts/api/v1/accounts/",
    "/alerts/acknowledge/",
    "/alerts/my-team/",
    "/assets/",
    "/report/operations/dead-letters/",
)
_TABLES = "select tablename from pg_tables where schemaname = 'public'"


@dataclass
class Capture:
    """What was typed, and what came out."""

    canaries: Canaries
    sender: Sender
    walk: Walk
    answered: dict[str, int]
    """Entry of the table → its response when it was accepted."""
    told: Told
    """What became of files that say who made them."""
    process: str = ""
    metrics: str = ""
    spans: Sequence[ReadableSpan] = ()
    records: Sequence[Record] = ()
    mails: Sequence[EmailMessage] = ()
    poison: Sequence[Record] = ()
    """Records that others appended: these may say anything about themselves."""
    rows: dict[str, list[str]] = field(default_factory=dict)
    """`service.table` → its rows as text."""


@asynccontextmanager
async def everything_said(postgres: PostgresForTests, folder: Path) -> AsyncIterator[Capture]:
    """Run everything, and yield what was captured."""
    with listening() as (process, spans):
        async with opened(postgres, folder) as world, running_mail_server() as mail_server:
            await world.add(OPEN)
            capture = await _say_everything(world, mail_server)
            capture.records = await _all_records(world)
            capture.mails = mail_server.mails
            await _look_around(world, capture)
        capture.process, capture.spans = process.getvalue(), spans.get_finished_spans()
    yield capture


async def _say_everything(world: World, mail_server: MailServerForTests) -> Capture:
    sender = Sender(world, canaries := Canaries())
    answered = {entry.name: (await sender.entry(entry)).status_code for entry in entries()}
    await _as_somebody_new(sender)
    await _at_addresses_that_are_none(sender)
    await _consume_with_a_broken_database(world, canaries)
    await world.settle()
    loop, refused = _deliveries_to(world, mail_server), canaries.new("what a mail server says")
    mail_server.replies_to_recipient = [f"550 5.1.1 <{refused}@example.org> unknown", f"451 4.7.1 {refused}", "250 OK"]
    await _deliver(world, loop)
    poison = await _poison(world, canaries)
    await world.settle()
    walk = Walk(sender, await _open_letters(world), _token(mail_server))
    await walk.everything()
    await walk.the_rest()
    await _look_at_an_outcome_again(sender)
    told = await send_telling_files(sender)
    await world.settle()
    await _deliver(world, loop)
    return Capture(canaries, sender, walk, answered, told, poison=poison)


async def _as_somebody_new(sender: Sender) -> None:
    """Report, and be refused, as a person whose name is one of our canaries: it is in their token."""
    word = sender.canaries.new
    who = Principal(
        word("subject"),
        StaffId(word("staff number")),
        f"Name {word('the name of who signed in')}",
        f"{word('email')}@example.org",
        frozenset({Role.REPORTER}),
    )
    bearer = {"authorization": f"Bearer {sender.world.issuer.bearer(who, sender.world.clock.now())}"}
    body = {
        "platform": "x",
        "behaviours": ["threat"],
        "affected": [{"relation": "self"}],
        "narrative": word("narrative"),
    }
    async with sender.client() as client:
        for path, said in (("abuse-reports", body), ("abuse-reports", {**body, "platform": "?"}), ("events", {})):
            await sender.send(client, "somebody new", "POST", f"/report/api/v1/{path}", json=said, headers=bearer)
        for page in ("/cases", "/alerts/my-team", "/accounts", "/"):
            await sender.send(client, "somebody new", "GET", page, headers={"accept": "text/html", **bearer})


async def _look_at_an_outcome_again(sender: Sender) -> None:
    """Ask for the outcome of a report to be looked at again, and decide about it."""
    world, word, cases = sender.world, sender.canaries.new, "/cases/api/v1/cases"
    reporter, sam, other = (
        world.bearer(role, who)
        for role, who in ((Role.REPORTER, "S1002"), (Role.SMART_LEAD, "S2001"), (Role.SMART_LEAD, "S2002"))
    )
    body = {"platform": "x", "behaviours": ["trolling"], "affected": [{"relation": "self"}], "narrative": "Posts"}
    async with sender.client() as client:

        async def act(address: str, headers: dict[str, str], **said: str) -> None:
            answer = await sender.send(client, address, "POST", address, json=said, headers=headers)
            assert answer.is_success, (address, answer.text)

        sent = (await client.post("/report/api/v1/abuse-reports", json=body, headers=reporter)).json()
        await world.settle()
        found = await client.get(cases, params={"report_id": sent["report_id"]}, headers=sam)
        case = f"{cases}/{found.json()['items'][0]['case_id']}"
        await act(f"{case}/claim", {**sam, "if-match": '"1"'})
        await act(f"{case}/resolve", {**sam, "if-match": '"2"'}, outcome="support_given")
        await world.settle()
        review = f"/report/api/v1/reports/{sent['reference']}/review"
        await act(review, reporter, reason=f"Because {word('why an outcome is looked at again')}")
        await world.settle()
        why = f"Because {word('why an outcome stands')}"
        await act(f"{case}/review", {**other, "if-match": '"4"'}, result="uphold", reason=why)


async def _at_addresses_that_are_none(sender: Sender) -> None:
    """Request what does not exist, by paths and methods that contain our canaries."""
    async with sender.client() as client:
        for prefix in _PLACES:
            for kind in ("text/html", "application/json"):
                word = sender.canaries.new(f"address {prefix}")
                await sender.send(client, prefix, "GET", f"{prefix}{word}", headers={"accept": kind})
                await sender.send(
                    client, prefix, "POST", f"{prefix}{word}", headers={"accept": kind}, json={word: word}
                )
        method = sender.canaries.new("method")
        await sender.send(client, "method", method, "/report/track")


async def _consume_with_a_broken_database(world: World, canaries: Canaries) -> None:
    for service in world.services.values():
        for role in service.roles:
            if isinstance(role, Relay):
                await role.drain()
    for consumer in _consumers(world):
        member = await consumer._joined()
        for failure in (breaks, is_away):
            batch = await member.poll(100, _POLL)
            async with database_that(world, failure, canaries.new("what a consumer's database repeats"), times=1):
                await consumer._handle(member, batch, asyncio.Event())


def _consumers(world: World) -> list[BatchConsumer]:
    return [role for service in world.services.values() for role in service.roles if isinstance(role, BatchConsumer)]


def _log(world: World) -> EventLog:
    return _consumers(world)[0]._event_log


async def _poison(world: World, canaries: Canaries) -> Sequence[Record]:
    """Append records that no reader can read, and records of other systems; no consumer stops for them here."""
    for consumer in _consumers(world):
        consumer._handler._recent = DeadLetterCounter(DeadLetterLimit(share=1))
    read = [topic.name for topic in topics.TOPICS if topic.readers]
    bad = [record for topic in read for record in bad_records(topic, partial(canaries.new, f"poison on {topic}"))]
    appender = await _log(world).appender("somebody")
    await appender.append(bad)
    await appender.close()
    return bad


async def _open_letters(world: World) -> dict[str, str]:
    """Return a dead letter of each service, by the prefix of its pages."""
    found: dict[str, str] = {}
    for service in world.services.values():
        async with service.database.transaction() as session:
            letter = await session.scalar(text(_LETTERS))
        if letter is not None:
            found[service.prefix] = str(letter)
    return found


def _deliveries_to(world: World, mail_server: MailServerForTests) -> DeliveryLoop:
    loop = next(role for role in world.services["notifier"].roles if isinstance(role, DeliveryLoop))
    server = MailServer(host="127.0.0.1", port=mail_server.port, sender="Signpost <signpost@example.org>")
    channels = cast(dict[str, Channel], loop._deliveries.channels)
    channels[EMAIL] = SmtpChannel(server, world.clock)
    return loop


async def _deliver(world: World, loop: DeliveryLoop) -> None:
    async def nothing_due() -> bool | None:
        async with world.services["notifier"].database.transaction() as session:
            return (await session.scalar(text(_SENT), {"now": world.clock.now()})) == 0 or None

    stop = asyncio.Event()
    running = asyncio.create_task(loop.run(stop))
    await eventually(nothing_due)
    stop.set()
    await running


def _token(mail_server: MailServerForTests) -> str:
    texts = [body.get_content() for mail in mail_server.mails if (body := mail.get_body(("plain",)))]
    found = re.search(r"/alerts/acknowledge/(\S+)", "\n".join(texts))
    assert found, "no email asks for an acknowledgement"
    return found[1]


async def _all_records(world: World) -> Sequence[Record]:
    subscription = await _log(world).subscribe("somebody", [topic.name for topic in topics.TOPICS])
    found: list[Record] = []
    while any((await subscription.lag()).values()) or not found:
        batch = await subscription.poll(500, _POLL)
        found += [received.record for received in batch.records]
        await subscription.commit(batch)
    await subscription.close()
    return found


async def _look_around(world: World, capture: Capture) -> None:
    for name, service in world.services.items():
        async with capture.sender.client() as client:
            capture.metrics += (await client.get(f"{service.prefix}/metrics")).text
        async with service.database.transaction() as session:
            for table in (await session.scalars(text(_TABLES))).all():
                rows = await session.scalars(text(f'select t::text from "{table}" t'))  # noqa: S608 - names of ours
                capture.rows[f"{name}.{table}"] = list(rows)
