"""What registry says of operators and accounts, batch by batch."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.notifier.access.domain import AccessEvent, people_of, tell
from services.notifier.alerts.deciding import Decision, decide
from services.notifier.alerts.domain import Recipient
from services.notifier.alerts.posting import Post
from services.notifier.directory import queries as directory_queries
from shared.events.envelope import Envelope
from shared.ids import AlertId


async def access_changed(
    session: AsyncSession,
    envelopes: Sequence[Envelope[AccessEvent]],
    now: datetime,
    *,
    post: Post,
    comms: Recipient,
) -> None:
    """Tell the operator and the owner; no fact is published, because it is about no report."""
    people = {staff_id for envelope in envelopes for staff_id in people_of(envelope.data)}
    addresses = await directory_queries.addresses_of(session, people)
    decisions = [
        Decision(
            alert_id=AlertId(post.ids.uuid()),
            report_id=None,
            reference=str(envelope.data.account_id)[-12:],
            event_id=envelope.id,
            purpose=told.purpose,
            choice=told.choice,
            urgency=told.urgency,
            asked_at=envelope.data.at,
            page=f"/accounts/{envelope.data.account_id}",
            standing=told.standing,
        )
        for envelope in envelopes
        for told in tell(envelope.data, addresses, comms)
    ]
    await decide(session, decisions, now, post=post)
