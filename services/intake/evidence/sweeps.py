"""What is done about files in the course of time: uploads expire, lost objects go, and what was not scanned is scanned.

The store and the scanner may take long to answer. So each transaction here ends before one of them is asked: no
connection of the pool waits with it, and no row is locked that a request waits for.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeAlias

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.evidence import handlers
from services.intake.evidence.attachments import scan
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.domain import ORPHANED_AFTER
from services.intake.evidence.objects import EVIDENCE, UPLOADS, ObjectMissing, StoreUnavailable
from services.intake.evidence.queries import known_objects, next_unscanned
from shared.db.sweep import Work
from shared.events.vocabulary import Scan
from shared.observability.metrics import EVIDENCE_ORPHANS

_log = structlog.get_logger()
Round: TypeAlias = Callable[[EvidenceParts, datetime], Awaitable[int]]
"""Does what is due, in transactions of its own, and returns how much that was."""


def when_the_store_answers(parts: EvidenceParts, work: Round) -> Work:
    """Return `work` for a sweep: what the store does not do now is done next time, and reports are taken meanwhile."""

    async def swept(_unused: AsyncSession, now: datetime) -> int:
        try:
            return await work(parts, now)
        except StoreUnavailable as error:
            _log.warning("store_waits", sweep=work.__name__, error=type(error).__name__)
            return 0

    return swept


async def forget_uploads(parts: EvidenceParts, now: datetime) -> int:
    """Delete expired uploads, and the parts of those that became evidence.

    A row goes after its objects: if the store fails in between, the next round finds them again.
    """
    async with parts.database.transaction() as session:
        due = await handlers.uploads_due(session, now)
    await parts.objects.delete(name for upload in due for name in upload.parts)
    async with parts.database.transaction() as session:
        await handlers.forget_uploads(session, due, now)
    return len(due)


async def delete_orphans(parts: EvidenceParts, now: datetime) -> int:
    """Delete objects that no row names, once they are too old to be on their way."""
    for prefix in (UPLOADS, EVIDENCE):
        async for page in parts.objects.found(prefix):
            old = [one.name for one in page if one.changed_at < now - ORPHANED_AFTER]
            async with parts.database.transaction() as session:
                known = await known_objects(session, old) if old else ()
            await _delete(parts, [name for name in old if name not in known])
    await parts.objects.delete_unfinished(now - ORPHANED_AFTER)
    return 0


async def scan_later(parts: EvidenceParts, now: datetime) -> int:
    """Scan one piece that was kept while the scanner did not answer."""
    if not parts.scanner.is_set_up:
        return 0
    async with parts.database.transaction() as session:
        stored = await next_unscanned(session, now)
    if stored is None:
        return 0
    try:
        said = await scan(parts, stored.object_name)
    except ObjectMissing:
        said = Scan.NOT_SCANNED  # the person who opens it is told, and `signpost audit verify` says so
    async with parts.database.transaction() as session:
        await handlers.record_scan(session, stored.item, said, now, parts.outbox)
    return 1


async def _delete(parts: EvidenceParts, names: Sequence[str]) -> None:
    if names:
        await parts.objects.delete(names)
        EVIDENCE_ORPHANS.inc(len(names))
        _log.info("orphans_deleted", count=len(names))
