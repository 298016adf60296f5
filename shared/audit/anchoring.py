"""The role that anchors a service's chains, where the settings say where to."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit import chain
from shared.audit.anchors import anchors_file
from shared.clock import Clock
from shared.db.database import Database
from shared.db.sweep import Sweep
from shared.runtime import Role
from shared.settings import ServiceSettings


def anchoring(service: str, settings: ServiceSettings, *, database: Database, clock: Clock) -> Sequence[Role]:
    """Return the sweep that anchors the chains in `database`; nothing where `audit_anchors_dir` is not set."""
    if settings.audit_anchors_dir is None:
        return ()
    file = anchors_file(service, settings.audit_anchors_dir)

    async def anchor(session: AsyncSession, now: datetime) -> int:
        return await chain.anchor(session, now, file)

    return (Sweep(f"{service}-anchors", anchor, database=database, clock=clock, every=settings.audit_anchor_every),)
