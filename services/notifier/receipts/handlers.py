"""Takes a delivery receipt to the delivery and to the alerts that it stands for."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.acknowledgement.handlers import Answering
from services.notifier.delivery import receipts as delivery
from services.notifier.delivery.domain import OutcomeKind
from services.notifier.delivery.handlers import DeliveryTimes
from services.notifier.delivery.receipts import Receipt


@dataclass(frozen=True, slots=True)
class Receipts:
    """What taking a receipt needs beside its session and the time."""

    answering: Answering
    times: DeliveryTimes
    token: bytes | None
    """What Notify proves itself with; None where no receipts are taken."""

    async def take(self, session: AsyncSession, receipt: Receipt, now: datetime) -> None:
        """Take `receipt`, however late and however often it comes.

        Raises:
            delivery.NotRecordedYet: it came before we knew that the message was taken.
        """
        settled = await delivery.receive(session, receipt, now, times=self.times)
        if settled is None:
            return
        if receipt.outcome is OutcomeKind.ACCEPTED:
            await self.answering.delivered(session, settled, now)
        else:
            await self.answering.settled(session, [settled], now)
