"""What is done about files in the course of time: uploads expire, lost objects go, and what was not scanned is scanned.

A sweep's transaction is open while it asks the store or the scanner, so each round is small, and it locks nothing
meanwhile that a request waits for.
"""

from collections.abc import Sequence
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.evidence import handlers
from services.intake.evidence.attachments import scan
from services.intake.evidence.dependencies import EvidenceParts
from services.intake.evidence.domain import ORPHANED_AFTER
from services.intake.evidence.objects import EVIDENCE, UPLOADS, ObjectMissing
from services.intake.evidence.queries import known_objects, next_unscanned
from shared.events.vocabulary import Scan
from shared.observability.metrics import EVIDENCE_ORPHANS

_log = structlog.get_logger()


async def forget_uploads(session: AsyncSession, now: datetime, *, parts: EvidenceParts) -> int:
    """Delete expired uploads, and the parts of those that became evidence; a sweep calls this."""
    due = await handlers.lock_uploads_due(session, now)
    await parts.objects.delete(name for upload in due for name in upload.parts)
    await handlers.forget_uploads(session, due, now)
    return len(due)


async def delete_orphans(session: AsyncSession, now: datetime, *, parts: EvidenceParts) -> int:
    """Delete objects that no row names, once they are too old to be on their way; a sweep calls this."""
    for prefix in (UPLOADS, EVIDENCE):
        async for page in parts.objects.found(prefix):
            old = [one.name for one in page if one.changed_at < now - ORPHANED_AFTER]
            known = await known_objects(session, old)
            await _delete(parts, [name for name in old if name not in known])
    await parts.objects.delete_unfinished(now - ORPHANED_AFTER)
    return 0


async def scan_later(session: AsyncSession, now: datetime, *, parts: EvidenceParts) -> int:
    """Scan one piece that was kept while the scanner did not answer; a sweep calls this.

    The report is locked only once the scanner has answered.
    """
    stored = await next_unscanned(session, now) if parts.scanner.is_set_up else None
    if stored is None:
        return 0
    try:
        said = await scan(parts, stored.object_name)
    except ObjectMissing:
        said = Scan.NOT_SCANNED  # the person who opens it is told, and `signpost audit verify` says so
    await handlers.record_scan(session, stored.item, said, now, parts.outbox)
    return 1


async def _delete(parts: EvidenceParts, names: Sequence[str]) -> None:
    if names:
        await parts.objects.delete(names)
        EVIDENCE_ORPHANS.inc(len(names))
        _log.info("orphans_deleted", count=len(names))
