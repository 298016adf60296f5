"""Verifies chains: finds edits, deletions, reordering, truncation back to the newest anchor, and changed records.

Memory stays flat: chains and the service's records are read side by side, a batch at a time.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, Select, and_, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.anchors import anchor_entries, anchor_root, published
from shared.audit.chain import ERASED, GENESIS, VERSION, Link, Said, digests_of, state_digest, states_of
from shared.audit.tables import activity, anchor, anchored_chain, chain_head

_FETCH = 1000


class Broken(StrEnum):
    """What is wrong at a link."""

    MISSING = "a link is missing or out of order"
    EDITED = "the link does not match its hash"
    CONTENT_EDITED = "the personal content does not match its digest"
    CONTENT_LOST = "the personal content is gone, and no link says that it was erased"
    HEAD_DIFFERS = "the chain does not end where its head says"
    RECORD_DIFFERS = "the case or account is not what its chain says"
    RECORD_LOST = "there is a chain, but not the case or account that it belongs to"
    CHAIN_LOST = "there is a case or account, but not its chain"
    ANCHOR_DIFFERS = "the chain no longer holds what was anchored"
    ANCHOR_EDITED = "the anchor does not match its root"
    ANCHOR_LOST = "an anchor in the database and the one published outside it differ, or one of them is missing"
    ANCHORS_FILE_LOST = "the file of anchors is missing or empty, although there are chains that it should cover"


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """The place where a chain, or the chain of anchors, is broken."""

    because: Broken
    chain_id: UUID | None
    position: int | None
    fields: tuple[str, ...] = ()
    """What differs from the chain, by name."""


@dataclass(frozen=True, slots=True)
class Current:
    """What a service's rows say now about the case or account of a chain."""

    facts: Mapping[str, str] = field(default_factory=dict)
    """By the names that links use in `after`; empty if there is none."""
    state: Mapping[str, str] = field(default_factory=dict)
    """By the names of `chain.Change.state`."""


Records = Callable[[AsyncSession], AsyncIterator[tuple[UUID, Current]]]
"""Yields every record that has a chain, in the order of their ids, without holding them all: each service has one."""


async def in_order(*several: AsyncIterator[tuple[UUID, Current]]) -> AsyncIterator[tuple[UUID, Current]]:
    """Yield the records of several kinds as one, in the order of their ids; each kind comes in that order."""
    waiting = [(records, await anext(records, None)) for records in several]
    while found := [(record[0], place) for place, (_, record) in enumerate(waiting) if record]:
        _, place = min(found)
        records, record = waiting[place]
        if record:
            yield record
        waiting[place] = (records, await anext(records, None))


class LastAnchor(NamedTuple):
    """The newest anchor, to compare with a copy of the anchors kept elsewhere."""

    number: int
    at: datetime


async def verify(
    session: AsyncSession,
    anchors_file: Path | None = None,
    *,
    records: Records | None = None,
    unanchored_since: datetime | None = None,
) -> list[BrokenLink]:
    """Recompute every chain and anchor, and compare records with them; an empty list means that nothing was changed.

    Args:
        session: a transaction of the database that holds the chains; on a running system one with a single snapshot.
        anchors_file: where `anchor` published its roots; without it, the database's anchors are trusted.
        records: the service's cases or accounts; without it, only the chains are verified.
        unanchored_since: links since then may not be anchored yet; without it, every link should be.
    """
    lines = published(anchors_file) if anchors_file else []  # first, because anchors are written here last
    return [
        *[broken async for broken in _broken_chains(session, records)],
        *await _heads_without_links(session),
        *await _anchored_links_that_differ(session),
        *await _broken_anchors(session, lines if anchors_file else None),
        *(await _lost_file(session, unanchored_since) if anchors_file and not lines else []),
    ]


def oldest_unanchored(now: datetime, every: timedelta) -> datetime:
    """Return since when links may wait for their anchor: for an interval, and as long again for the sweep itself."""
    return now - 2 * every


async def last_anchor(session: AsyncSession) -> LastAnchor | None:
    """Return the newest anchor; None if nothing was anchored yet."""
    row = (await session.execute(select(anchor).order_by(anchor.c.position.desc()).limit(1))).first()
    return LastAnchor(row.position, row.at) if row else None


@dataclass(slots=True)
class _Walk:
    """One chain as far as it has been walked, and what its links say."""

    chain_id: UUID
    broken: BrokenLink | None = None
    position: int = 0
    hash: bytes = GENESIS
    blank: int = 0
    """The last link whose personal content is gone."""
    erased: int = 0
    """The last link which says that what is before it was erased."""
    versioned: bool = False
    """Whether the first link says all of the state, as new chains do; older ones are compared in what they say."""
    facts: dict[str, str] = field(default_factory=dict)
    state: dict[str, Said] = field(default_factory=dict)

    def step(self, row: Row[Any]) -> None:
        """Walk one link; nothing is looked at behind the first broken one."""
        if self.broken:
            return
        self.position += 1
        because = _broken_because(row, self.position, self.hash)
        self.hash = row.hash
        if because:
            self.broken = BrokenLink(because, self.chain_id, self.position)
        self.versioned = VERSION in row.digests if self.position == 1 else self.versioned
        self.blank = self.position if row.content is None else self.blank
        self.erased = self.position if row.action == ERASED else self.erased
        self.facts.update(row.after)
        self.state.update(states_of(row.digests, row.content))

    def end(self, row: Row[Any]) -> None:
        """Look at the whole chain after its last link."""
        if self.broken:
            return
        if (row.head_length, row.head_hash) != (self.position, self.hash):
            self.broken = BrokenLink(Broken.HEAD_DIFFERS, self.chain_id, self.position)
        elif self.versioned and self.blank and self.blank >= self.erased:
            self.broken = BrokenLink(Broken.CONTENT_LOST, self.chain_id, self.blank)

    def compare(self, now: Current) -> BrokenLink | None:
        """Return what is wrong with the chain or its record; None if it is what the links say."""
        fields = [name for name, value in now.facts.items() if self.facts.get(name, "") != value]
        fields += [name for name in {**self.state, **now.state} if not self._agrees(name, now.state.get(name, ""))]
        differs = BrokenLink(Broken.RECORD_DIFFERS, self.chain_id, None, tuple(sorted(fields)))
        return self.broken or (differs if fields else None)

    def _agrees(self, name: str, value: str) -> bool:
        if said := self.state.get(name):
            return said.salt is not None and state_digest(said.salt, name, value) == said.digest
        return not value or not self.versioned


async def _broken_chains(session: AsyncSession, records: Records | None) -> AsyncIterator[BrokenLink]:
    """Walk all chains in one pass, beside the records; report only the first thing that is broken at each."""
    walks = _walks(session)
    if records is None:
        async for walk in walks:
            if walk.broken:
                yield walk.broken
        return
    async for chain_id, walk_of_it, current in _side_by_side(walks, records(session)):
        if walk_of_it is None:
            yield BrokenLink(Broken.CHAIN_LOST, chain_id, None)
        elif current is None:
            yield BrokenLink(Broken.RECORD_LOST, chain_id, None)
        elif broken := walk_of_it.compare(current):
            yield broken


async def _side_by_side(
    walks: AsyncIterator[_Walk], records: AsyncIterator[tuple[UUID, Current]]
) -> AsyncIterator[tuple[UUID, _Walk | None, Current | None]]:
    """Pair chains and records by id; both come in its order, and one of the two may be missing."""
    walk, record = await anext(walks, None), await anext(records, None)
    while walk or record:
        if walk and (record is None or walk.chain_id < record[0]):
            yield walk.chain_id, walk, None
            walk = await anext(walks, None)
        elif record and (walk is None or record[0] < walk.chain_id):
            yield record[0], None, record[1]
            record = await anext(records, None)
        elif walk and record:
            yield walk.chain_id, walk, record[1]
            walk, record = await anext(walks, None), await anext(records, None)


async def _walks(session: AsyncSession) -> AsyncIterator[_Walk]:
    walk: _Walk | None = None
    last: Row[Any] | None = None
    async for row in await session.stream(_links_with_heads(), execution_options={"yield_per": _FETCH}):
        if walk and last and row.chain_id != walk.chain_id:
            walk.end(last)
            yield walk
            walk = None
        walk, last = walk or _Walk(row.chain_id), row
        walk.step(row)
    if walk and last:
        walk.end(last)
        yield walk


def _links_with_heads() -> Select[Any]:
    """Select links in order, each with its chain's head."""
    return (
        select(activity, chain_head.c.length.label("head_length"), chain_head.c.hash.label("head_hash"))
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
    digests = {name: digest for name, digest in row.digests.items() if name != VERSION}
    if row.content is not None and digests_of(row.content) != digests:
        return Broken.CONTENT_EDITED
    return None


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


async def _broken_anchors(session: AsyncSession, lines: Sequence[tuple[int, str]] | None) -> list[BrokenLink]:
    broken = []
    previous = GENESIS
    roots: dict[int, str] = {}
    for row in (await session.execute(select(anchor).order_by(anchor.c.position))).all():
        if row.root != anchor_root(previous, row.position, row.at, await anchor_entries(session, row.position)):
            broken.append(BrokenLink(Broken.ANCHOR_EDITED, None, row.position))
        previous = row.root
        roots[row.position] = row.root.hex()
    return broken + ([] if lines is None else _lost(lines, roots))


def _lost(lines: Sequence[tuple[int, str]], roots: dict[int, str]) -> list[BrokenLink]:
    """Compare the published anchors with the database's; only the newest one may not be published yet."""
    differ = {position for position, root in lines if roots.get(position) != root}
    unpublished = set(sorted(roots)[:-1]) - {position for position, _ in lines}
    return [BrokenLink(Broken.ANCHOR_LOST, None, position) for position in sorted(differ | unpublished)]


async def _lost_file(session: AsyncSession, unanchored_since: datetime | None) -> list[BrokenLink]:
    """Report the file if a link should be in it by now: a person who removes the anchors removes the file with them."""
    old = [activity.c.at < unanchored_since] if unanchored_since else []
    found = await session.scalar(select(activity.c.position).where(*old).limit(1))
    return [BrokenLink(Broken.ANCHORS_FILE_LOST, None, None)] if found else []
