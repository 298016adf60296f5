"""The handler of each event that the registry consumes."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.handlers import freeze_compromised
from services.registry.context.work import Work
from shared.events import topics
from shared.events.envelope import Envelope, Event
from shared.events.notifier import StaffListed
from shared.events.triage import CaseCompromiseConfirmed
from shared.messaging.batch import Handler
from shared.people import project_people

GROUP = "signpost-registry"
TOPICS = (topics.CASES, topics.DIRECTORY)


def handlers(at_work: Callable[[AsyncSession, datetime], Work]) -> Mapping[type[Event], Handler]:
    """Return the handler of each event type."""

    async def on_compromise(
        session: AsyncSession, envelopes: Sequence[Envelope[CaseCompromiseConfirmed]], now: datetime
    ) -> None:
        await freeze_compromised(at_work(session, now), envelopes)

    return {CaseCompromiseConfirmed: on_compromise, StaffListed: project_people}
