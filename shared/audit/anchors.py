"""Anchors chains: a periodic job hashes the heads of changed chains, and publishes the root outside the database.

To rewrite a chain and its head unnoticed, an attacker must also rewrite every later anchor, and a file that the
database cannot reach.
"""

import json
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.chain import GENESIS, chained
from shared.audit.tables import anchor as anchors
from shared.audit.tables import anchored_chain, chain_head
from shared.db.sweep import Sweep
from shared.runtime import Parts, Role

_CHAINS_AN_ANCHOR = 5000
_LOCK = 0x5167_6E71
"""Advisory lock: only one anchoring runs at a time in a database."""

Entry = tuple[UUID, int, bytes]


def anchors_file(service: str, folder: Path) -> Path:
    """Return the path in `folder` where the roots of `service` are published."""
    return folder / f"{service}.anchors"


async def anchor(session: AsyncSession, now: datetime, file: Path) -> int:
    """Publish the anchors committed so far to `file`, then anchor what has changed since; return how many chains.

    A sweep calls this until nothing is left. An anchor is written to the file only after it is committed, so that the
    file never holds an anchor that the database lacks.
    """
    await session.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    await _publish(session, file)
    entries = await _changed(session)
    if entries:
        await _add(session, entries, now.astimezone(UTC))
    return len(entries)


def anchor_root(previous: bytes, position: int, at: datetime, entries: Sequence[Entry]) -> bytes:
    """Return the root of an anchor: chained to the previous root, over its heads in order of chain id."""
    heads = [[str(chain_id), length, head.hex()] for chain_id, length, head in sorted(entries)]
    content = {
        "position": position,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds"),
        "heads": heads,
    }
    return chained(previous, content)


async def anchor_entries(session: AsyncSession, position: int) -> list[Entry]:
    """Return the heads that an anchor holds."""
    rows = await session.execute(
        select(anchored_chain.c.chain_id, anchored_chain.c.length, anchored_chain.c.hash).where(
            anchored_chain.c.position == position
        )
    )
    return [(chain_id, length, head) for chain_id, length, head in rows]


def published(file: Path) -> list[tuple[int, str]]:
    """Return (position, root in hex) of each published anchor; a half-written last line is ignored.

    A line that is not our anchor is returned as position 0, which no anchor has, so that `verify` reports one as lost.
    """
    if not file.exists():
        return []
    return [_published_anchor(line) for line in file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]]


def _published_anchor(line: str) -> tuple[int, str]:
    try:
        entry = json.loads(line)
        return int(entry["position"]), str(entry["root"])
    except (ValueError, KeyError, TypeError):
        return 0, ""


async def _changed(session: AsyncSession) -> list[Entry]:
    rows = await session.execute(
        select(chain_head.c.chain_id, chain_head.c.length, chain_head.c.hash)
        .where(chain_head.c.length > chain_head.c.anchored_length)
        .order_by(chain_head.c.chain_id)
        .limit(_CHAINS_AN_ANCHOR)
        .with_for_update(skip_locked=True)
    )
    return [(chain_id, length, head) for chain_id, length, head in rows]


async def _add(session: AsyncSession, entries: Sequence[Entry], now: datetime) -> None:
    last = (await session.execute(select(anchors).order_by(anchors.c.position.desc()).limit(1))).first()
    position, previous = (last.position + 1, last.root) if last else (1, GENESIS)
    root = anchor_root(previous, position, now, entries)
    await session.execute(insert(anchors).values(position=position, at=now, chains=len(entries), root=root))
    await session.execute(
        insert(anchored_chain),
        [
            {"position": position, "chain_id": chain_id, "length": length, "hash": head}
            for chain_id, length, head in entries
        ],
    )
    newest = select(anchored_chain).where(anchored_chain.c.position == position).subquery()
    await session.execute(
        update(chain_head)
        .where(chain_head.c.chain_id == newest.c.chain_id)
        .values(anchored_length=func.greatest(chain_head.c.anchored_length, newest.c.length))
    )


async def _publish(session: AsyncSession, file: Path) -> None:
    last = max((position for position, _ in published(file)), default=0)
    rows = (await session.execute(select(anchors).where(anchors.c.position > last).order_by(anchors.c.position))).all()
    if not rows:
        return
    lines = [
        json.dumps({"position": row.position, "at": row.at.isoformat(), "chains": row.chains, "root": row.root.hex()})
        for row in rows
    ]
    _append_durably(file, "".join(f"{line}\n" for line in lines))


def _append_durably(file: Path, text_to_append: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as stream:
        stream.truncate(_whole_lines(file))
        stream.write(text_to_append.encode())
        stream.flush()
        os.fsync(stream.fileno())


def _whole_lines(file: Path) -> int:
    """Return the length without a half-written last line, as a crash may leave."""
    return file.read_bytes().rfind(b"\n") + 1


def anchor_sweeps(parts: Parts) -> Sequence[Role]:
    """Return the sweep that anchors a service's chains; nothing if `audit_anchors_dir` is not set."""
    settings = parts.settings
    if settings.audit_anchors_dir is None:
        return ()
    file = anchors_file(parts.service, settings.audit_anchors_dir)

    async def anchor_to_file(session: AsyncSession, now: datetime) -> int:
        return await anchor(session, now, file)

    every = settings.audit_anchor_every
    return (Sweep(f"{parts.service}-anchors", anchor_to_file, database=parts.database, clock=parts.clock, every=every),)
