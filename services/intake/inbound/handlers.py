"""Takes events of other systems, each once, by HTTP or by the log."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.inbound.domain import DataNotReadable, EventResult, InboundEvent, SenderNotAllowed, UnknownEvent
from services.intake.inbound.sources import Rule, Source, Sources, command_of
from services.intake.inbound.tables import InboundEventRow
from services.intake.reports.domain import Accepted, Report, check_found_by
from shared.auth.permissions import Permission, Principal
from shared.ids import Reference, ReportId
from shared.observability import metrics

REMEMBERED_FOR = timedelta(days=45)
"""As long as the inbox remembers; an event sent again later is a new one."""
_BATCH = 500

Submit = Callable[[Report], Awaitable[Accepted]]
"""Takes a report in the caller's transaction."""


@dataclass(frozen=True, slots=True)
class TakenEvent:
    """The result of an event; the same answer each time it is sent again."""

    outcome: EventResult
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
) -> TakenEvent:
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
        DataNotReadable: its data is missing, or nothing that the mapping reads.
        EventNotReadable: a field that the report needs is missing or not right.
        ReportRefused: the report cannot be taken as it is.
    """
    source, rule = _rule_for(event, sources)
    if client is not None and not source.admits(client):
        raise SenderNotAllowed
    if not await _note(session, event, source, now):
        return await _taken_before(session, event)
    if rule.report is None:
        return TakenEvent(EventResult.NOT_STORED)
    command = command_of(rule.report, rule, event, _reporter(source, client), now)
    check_found_by(command, may_monitor=_may_monitor(source, client))
    accepted = await submit(command)
    result = {"outcome": EventResult.REPORT, "report_id": accepted.report_id, "reference": accepted.reference}
    await session.execute(update(InboundEventRow).where(InboundEventRow.key_hash == _key(event)).values(result))
    return TakenEvent(EventResult.REPORT, accepted.report_id, accepted.reference)


def _rule_for(event: InboundEvent, sources: Sources) -> tuple[Source, Rule]:
    """Return the mapping of `event`; where none takes it, say first that its data cannot be read."""
    try:
        return sources.rule_for(event)
    except UnknownEvent:
        if isinstance(event.data, DataNotReadable):
            raise event.data from None
        raise


async def forget_expired(session: AsyncSession, now: datetime) -> int:
    """Forget events that are too old to be sent again; a sweep calls this."""
    row = InboundEventRow
    due = select(row.key_hash).where(row.expires_at <= now).limit(_BATCH).with_for_update(skip_locked=True)
    gone = await session.scalars(delete(row).where(row.key_hash.in_(due)).returning(row.key_hash))
    return len(gone.all())


async def _note(session: AsyncSession, event: InboundEvent, source: Source, now: datetime) -> bool:
    """Note that `event` is taken; False where it was. Another request that takes it at the same time waits here."""
    new = insert(InboundEventRow).values(
        key_hash=_key(event), source_id=source.id, outcome=EventResult.NOT_STORED, expires_at=now + REMEMBERED_FOR
    )
    noted = await session.scalar(new.on_conflict_do_nothing().returning(InboundEventRow.key_hash))
    return noted is not None


async def _taken_before(session: AsyncSession, event: InboundEvent) -> TakenEvent:
    row = InboundEventRow
    found = await session.execute(select(row.outcome, row.report_id, row.reference).where(row.key_hash == _key(event)))
    outcome, report_id, reference = found.one()
    return TakenEvent(
        EventResult(outcome), report_id, None if reference is None else Reference(reference), repeated=True
    )


def _key(event: InboundEvent) -> bytes:
    return sha256(f"{event.source}\0{event.id}".encode()).digest()


def _reporter(source: Source, client: Principal | None) -> Principal:
    """Return in whose name the report is: the system's, followed by the client that sent it."""
    subject = client.subject if client else f"source:{source.id}"
    return Principal(subject, None, source.name, None, client.roles if client else frozenset())


def _may_monitor(source: Source, client: Principal | None) -> bool:
    return source.monitoring and (client is None or client.may(Permission.REPORT_FROM_MONITORING))


_UNKNOWN = "unknown"


def count_events(sources: Sources, results: Iterable[tuple[object, TakenEvent | Exception]]) -> None:
    """Count each event with its result."""
    for event, result in results:
        metrics.INBOUND_EVENTS.labels(_source_id(sources, event), _outcome(result)).inc()


def _outcome(result: TakenEvent | Exception) -> str:
    if isinstance(result, Exception):
        return "refused"
    return "repeated" if result.repeated else result.outcome.value


def _source_id(sources: Sources, event: object) -> str:
    try:
        return sources.rule_for(event)[0].id if isinstance(event, InboundEvent) else _UNKNOWN
    except UnknownEvent:
        return _UNKNOWN
