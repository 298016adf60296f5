"""Tells the others the figures of the ledger, whenever they have changed."""

from dataclasses import asdict
from datetime import datetime, time, timedelta
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.ledger.queries import reconcile
from services.intake.ledger.tables import LedgerFiguresRow, LedgerRow
from shared.events.envelope import NewEvent
from shared.events.intake import LedgerChanged
from shared.messaging.outbox import Outbox
from shared.web.times import UK

TOTAL = UUID("3049bf2a-5d14-5478-9d67-bb92ac5a1eda")
"""Subject and key of every figure (the UUIDv5 of `urn:signpost:ledger:total`): the compacted topic keeps the newest."""
_KEPT = timedelta(hours=1)
"""How long figures stay in the outbox after they were published; newer ones say all that they said."""
_ONE = 1
"""The only row: its migration made it."""


class LedgerFigures:
    """Publishes the figures; a sweep's work. With several processes one publishes, the others pass."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    async def publish(self, session: AsyncSession, now: datetime) -> int:
        """Publish the figures if they differ from those that were published last.

        Always returns 0: the figures are looked at again after a pause, not at once.
        """
        row = LedgerFiguresRow
        last = await session.scalar(select(row).where(row.id == _ONE).with_for_update(skip_locked=True))
        if last is None:
            return 0
        figures = {**asdict(await reconcile(session, now)), "accepted_today": await accepted_today(session, now)}
        if _without_age(figures) != _without_age(last.figures):
            last.figures = figures
            event = LedgerChanged.model_validate({"at": now, **figures})
            await self._outbox.forget_superseded(session, TOTAL, now - _KEPT)
            await self._outbox.append(session, [NewEvent.of(TOTAL, event)], now)
        return 0


async def accepted_today(session: AsyncSession, now: datetime) -> int:
    """Return how many reports were accepted since midnight in the United Kingdom."""
    midnight = datetime.combine(now.astimezone(UK).date(), time(), UK)
    return await session.scalar(select(func.count()).where(LedgerRow.accepted_at >= midnight)) or 0


def _without_age(figures: dict[str, int]) -> dict[str, int]:
    """Leave out what changes with every second that passes."""
    return {name: value for name, value in figures.items() if name != "oldest_unaccounted_s"}
