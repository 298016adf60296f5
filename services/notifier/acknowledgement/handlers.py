"""Makes the links for answers to alerts, records answers, and acts if none comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.notifier.acknowledgement.domain import ESCALATES, AnswerTimes, Link, is_genuine, read_token, token_of
from services.notifier.acknowledgement.tables import AwaitedAnswerRow
from services.notifier.alerts import handlers as alerts
from services.notifier.alerts.decisions import AlertContext
from services.notifier.alerts.queries import AlertView, alert_with_id
from services.notifier.delivery import digests
from services.notifier.delivery.domain import DeliveryKind, SendResultKind, Settled
from services.notifier.misuse import handlers as misuse
from shared.encryption import Keys
from shared.events.vocabulary import Acknowledgement, AlertPurpose, RecipientReason
from shared.ids import AlertId

_BATCH = 100
_GENERATIONS = {DeliveryKind.ALERT: 1, DeliveryKind.REMINDER: 2}
"""The reminder has a link of its own, which expires later."""


@dataclass(frozen=True, slots=True)
class AcknowledgementLinks:
    """Makes and opens the links for answers to alerts."""

    keys: Keys
    public_url: str
    valid_for: timedelta

    def link_for(self, alert_id: AlertId, kind: DeliveryKind, recipient: str, now: datetime) -> str:
        """Return the URL where the holder of this message, sent to the address `recipient`, can answer."""
        link = Link(alert_id, _GENERATIONS[kind], now + self.valid_for)
        return f"{self.public_url}/alerts/acknowledge/{token_of(link, recipient, self.keys)}"

    async def open(self, session: AsyncSession, token: str, now: datetime) -> AlertView | None:
        """Return the alert of `token`; None for an unknown, altered or expired token."""
        link = read_token(token)
        alert = await alert_with_id(session, link.alert_id) if link else None
        return alert if alert and is_genuine(token, alert.recipient_email, self.keys, now) else None


@dataclass(frozen=True, slots=True)
class Acknowledgements:
    """Records answers to alerts, sends reminders, and escalates alerts that are not answered."""

    times: AnswerTimes
    context: AlertContext

    async def settled(self, session: AsyncSession, settled: Sequence[Settled], now: datetime) -> None:
        """Act on results of delivery: wait for answers to sent alerts, escalate those that cannot be delivered."""
        settled = await digests.one_by_one(session, settled)
        followed = await alerts.record_settled(session, settled, now, outbox=self.context.outbox)
        for item in settled:
            if item.kind is not DeliveryKind.ALERT:
                continue
            if item.result is SendResultKind.ACCEPTED:
                await self._await_answer(session, followed[item.alert_id], now)
            elif item.ended and not followed[item.alert_id].answered:
                await self._escalate(session, item.alert_id, RecipientReason.ESCALATED_UNDELIVERABLE, now)

    async def delivered(self, session: AsyncSession, item: Settled, now: datetime) -> None:
        """Record that the provider delivered messages; a reminder's receipt says nothing about its alert."""
        told = [one for one in await digests.one_by_one(session, [item]) if one.kind is DeliveryKind.ALERT]
        await alerts.record_delivered(
            session, {one.alert_id for one in told}, now, channel=item.channel, outbox=self.context.outbox
        )

    async def answer(self, session: AsyncSession, alert_id: AlertId, answer: Acknowledgement, now: datetime) -> bool:
        """Record a recipient's answer; return False if there was one already."""
        if not await alerts.record_answer(session, alert_id, answer, now, outbox=self.context.outbox):
            return False
        # only now that the alert is locked, because the wait may have begun just before
        if waited_for := await session.get(AwaitedAnswerRow, alert_id, with_for_update=True):
            waited_for.remind_at = waited_for.escalate_at = None
        if reason := ESCALATES.get(answer):
            await self._escalate(session, alert_id, reason, now)
        return True

    async def remind_due(self, session: AsyncSession, now: datetime) -> int:
        """Remind recipients who have not answered in time; return how many were due."""
        rows = await self._due(session, AwaitedAnswerRow.remind_at, now)
        for row, _ in rows:
            row.remind_at = None
        silent = [AlertId(row.alert_id) for row, answered in rows if not answered]
        await alerts.remind(session, silent, now, context=self.context)
        return len(rows)

    async def escalate_due(self, session: AsyncSession, now: datetime) -> int:
        """Alert the next in the chain if there was no answer to the reminder; return how many were due."""
        rows = await self._due(session, AwaitedAnswerRow.escalate_at, now)
        for row, answered in rows:
            row.escalate_at = None
            if not answered:
                await self._escalate(session, AlertId(row.alert_id), RecipientReason.ESCALATED_NO_ANSWER, now)
        return len(rows)

    async def _due(
        self, session: AsyncSession, when: InstrumentedAttribute[datetime | None], now: datetime
    ) -> list[tuple[AwaitedAnswerRow, bool]]:
        """Claim due rows, each with whether it has been answered; as everywhere, the alert is locked first."""
        due = await session.scalars(select(AwaitedAnswerRow.alert_id).where(when <= now).order_by(when).limit(_BATCH))
        answered = await alerts.lock_waiting(session, [AlertId(alert_id) for alert_id in due])
        rows = await session.scalars(
            select(AwaitedAnswerRow)
            .where(AwaitedAnswerRow.alert_id.in_(answered), when <= now)
            .order_by(when)
            .with_for_update()
        )
        return [(row, answered[AlertId(row.alert_id)]) for row in rows]

    async def _await_answer(self, session: AsyncSession, alert: alerts.AlertProgress, now: datetime) -> None:
        """Each recipient is reminded once; silence is passed on only where there is a next person (`AlertProgress`)."""
        if alert.answered or not alert.asks:
            return
        await session.execute(
            insert(AwaitedAnswerRow)
            .values(
                alert_id=alert.alert_id,
                remind_at=now + self.times.remind_after,
                escalate_at=now + self.times.escalate_after if alert.passes_on else None,
            )
            .on_conflict_do_nothing()
        )

    async def _escalate(self, session: AsyncSession, alert_id: AlertId, reason: RecipientReason, now: datetime) -> None:
        passed_on = await alerts.escalate(session, alert_id, reason, now, context=self.context)
        if passed_on and passed_on.case_id and passed_on.purpose is AlertPurpose.MISUSE_ASSIGNED:
            await misuse.pass_on(session, passed_on.case_id, passed_on, now, outbox=self.context.outbox)
