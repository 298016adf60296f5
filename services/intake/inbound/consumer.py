"""What other systems send to the log: one consumer, apart from intake's own, so that neither waits for the other."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.inbound.counting import count
from services.intake.inbound.handlers import take_event
from services.intake.inbound.mapping import Sources
from services.intake.inbound.reading import ReceivedEvent, inbound_event
from services.intake.reports.domain import ReceiptCodes
from services.intake.reports.handlers import submit_report
from shared.events import topics
from shared.events.envelope import Envelope
from shared.ids import Ids
from shared.messaging.batch import DeadLetterLimit
from shared.messaging.consumer import ConsumerLimits
from shared.messaging.outbox import Outbox

GROUP = "signpost-intake-inbound"
TOPICS = (topics.INBOUND,)
LIMITS = ConsumerLimits(batch=100, dead_letters=DeadLetterLimit(share=1))
"""It never stops itself: what another system sends wrongly is set aside, and must not stop what others send rightly."""


class InboundHandler:
    """Makes reports of events. One that cannot be read or mapped fails alone and becomes a dead letter."""

    def __init__(self, sources: Sources, *, ids: Ids, outbox: Outbox, receipts: ReceiptCodes) -> None:
        self._sources = sources
        self._ids = ids
        self._outbox = outbox
        self._receipts = receipts

    async def __call__(
        self, session: AsyncSession, envelopes: Sequence[Envelope[ReceivedEvent]], now: datetime
    ) -> None:
        """Take `envelopes` in the batch's transaction; the batch halves itself where one of them fails."""
        submit = partial(submit_report, session, now=now, ids=self._ids, outbox=self._outbox, receipts=self._receipts)
        take = partial(take_event, session, now=now, sources=self._sources, client=None, submit=submit)
        events = [inbound_event(envelope) for envelope in envelopes]
        results = [await take(event) for event in events]
        count(self._sources, zip(events, results, strict=True))
