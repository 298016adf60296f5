"""The inbox: what a group has handled, so that nothing takes effect twice and gaps are seen."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.messaging.reading import Aggregate, Item

_NOTE = text(
    'insert into inbox (group_name, source, event_id, topic, partition, "offset", subject, sequence, handled_at) '
    'select :group, source, event_id, topic, partition, "offset", subject, sequence, :now '
    "from unnest(cast(:sources as text[]), cast(:ids as text[]), cast(:topics as text[]), cast(:partitions as int[]), "
    "cast(:offsets as bigint[]), cast(:subjects as text[]), cast(:sequences as int[])) "
    'as new (source, event_id, topic, partition, "offset", subject, sequence) '
    "order by source, event_id on conflict do nothing returning source, event_id"
)
_FORGET = text(
    "delete from inbox where group_name = :group and (source, event_id) in "
    "(select * from unnest(cast(:sources as text[]), cast(:ids as text[])))"
)
_HANDLED = text(
    "select source, topic, subject, sequence from unnest(cast(:sources as text[]), cast(:topics as text[]), "
    "cast(:subjects as text[]), cast(:sequences as int[])) as want (source, topic, subject, sequence) "
    "where exists (select 1 from inbox i where i.group_name = :group and i.source = want.source "
    "and i.topic = want.topic and i.subject = want.subject and i.sequence = want.sequence)"
)

Step = tuple[Aggregate, int]
"""One event of an aggregate, by its sequence."""


async def note(session: AsyncSession, group: str, items: Sequence[Item], now: datetime) -> set[tuple[str, str]]:
    """Note `items` as handled and return the identities that were new; sorted, so that two members cannot deadlock."""
    if not items:
        return set()
    columns = {
        "sources": [item.source for item in items],
        "ids": [item.event_id for item in items],
        "topics": [item.received.position.topic for item in items],
        "partitions": [item.received.position.partition for item in items],
        "offsets": [item.received.position.offset for item in items],
        "subjects": [item.aggregate.subject for item in items],
        "sequences": [item.sequence for item in items],
    }
    rows = await session.execute(_NOTE, {"group": group, "now": now, **columns})
    return {(source, event_id) for source, event_id in rows}


async def forget(session: AsyncSession, group: str, items: Collection[Item]) -> None:
    """Take back that `items` were handled."""
    if items:
        columns = {"sources": [item.source for item in items], "ids": [item.event_id for item in items]}
        await session.execute(_FORGET, {"group": group, **columns})


async def handled(session: AsyncSession, group: str, steps: Iterable[Step]) -> set[Step]:
    """Return those of `steps` that the group has handled."""
    wanted = list(steps)
    if not wanted:
        return set()
    columns = {
        "sources": [aggregate.source for aggregate, _ in wanted],
        "topics": [aggregate.topic for aggregate, _ in wanted],
        "subjects": [aggregate.subject for aggregate, _ in wanted],
        "sequences": [sequence for _, sequence in wanted],
    }
    rows = await session.execute(_HANDLED, {"group": group, **columns})
    return {(Aggregate(source, topic, subject), sequence) for source, topic, subject, sequence in rows}
