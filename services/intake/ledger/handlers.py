"""Fills in the ledger, and publishes its figures.

Every entry keeps the earliest time it was given: the same event twice changes nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.intake.ledger.queries import accepted_today, reconcile
from services.intake.ledger.tables import LedgerDeadLetterRow, LedgerFiguresRow, LedgerRow
from shared.events.envelope import Envelope, NewEvent
from shared.events.intake import LedgerChanged
from shared.events.notifier import AlertDecided
from shared.events.operations import DeadLetterRecorded, DeadLetterSettled
from shared.events.triage import CaseOpened
from shared.events.vocabulary import AlertPurpose, ReportType
from shared.ids import ReportId
from shared.messaging.outbox import Outbox
from shared.messaging.relay import PublishedEvent

REPLAYED = "replayed"
_OPEN = insert(LedgerRow.table())
_OF_THE_REPORT = frozenset(
    {
        AlertPurpose.ABUSE_REPORTED,
        AlertPurpose.MISUSE_REPORTED,
        AlertPurpose.INCIDENT_REPORTED,
        AlertPurpose.ENQUIRY_RECEIVED,
    }
)
"""Why a recipient, or none, is chosen for a report itself."""


async def record_accepted(session: AsyncSession, report_id: ReportId, kind: ReportType, now: datetime) -> None:
    """Open the row of a report, in the transaction that stores it, so that no accepted report is without one."""
    await session.execute(_OPEN, {"report_id": report_id, "report_type": kind, "accepted_at": now})


async def record_published(session: AsyncSession, published: Sequence[PublishedEvent], now: datetime) -> None:
    """Note the reports whose events are in the log now; called by the relay as it marks them."""
    await _note(session, LedgerRow.published_at, (event.subject for event in published), now)


async def record_cases(session: AsyncSession, opened: Sequence[Envelope[CaseOpened]], now: datetime) -> None:
    """Note the reports that now have a team."""
    await _note(session, LedgerRow.case_at, (event.data.report_id for event in opened), now)


async def record_alert_decisions(
    session: AsyncSession, decided: Sequence[Envelope[AlertDecided]], now: datetime
) -> None:
    """Note the reports for which a recipient was chosen, or none, with a reason (S3).

    What is decided later about its case, such as a deadline's message to a lead, does not stand for that choice.
    """
    first = [event.data.report_id for event in decided if event.data.purpose in _OF_THE_REPORT]
    await _note(session, LedgerRow.alert_decided_at, first, now)


async def record_dead_letters(
    session: AsyncSession, recorded: Sequence[Envelope[DeadLetterRecorded]], now: datetime
) -> None:
    """Note the reports that a consumer could not handle: what that consumer owes is accounted for, by a person."""
    letters = [event.data for event in recorded if event.data.report_id]
    if not letters:
        return
    rows = [
        {
            "dead_letter_id": letter.dead_letter_id,
            "report_id": letter.report_id,
            "group_name": letter.group,
            "recorded_at": now,
        }
        for letter in letters
    ]
    await session.execute(insert(LedgerDeadLetterRow).on_conflict_do_nothing(), rows)
    await _note(session, LedgerRow.dead_lettered_at, (letter.report_id for letter in letters if letter.report_id), now)


async def record_settled(session: AsyncSession, settled: Sequence[Envelope[DeadLetterSettled]], now: datetime) -> None:
    """Forget dead letters that were replayed: what becomes of them is told by new events. Discarded ones stay."""
    replayed = [event.data.dead_letter_id for event in settled if event.data.action == REPLAYED]
    if replayed:
        letter = LedgerDeadLetterRow
        await session.execute(
            update(letter)
            .where(letter.dead_letter_id.in_(replayed), letter.replayed_at.is_(None))
            .values(replayed_at=now)
        )


async def _note(
    session: AsyncSession, what: InstrumentedAttribute[datetime | None], reports: Iterable[UUID], now: datetime
) -> None:
    """Set `what` of each report where it is not set yet; rows are locked in one order, so that writers only wait."""
    wanted = sorted(set(reports))
    if not wanted:
        return
    rows = select(LedgerRow.report_id).where(LedgerRow.report_id.in_(wanted), what.is_(None))
    locked = rows.order_by(LedgerRow.report_id).with_for_update().cte("locked")
    await session.execute(
        update(LedgerRow)
        .where(LedgerRow.report_id == locked.c.report_id)
        .values({what: now})
        .execution_options(synchronize_session=False)
    )


TOTAL = UUID("3049bf2a-5d14-5478-9d67-bb92ac5a1eda")
"""Subject and key of every figure (the UUIDv5 of `urn:signpost:ledger:total`): the compacted topic keeps the newest."""
_KEPT = timedelta(hours=1)
"""How long figures stay in the outbox after they were published; newer ones say all that they said."""
_ONLY_ROW = 1
"""The only row: its migration made it."""


class LedgerFigures:
    """Publishes the figures; a sweep calls this. Of several processes, one publishes and the others skip."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def publish(self, session: AsyncSession, now: datetime) -> int:
        """Publish the figures if they differ from those that were published last.

        Always returns 0: the figures are looked at again after a pause, not at once.
        """
        row = LedgerFiguresRow
        last = await session.scalar(select(row).where(row.id == _ONLY_ROW).with_for_update(skip_locked=True))
        if last is None:
            return 0
        figures = {**asdict(await reconcile(session, now)), "accepted_today": await accepted_today(session, now)}
        if _without_age(figures) != _without_age(last.figures):
            last.figures = figures
            event = LedgerChanged.model_validate({"at": now, **figures})
            await self._outbox.forget_superseded(session, TOTAL, now - _KEPT)
            await self._outbox.append(session, [NewEvent.of(TOTAL, event)], now)
        return 0


def _without_age(figures: dict[str, int]) -> dict[str, int]:
    """Leave out what changes with every second that passes."""
    return {name: value for name, value in figures.items() if name != "oldest_unaccounted_s"}
