"""Feeds operations with triage's own events, and with those that other services would publish."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from services.triage.consumer import OPERATIONS_HANDLERS
from shared.db.database import Database
from shared.events import codec
from shared.events.envelope import Envelope, Event
from shared.events.intake import LedgerChanged
from shared.messaging.tables import outbox
from tests.services.triage.builders import IDS, NOW

_KINDS = {kind.TYPE: kind for kind in OPERATIONS_HANDLERS}


async def said_by_triage(database: Database) -> list[Event]:
    """Return the events in triage's outbox that operations reads, in order."""
    async with database.transaction() as session:
        rows = (await session.execute(select(outbox.c.type, outbox.c.value).order_by(outbox.c.id))).all()
    return [codec.read(row.value, _KINDS[row.type]) for row in rows if row.type in _KINDS]


async def hear(database: Database, events: Sequence[Event], now: datetime = NOW) -> None:
    """Give operations each event on its own, in the order given."""
    for event in events:
        envelope: Envelope[Any] = Envelope(
            id=str(IDS.uuid()), source="/signpost/any", subject="any", sequence=None, time=now, data=event
        )
        async with database.transaction() as session:
            await OPERATIONS_HANDLERS[type(event)](session, [envelope], now)


def ledger(at: datetime = NOW, **figures: int) -> LedgerChanged:
    """Return figures of a ledger in which every report is accounted for."""
    count = figures.get("accepted", 0)
    values = {
        "accepted": count,
        "published": count,
        "cases": count,
        "alert_decisions": count,
        "dead_lettered": 0,
        "in_flight": 0,
        "unaccounted": 0,
    }
    return LedgerChanged.model_validate({"at": at, **values, **figures})


def alert(kind: type[Event], report_id: UUID, **more: object) -> Event:
    """Return an event of the first alert about a report."""
    common = {"alert_id": IDS.uuid(), "report_id": report_id, "at": NOW, "purpose": "abuse_reported"}
    return kind.model_validate({**common, **more})
