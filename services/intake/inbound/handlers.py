"""Takes events of other systems, each once, by whichever way it came."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.inbound.domain import InboundEvent, Outcome, SenderNotAllowed
from services.intake.inbound.kinds import command_of
from services.intake.inbound.mapping import Source, Sources
from services.intake.inbound.tables import InboundEventRow
from services.intake.reports.domain import Accepted, Report, check_found_by
from shared.auth.permissions import Permission, Principal
from shared.ids import Reference, ReportId

REMEMBERED_FOR = timedelta(days=45)
"""As long as the inbox remembers (events.md, promise 2); an event sent again later is a new one."""
_BATCH = 500

Submit = Callable[[Report], Awaitable[Accepted]]
"""Takes a report in the caller's transaction."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of an event; the same answer whenever it is sent again."""

    outcome: Outcome
    report_id: ReportId | None = None
    reference: Reference | None = None
    repeated: bool = False


async def take_event(
    session: AsyncSession,
    event: InboundEvent,
    now: datetime,
    *,
    sources: Sources,
    client: Principal | None,
    submit: Submit,
) -> Taken:
    """Make a report of `event`, or count it, as the mapping of its source says; nothing where it was taken before.

    Args:
        session: the caller's transaction; a failure leaves nothing of the event in it if the caller rolls back.
        event: what came.
        now: the time.
        sources: the mappings.
        client: who sent it by HTTP; None from the log, where the topic's access rights say who may write.
        submit: takes the report.

    Raises:
        UnknownEvent: no mapping takes it.
        SenderNotAllowed: `client` may not speak for that source.
        MonitoringRoleRequired: `client` may not say that monitoring found it (C-h).
        EventNotReadable: a field that the report needs is missing or not right.
        ReportRefused: the report cannot be taken as it is.
    """
    source, rule = sources.rule_for(event)
    if client is not None and not source.hears(client):
        raise SenderNotAllowed
    if not await _note(session, event, source, now):
        return await _taken_before(session, event)
    if rule.report is None:
        return Taken(Outcome.NOT_STORED)
    command = command_of(rule.report, rule.answers(event), _reporter(source, client))
    check_found_by(command, may_monitor=_may_monitor(source, client))
    accepted = await submit(command)
    result = {"outcome": Outcome.REPORT, "report_id": accepted.report_id, "reference": accepted.reference}
    await session.execute(update(InboundEventRow).where(InboundEventRow.key_hash == _key(event)).values(result))
    return Taken(Outcome.REPORT, accepted.report_id, accepted.reference)


async def forget_expired(session: AsyncSession, now: datetime) -> int:
    """Forget events that nobody sends again; a sweep's work."""
    row = InboundEventRow
    due = select(row.key_hash).where(row.expires_at <= now).limit(_BATCH).with_for_update(skip_locked=True)
    gone = await session.scalars(delete(row).where(row.key_hash.in_(due)).returning(row.key_hash))
    return len(gone.all())


async def _note(session: AsyncSession, event: InboundEvent, source: Source, now: datetime) -> bool:
    """Note that `event` is taken; False where it was. Whoever takes it at the same time waits here."""
    new = insert(InboundEventRow).values(
        key_hash=_key(event), source_id=source.id, outcome=Outcome.NOT_STORED, expires_at=now + REMEMBERED_FOR
    )
    noted = await session.scalar(new.on_conflict_do_nothing().returning(InboundEventRow.key_hash))
    return noted is not None


async def _taken_before(session: AsyncSession, event: InboundEvent) -> Taken:
    row = InboundEventRow
    found = await session.execute(select(row.outcome, row.report_id, row.reference).where(row.key_hash == _key(event)))
    outcome, report_id, reference = found.one()
    return Taken(Outcome(outcome), report_id, None if reference is None else Reference(reference), repeated=True)


def _key(event: InboundEvent) -> bytes:
    return sha256(f"{event.source}\0{event.id}".encode()).digest()


def _reporter(source: Source, client: Principal | None) -> Principal:
    """Return in whose name the report is: the system's, followed by the client that sent it."""
    subject = client.subject if client else f"source:{source.id}"
    return Principal(subject, None, source.name, None, client.roles if client else frozenset())


def _may_monitor(source: Source, client: Principal | None) -> bool:
    return source.monitoring and (client is None or client.may(Permission.REPORT_FROM_MONITORING))
