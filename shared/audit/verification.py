"""Verifies chains: finds edits, deletions, reordering, and truncation back to the newest anchor."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.anchors import anchor_entries, anchor_root, published
from shared.audit.chain import GENESIS, Link, digest
from shared.audit.tables import activity, anchor, anchored_chain, chain_head

_FETCH = 1000


class Broken(StrEnum):
    """What is wrong at a link."""

    MISSING = "a link is missing or out of order"
    EDITED = "the link does not match its hash"
    CONTENT_EDITED = "the personal content does not match its digest"
    HEAD_DIFFERS = "the chain does not end where its head says"
    ANCHOR_DIFFERS = "the chain no longer holds what was anchored"
    ANCHOR_EDITED = "the anchor does not match its root"
    ANCHOR_LOST = "an anchor in the database and the one published outside it differ, or one of them is missing"


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """The place where a chain, or the chain of anchors, is broken."""

    because: Broken
    chain_id: UUID | None
    position: int | None


async def verify(session: AsyncSession, anchors_file: Path | None = None) -> list[BrokenLink]:
    """Recompute every chain and anchor; an empty list means that nothing was changed.

    Args:
        session: a transaction of the database that holds the chains.
        anchors_file: where `anchor` published its roots; without it, the database's anchors are trusted.
    """
    return [
        *[broken async for broken in _broken_chains(session)],
        *await _heads_without_links(session),
        *await _anchored_links_that_differ(session),
        *await _broken_anchors(session, anchors_file),
    ]


async def _broken_chains(session: AsyncSession) -> AsyncIterator[BrokenLink]:
    """Walk all chains in one pass; report only the first broken link of a chain."""
    chain_id: UUID | None = None
    position, previous, broken = 0, GENESIS, False
    async for row in await session.stream(_links_with_heads(), execution_options={"yield_per": _FETCH}):
        if row.chain_id != chain_id:
            chain_id, position, previous, broken = row.chain_id, 0, GENESIS, False
        if broken:
            continue
        position += 1
        because = _broken_because(row, position, previous)
        previous = row.hash
        if because:
            broken = True
            yield BrokenLink(because, chain_id, position)


def _links_with_heads() -> Select[Any]:
    """Select links in order, each with its chain's head; the last link of each chain is marked."""
    last = func.lead(activity.c.position).over(partition_by=activity.c.chain_id, order_by=activity.c.position)
    return (
        select(
            activity,
            chain_head.c.length.label("head_length"),
            chain_head.c.hash.label("head_hash"),
            last.is_(None).label("is_last"),
        )
        .outerjoin(chain_head, chain_head.c.chain_id == activity.c.chain_id)
        .order_by(activity.c.chain_id, activity.c.position)
    )


def _broken_because(row: Row[Any], position: int, previous: bytes) -> Broken | None:
    if row.position != position:
        return Broken.MISSING
    link = Link(
        chain_id=row.chain_id,
        position=row.position,
        id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        before=row.before,
        after=row.after,
        digests=row.digests,
    )
    if link.hash(previous) != row.hash:
        return Broken.EDITED
    if row.content is not None and _digests_of(row.content) != row.digests:
        return Broken.CONTENT_EDITED
    if row.is_last and (row.head_length, row.head_hash) != (row.position, row.hash):
        return Broken.HEAD_DIFFERS
    return None


def _digests_of(content: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: digest(kept["salt"], name, kept["text"]) for name, kept in content.items()}


async def _heads_without_links(session: AsyncSession) -> list[BrokenLink]:
    has_links = exists().where(activity.c.chain_id == chain_head.c.chain_id)
    rows = await session.scalars(select(chain_head.c.chain_id).where(~has_links))
    return [BrokenLink(Broken.HEAD_DIFFERS, chain_id, None) for chain_id in rows]


async def _anchored_links_that_differ(session: AsyncSession) -> list[BrokenLink]:
    """Compare each anchored head with the link it names: a rewritten or truncated chain no longer has it."""
    same_link = and_(
        activity.c.chain_id == anchored_chain.c.chain_id,
        activity.c.position == anchored_chain.c.length,
        activity.c.hash == anchored_chain.c.hash,
    )
    rows = await session.execute(
        select(anchored_chain.c.chain_id, func.min(anchored_chain.c.length))
        .outerjoin(activity, same_link)
        .where(activity.c.chain_id.is_(None))
        .group_by(anchored_chain.c.chain_id)
    )
    return [BrokenLink(Broken.ANCHOR_DIFFERS, chain_id, length) for chain_id, length in rows]


async def _broken_anchors(session: AsyncSession, anchors_file: Path | None) -> list[BrokenLink]:
    lines = published(anchors_file) if anchors_file else []  # first, because anchors are written here last
    broken = []
    previous = GENESIS
    roots: dict[int, str] = {}
    for row in (await session.execute(select(anchor).order_by(anchor.c.position))).all():
        if row.root != anchor_root(previous, row.position, row.at, await anchor_entries(session, row.position)):
            broken.append(BrokenLink(Broken.ANCHOR_EDITED, None, row.position))
        previous = row.root
        roots[row.position] = row.root.hex()
    return broken + (_lost(lines, roots) if anchors_file else [])


def _lost(lines: Sequence[tuple[int, str]], roots: dict[int, str]) -> list[BrokenLink]:
    """Compare the published anchors with the database's; only the newest one may not be published yet."""
    differ = {position for position, root in lines if roots.get(position) != root}
    unpublished = set(sorted(roots)[:-1]) - {position for position, _ in lines}
    return [BrokenLink(Broken.ANCHOR_LOST, None, position) for position in sorted(differ | unpublished)]
