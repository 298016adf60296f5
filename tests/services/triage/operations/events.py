"""Feeds operations with triage's own events, and with those that other services would publish."""

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from services.triage.consumer import OPERATIONS_HANDLERS
from services.triage.operations.domain import Cell, Figure
from services.triage.operations.tables import FigureRow
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


async def figures(database: Database) -> dict[Cell, int]:
    """Return the figures that operations keeps."""
    async with database.transaction() as session:
        rows = await session.scalars(select(FigureRow))
        return {Cell(Figure(row.figure), row.at, row.label): row.n for row in rows}


async def come_to_the_same_in_any_order_and_twice(database: Database, events: Sequence[Event], seed: int) -> None:
    """Check that these events come to the same figures however they arrive."""
    await hear(database, events)
    in_order = await figures(database)
    mixed = [*events, *events]
    random.Random(seed).shuffle(mixed)
    async with database.transaction() as session:
        await session.execute(text("truncate figure, counted_case, counted_report, counted_takedown"))
    await hear(database, mixed)
    assert await figures(database) == in_order


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
