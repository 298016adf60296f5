"""A log that counts the records a group has finished: offsets committed, after the transaction."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from shared.messaging.log import Appender, Batch, EventLog, Subscription

_Offsets = Mapping[tuple[str, int], int]


class CountingLog:
    """`log`, counting what `group` commits."""

    def __init__(self, log: EventLog, group: str) -> None:
        self._log = log
        self._group = group
        self._done = 0
        self._goal = 0
        self._reached = asyncio.Event()

    async def wait_for(self, records: int) -> None:
        """Wait until `records` have been committed since this log was opened."""
        self._goal = records
        self._reached.clear()
        if self._done < records:
            await self._reached.wait()

    def count(self, batch: Batch) -> None:
        """Note that `batch` was committed."""
        self._done += len(batch.records)
        if self._done >= self._goal:
            self._reached.set()

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        subscription = await self._log.subscribe(group, topics)
        return _Counted(subscription, self) if group == self._group else subscription

    async def appender(self, writer_id: str) -> Appender:
        return await self._log.appender(writer_id)

    async def behind(self, groups: Sequence[str]) -> Mapping[str, int]:
        return await self._log.behind(groups)

    async def close(self) -> None:
        await self._log.close()


class _Counted:
    def __init__(self, subscription: Subscription, log: CountingLog) -> None:
        self._subscription = subscription
        self._counting = log

    async def poll(self, max_records: int, timeout: timedelta) -> Batch:
        return await self._subscription.poll(max_records, timeout)

    async def commit(self, batch: Batch) -> None:
        await self._subscription.commit(batch)
        self._counting.count(batch)

    async def rewind(self) -> None:
        await self._subscription.rewind()

    async def end_offsets(self) -> _Offsets:
        return await self._subscription.end_offsets()

    async def reached(self) -> _Offsets:
        return await self._subscription.reached()

    async def lag(self) -> _Offsets:
        return await self._subscription.lag()

    async def close(self) -> None:
        await self._subscription.close()
