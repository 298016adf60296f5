"""Appends activities to chains, reads them, and erases their personal content.

Everything runs in the caller's transaction, which must already hold the row lock of the case or account.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, Uuid, any_, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shared.audit.tables import activity, chain_head
from shared.db.bulk import copy_in
from shared.ids import Ids

GENESIS = bytes(32)
"""The previous hash of the first link of a chain, and of the first anchor."""
ERASED = "erased"
"""The action of a link which says that the personal content of the links before it was erased."""
VERSION = ""
"""The name under which `digests` keeps a link's version; links from before there were versions have none (0047)."""
_CURRENT = "2"
_STATE = "state:"
"""Marks the names of `Change.state` among the names of personal fields."""
_SALT_BYTES = 16
_EMPTY: tuple[object, ...] = (None, "", (), [], {}, False)
_MOVE_HEAD = text("update chain_head set length = :length, hash = :hash where chain_id = :chain_id")


@dataclass(frozen=True, slots=True)
class Link:
    """What one hash covers: everything about an activity, with digests in place of its personal content."""

    chain_id: UUID
    position: int
    id: UUID
    at: datetime
    actor: str
    action: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    digests: Mapping[str, str]

    def hash(self, previous: bytes) -> bytes:
        """Return sha-256 over the previous hash and this link as canonical JSON."""
        return chained(
            previous,
            {
                "chain_id": str(self.chain_id),
                "position": self.position,
                "id": str(self.id),
                "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
                "actor": self.actor,
                "action": self.action,
                "before": dict(self.before),
                "after": dict(self.after),
                "digests": dict(self.digests),
            },
        )


def chained(previous: bytes, content: object) -> bytes:
    """Return sha-256 over `previous` and the canonical JSON (sorted keys, no spaces, UTF-8) of `content`."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous + text.encode()).digest()


def digest(salt: str, name: str, text: str) -> str:
    """Return the salted digest of a personal field. Without the salt it reveals nothing about the text."""
    return hmac.digest(bytes.fromhex(salt), f"{name}\0{text}".encode(), "sha256").hex()


@dataclass(frozen=True, slots=True)
class Change:
    """One action. `before` and `after` carry no personal data; `reason` and `personal` can be erased."""

    action: str
    actor: str
    """A staff id, or `system:<service>`."""
    reason: str | None = None
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    personal: Mapping[str, str] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    """What the case or account is from now on, by name, mostly as fingerprints; `verify` compares them. Erasable."""


@dataclass(frozen=True, slots=True)
class Activity:
    """One link of a chain, as pages show it."""

    id: UUID
    position: int
    at: datetime
    actor: str
    action: str
    before: Mapping[str, str]
    after: Mapping[str, str]
    personal: Mapping[str, str]
    """Texts by name; empty once erased."""
    erased: bool

    @property
    def reason(self) -> str | None:
        """Why, in the actor's words."""
        return self.personal.get("reason")


def digests_of(content: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return the salted digest of each personal field."""
    return {name: digest(kept["salt"], name, kept["text"]) for name, kept in content.items()}


def fingerprint(values: Mapping[str, object]) -> str:
    """Return sha-256 over the values that are not empty, so that a column added later changes no fingerprint."""
    kept = {name: _in_utc(value) for name, value in values.items() if value not in _EMPTY}
    return hashlib.sha256(orjson.dumps(kept, default=str, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _in_utc(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def state_digest(salt: str, name: str, text: str) -> str:
    """Return the salted digest of one name of `Change.state`."""
    return digest(salt, _STATE + name, text)


def states_of(digests: Mapping[str, str], content: Mapping[str, Mapping[str, str]] | None) -> dict[str, "Said"]:
    """Return what a link says about the state, by name."""
    return {
        name.removeprefix(_STATE): Said(said, (content or {}).get(name, {}).get("salt"))
        for name, said in digests.items()
        if name.startswith(_STATE)
    }


class Said(NamedTuple):
    """A digest that a link holds, and its salt; None once erased."""

    digest: str
    salt: str | None


async def append(session: AsyncSession, changes: Sequence[tuple[UUID, Change]], now: datetime, ids: Ids) -> None:
    """Append each change to its chain, in order, in a few statements for any number of chains."""
    if not changes:
        return
    locked = await _lock_heads(session, {chain_id for chain_id, _ in changes})
    heads, rows = dict(locked), []
    for chain_id, change in changes:
        length, previous = heads.get(chain_id, (0, GENESIS))
        row, head = _row(chain_id, length + 1, previous, change, now.astimezone(UTC), ids)
        heads[chain_id] = (length + 1, head)
        rows.append(row)
    await copy_in(session, activity, rows)
    await copy_in(
        session, chain_head, [_head(chain_id, *head) for chain_id, head in heads.items() if chain_id not in locked]
    )
    if locked:
        await session.execute(_MOVE_HEAD, [_head(chain_id, *heads[chain_id]) for chain_id in locked])


async def read(session: AsyncSession, chain_id: UUID) -> list[Activity]:
    """Return the activities of a chain, oldest first."""
    rows = await session.execute(select(activity).where(activity.c.chain_id == chain_id).order_by(activity.c.position))
    return [
        Activity(
            id=row.id,
            position=row.position,
            at=row.at,
            actor=row.actor,
            action=row.action,
            before=row.before,
            after=row.after,
            personal={name: kept["text"] for name, kept in (row.content or {}).items() if not name.startswith(_STATE)},
            erased=row.content is None,
        )
        for row in rows
    ]


async def last(session: AsyncSession, chain_id: UUID) -> tuple[Link, bytes]:
    """Return the last link of a chain and its hash: what proves it, without personal content."""
    newest = select(activity).where(activity.c.chain_id == chain_id).order_by(activity.c.position.desc()).limit(1)
    row = (await session.execute(newest)).one()
    return Link(**{name: getattr(row, name) for name in Link.__slots__}), row.hash


async def reasons(
    session: AsyncSession, chain_ids: Collection[UUID], actions: Collection[str]
) -> dict[UUID, list[str]]:
    """Return the reasons given with some actions in each chain, newest first, in one statement."""
    reason = activity.c.content["reason"]["text"].astext
    wanted = select(activity.c.chain_id, reason).where(
        activity.c.chain_id == any_(literal(list(chain_ids), ARRAY(Uuid))),
        activity.c.action.in_(actions),
        reason.is_not(None),
    )
    found: dict[UUID, list[str]] = {chain_id: [] for chain_id in chain_ids}
    for chain_id, said in await session.execute(wanted.order_by(activity.c.position.desc())):
        found[chain_id].append(said)
    return found


async def ever(session: AsyncSession, chain_ids: Collection[UUID], name: str, value: str) -> set[UUID]:
    """Return those of these chains that say `value` of `name` before or after some action, in one statement."""
    wanted = select(activity.c.chain_id).where(
        activity.c.chain_id == any_(literal(list(chain_ids), ARRAY(Uuid))),
        (activity.c.before[name].astext == value) | (activity.c.after[name].astext == value),
    )
    return set(await session.scalars(wanted.distinct()))


async def erase(
    session: AsyncSession, states: Mapping[UUID, Mapping[str, str]], actor: str, now: datetime, ids: Ids
) -> None:
    """Erase the personal content and salts of chains, and append to each a link that says so.

    Digests stay, so the chains still verify but reveal nothing.

    Args:
        session: the transaction.
        states: for each chain, the state from now on, since what its links said about it is erased too.
        actor: who erases.
        now: the time of the link.
        ids: makes the links' ids.
    """
    await session.execute(update(activity).where(activity.c.chain_id.in_(states)).values(content=None))
    said = [(chain_id, Change(ERASED, actor, state=state)) for chain_id, state in states.items()]
    await append(session, said, now, ids)


def _head(chain_id: UUID, length: int, head: bytes) -> dict[str, object]:
    return {"chain_id": chain_id, "length": length, "hash": head}


async def _lock_heads(session: AsyncSession, chain_ids: set[UUID]) -> dict[UUID, tuple[int, bytes]]:
    rows = await session.execute(
        select(chain_head.c.chain_id, chain_head.c.length, chain_head.c.hash)
        .where(chain_head.c.chain_id == any_(literal(list(chain_ids), ARRAY(Uuid))))
        .order_by(chain_head.c.chain_id)
        .with_for_update()
    )
    return {chain_id: (length, head) for chain_id, length, head in rows}


def _row(
    chain_id: UUID, position: int, previous: bytes, change: Change, at: datetime, ids: Ids
) -> tuple[dict[str, object], bytes]:
    content = _salted(change)
    link = Link(
        chain_id=chain_id,
        position=position,
        id=ids.uuid(),
        at=at,
        actor=change.actor,
        action=change.action,
        before=change.before,
        after=change.after,
        digests=digests_of(content) | {VERSION: _CURRENT},
    )
    head = link.hash(previous)
    row: dict[str, object] = {
        "chain_id": link.chain_id,
        "position": link.position,
        "id": link.id,
        "at": link.at,
        "actor": link.actor,
        "action": link.action,
        "before": dict(link.before),
        "after": dict(link.after),
        "digests": dict(link.digests),
        "content": content,
        "hash": head,
    }
    return row, head


def _salted(change: Change) -> dict[str, dict[str, str]]:
    texts = dict(change.personal) | ({"reason": change.reason} if change.reason is not None else {})
    texts |= {_STATE + name: text for name, text in change.state.items()}
    return {name: {"salt": secrets.token_hex(_SALT_BYTES), "text": text} for name, text in texts.items()}
