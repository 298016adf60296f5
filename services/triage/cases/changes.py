"""Which cases changed, for what other capabilities derive from them afterwards: each reader takes changes in turn."""

from collections.abc import Collection
from enum import StrEnum
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.tables import CaseChanged
from shared.db.bulk import copy_in

BATCH = 500
"""Changes that one run of a sweep takes."""


class Reader(StrEnum):
    """Who takes the changes."""

    SEARCH = "search"
    CAMPAIGNS = "campaigns"


_LOCKS = {Reader.SEARCH: 0x5EA2C4, Reader.CAMPAIGNS: 0xCA4BA1}
"""Advisory locks, one for each reader."""


async def note(session: AsyncSession, case_ids: Collection[UUID]) -> None:
    """Note for each reader that cases changed, in what is written about them or in what queues show of them.

    Rows are only added, so that no one waits; that one case is there twice does no harm.
    """
    rows = [{"reader": reader.value, "case_id": case_id} for case_id in dict.fromkeys(case_ids) for reader in Reader]
    await copy_in(session, CaseChanged.table(), rows)


async def take(session: AsyncSession, reader: Reader) -> list[UUID]:
    """Take the oldest changes of a reader, up to `BATCH`; return the cases, each once.

    Only one process takes a reader's changes at a time, until its transaction ends. If two did, one of them could write
    what it made of a case after the other, and from what it read before a change.
    """
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(_LOCKS[reader]))):
        return []
    theirs = CaseChanged.reader == reader
    oldest = select(CaseChanged.seq).where(theirs).order_by(CaseChanged.seq).limit(BATCH)
    taken = delete(CaseChanged).where(theirs, CaseChanged.seq.in_(oldest)).returning(CaseChanged.case_id)
    return list(dict.fromkeys(await session.scalars(taken)))


async def hold(session: AsyncSession, reader: Reader) -> None:
    """Let no process take a reader's changes until the transaction ends; wait for one that does so now.

    What is erased in this transaction is then not written again from what was read before.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_LOCKS[reader])))
