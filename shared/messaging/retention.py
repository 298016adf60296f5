"""How long messaging keeps the content of events, and the record of what was handled."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shared.auth.ended_sessions import REMEMBERED_FOR
from shared.db.sweep import Sweep, Work
from shared.messaging.log import LogUnavailable
from shared.messaging.postgres.log import PostgresLog
from shared.runtime import Parts, Role

CONTENT_LIVES = timedelta(days=7)
"""How long an event's content stays after publication, or after its dead letter is settled. With the log's 7 days and
a day of segments, a narrative is gone from every log within 9 days."""
INBOX_LIVES = timedelta(days=45)
"""Longer than any topic keeps its records, so that none is handled twice."""

_EVERY = timedelta(minutes=10)
_MOST = 2_000

_BLANK_PUBLISHED = text(
    "update outbox set value = null, key = null where id in (select id from outbox where published_at < :before "
    "and value is not null order by published_at limit :most for update skip locked) returning 1"
)
_BLANK_SETTLED = text(
    "update dead_letter set value = null, key = null, headers = '[]' "
    "where id in (select id from dead_letter where settled_at < :before "
    "and (value is not null or headers <> '[]') limit :most for update skip locked) returning 1"
)
_FORGET_HANDLED = text(
    "delete from inbox where ctid in (select ctid from inbox i where handled_at < :before and ("
    "sequence is null or exists (select 1 from inbox next where next.group_name = i.group_name "
    "and next.source = i.source and next.topic = i.topic and next.subject = i.subject "
    "and next.sequence = i.sequence + 1)) limit :most for update skip locked) returning 1"
)
_FORGET_ENDED = text(
    "delete from ended_session where id in (select id from ended_session where recorded_at < :before "
    "limit :most for update skip locked) returning 1"
)


async def expire_content(session: AsyncSession, now: datetime) -> int:
    """Blank and delete what is due, and return the number of rows.

    The newest event of each aggregate stays in the inbox for ever, because its successor needs it, however late.
    """
    content = {"before": now - CONTENT_LIVES, "most": _MOST}
    handled = {"before": now - INBOX_LIVES, "most": _MOST}
    ended = {"before": now - REMEMBERED_FOR, "most": _MOST}
    statements = (
        (_BLANK_PUBLISHED, content),
        (_BLANK_SETTLED, content),
        (_FORGET_HANDLED, handled),
        (_FORGET_ENDED, ended),
    )
    return sum([len((await session.execute(statement, parameters)).all()) for statement, parameters in statements])


def retention_sweeps(parts: Parts) -> Sequence[Role]:
    """Return the sweeps that enforce retention in a service's database.

    A PostgreSQL log is also swept by its topics' retention; Kafka's brokers do that themselves.
    """
    sweep = partial(Sweep, database=parts.database, clock=parts.clock, every=_EVERY)
    kept = sweep(f"{parts.service}-messaging-housekeeping", expire_content)
    if not isinstance(parts.log, PostgresLog):
        return (kept,)
    return kept, sweep(f"{parts.service}-log-retention", _retention(parts.log))


def _retention(log: PostgresLog) -> Work:
    async def retain(_session: AsyncSession, _now: datetime) -> int:
        with suppress(LogUnavailable):
            await log.retain()
        return 0

    return retain
