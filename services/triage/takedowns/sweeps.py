"""What is done about machine forms in the course of time.

An endpoint may take long to answer. So an attempt is counted and committed before it is asked, and what came of it is
stored in a second transaction: no connection of the pool and no row waits with it, and an error in between cannot send
a form again without end. A form that was sent just before a crash is sent again at its next time, under its id.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.writer import CaseWriter
from services.triage.takedowns import domain, handlers
from services.triage.takedowns.domain import Form, FormState, MachineForm, Protocol
from services.triage.takedowns.protocols import NotSent, Sent
from shared.db.database import Database

Send = Callable[[Protocol, Form], Awaitable[Sent]]


async def send_form(_unused: AsyncSession, now: datetime, *, database: Database, writer: CaseWriter, send: Send) -> int:
    """Send the machine form that is due longest; return how many there were."""
    async with database.transaction() as session:
        form = await handlers.attempt_form(session, now)
    if form is None:
        return 0
    after = await _sent(form, now, send)
    async with database.transaction() as session:
        await handlers.record_form(session, after, now, writer=writer)
    return 1


async def _sent(form: MachineForm, now: datetime, send: Send) -> MachineForm:
    if form.attempts > domain.MOST_ATTEMPTS:  # nothing is known of the last one
        return domain.not_sent(form, "no answer", final=True)
    try:
        sent = await send(form.protocol, form.body)
    except NotSent as error:
        return domain.not_sent(form, error.because, final=error.final)
    return replace(form, state=FormState.SENT, next_at=None, sent_at=now, answer=sent.answer, body=sent.body)
