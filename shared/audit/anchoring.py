"""The role that anchors a service's chains, where the settings say where to."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit import chain
from shared.audit.anchors import anchors_file
from shared.db.sweep import Sweep
from shared.runtime import Parts, Role


def anchoring(parts: Parts) -> Sequence[Role]:
    """Return the sweep that anchors a service's chains; nothing where `audit_anchors_dir` is not set."""
    settings = parts.settings
    if settings.audit_anchors_dir is None:
        return ()
    file = anchors_file(parts.service, settings.audit_anchors_dir)

    async def anchor(session: AsyncSession, now: datetime) -> int:
        return await chain.anchor(session, now, file)

    every = settings.audit_anchor_every
    return (Sweep(f"{parts.service}-anchors", anchor, database=parts.database, clock=parts.clock, every=every),)
