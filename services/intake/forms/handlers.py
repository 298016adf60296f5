"""Keeps and finds half-filled forms. A draft is found only by its cookie's secret."""

import json
import secrets
from dataclasses import asdict
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.forms.domain import LIFETIME, SENT_LIFETIME, Draft, in_todays_fields
from services.intake.forms.tables import DraftRow
from shared.encryption import DecryptionFailed, Secret

_BATCH = 500
_DRAFT = TypeAdapter(Draft)


def new_cookie() -> str:
    """Return a secret for a new draft."""
    return secrets.token_urlsafe(32)


async def find_draft(session: AsyncSession, cookie: str | None, now: datetime) -> Draft | None:
    """Return the draft of `cookie`; None if there is none, or no longer."""
    return await _find(session, cookie, now, lock=False)


async def lock_draft(session: AsyncSession, cookie: str | None, now: datetime) -> Draft | None:
    """Like `find_draft`, and make another request that sends it wait: a double click is one report."""
    return await _find(session, cookie, now, lock=True)


async def keep_draft(session: AsyncSession, cookie: str, draft: Draft, now: datetime) -> None:
    """Store `draft`, encrypted with a key that only `cookie` gives."""
    secret = _secret(cookie)
    encrypted = secret.encrypt(_encode(draft))
    expires_at = now + (SENT_LIFETIME if draft.sent else LIFETIME)
    row = insert(DraftRow).values(key_hash=secret.name, sealed=encrypted, expires_at=expires_at)
    newest = {"sealed": row.excluded.sealed, "expires_at": row.excluded.expires_at}
    await session.execute(row.on_conflict_do_update(index_elements=[DraftRow.key_hash], set_=newest))


async def forget_draft(session: AsyncSession, cookie: str | None) -> None:
    """Delete the draft of `cookie`."""
    if cookie:
        await session.execute(delete(DraftRow).where(DraftRow.key_hash == _secret(cookie).name))


async def forget_expired(session: AsyncSession, now: datetime) -> int:
    """Delete expired drafts; a sweep calls this."""
    due = select(DraftRow.key_hash).where(DraftRow.expires_at <= now).limit(_BATCH).with_for_update(skip_locked=True)
    gone = await session.scalars(delete(DraftRow).where(DraftRow.key_hash.in_(due)).returning(DraftRow.key_hash))
    return len(gone.all())


async def _find(session: AsyncSession, cookie: str | None, now: datetime, *, lock: bool) -> Draft | None:
    if not cookie:
        return None
    secret = _secret(cookie)
    wanted = select(DraftRow.sealed).where(DraftRow.key_hash == secret.name, DraftRow.expires_at > now)
    encrypted = await session.scalar(wanted.with_for_update() if lock else wanted)
    try:
        return _decode(secret.decrypt(encrypted)) if encrypted else None
    except DecryptionFailed:
        return None


def _secret(cookie: str) -> Secret:
    return Secret.derived(cookie.encode(), purpose="draft")


def _encode(draft: Draft) -> bytes:
    sent = asdict(draft.sent) if draft.sent else None
    return json.dumps({"answers": draft.answers, "done": sorted(draft.done), "outcome": sent}).encode()


def _decode(plain: bytes) -> Draft:
    kept = json.loads(plain)
    answers = in_todays_fields(kept["answers"])
    return _DRAFT.validate_python({"answers": answers, "done": kept["done"], "sent": kept["outcome"]})
