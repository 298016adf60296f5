"""Keeps and finds half-filled forms. A draft is found only by its cookie's secret, or by the code of its owner."""

import json
import secrets
from collections.abc import Callable, Container
from dataclasses import asdict, replace
from datetime import datetime

from pydantic import TypeAdapter
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.evidence.handlers import extend_upload, limit_upload
from services.intake.forms.domain import LIFETIME, SAVED_LIFETIME, SENT_LIFETIME, Draft, Saved, in_todays_fields
from services.intake.forms.tables import DraftRow
from shared.encryption import DecryptionFailed, Secret
from shared.ids import ReceiptCode

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
    """Store `draft`, encrypted with a key that only `cookie` gives. A code no longer opens what was sent."""
    secret = _secret(cookie)
    encrypted = secret.encrypt(_encode(draft))
    expires_at = now + (SENT_LIFETIME if draft.sent else LIFETIME)
    row = insert(DraftRow).values(key_hash=secret.name, sealed=encrypted, expires_at=expires_at)
    later = func.greatest(DraftRow.expires_at, row.excluded.expires_at)
    lasts = (
        {"expires_at": expires_at, "code_hash": None, "cookie_sealed": None} if draft.sent else {"expires_at": later}
    )
    newest = {"sealed": row.excluded.sealed, **lasts}
    await session.execute(row.on_conflict_do_update(index_elements=[DraftRow.key_hash], set_=newest))
    await _keep_files(session, draft, expires_at)


async def keep_sent(session: AsyncSession, cookie: str, draft: Draft) -> None:
    """Store what is known now of a report that was sent; its page can be opened no longer than before."""
    secret = _secret(cookie)
    mine = update(DraftRow).where(DraftRow.key_hash == secret.name)
    await session.execute(mine.values(sealed=secret.encrypt(_encode(draft))))


async def save_draft(
    session: AsyncSession, cookie: str, form: str, now: datetime, new_code: Callable[[], ReceiptCode], *, anew: bool
) -> Saved:
    """Keep the draft of `cookie` for seven days from `now`, for the person who has its code, which leads to `form`.

    The code is made when the draft is saved first, and again if the person lost it (`anew`): the earlier one then opens
    nothing. It is stored nowhere, so it is returned only when it is made.
    """
    secret, until = _secret(cookie), now + SAVED_LIFETIME
    mine = DraftRow.key_hash == secret.name
    has_code = await session.scalar(select(DraftRow.code_hash).where(mine).with_for_update())
    draft = replace(await find_draft(session, cookie, now) or Draft(), form=form)
    await _keep_files(session, draft, until)
    lasts = update(DraftRow).where(mine).values(expires_at=until, sealed=secret.encrypt(_encode(draft)))
    await session.execute(lasts)
    if has_code and not anew:
        return Saved(until)
    code = new_code()
    opener = _opener(code)
    sealed = opener.encrypt(cookie.encode())
    await session.execute(update(DraftRow).where(mine).values(code_hash=opener.name, cookie_sealed=sealed))
    return Saved(until, code)


async def move_draft(
    session: AsyncSession, code: ReceiptCode, now: datetime, forms: Container[str]
) -> tuple[str, Draft] | None:
    """Move the draft of `code` to a new cookie; the browser that had it no longer opens it, and the code still does.

    Returns: the new cookie and the draft; None if the code is wrong, its draft was sent, forgotten or has expired, or
        none of `forms` could go on with it. It then stays where it is.
    """
    opener = _opener(code)
    wanted = select(DraftRow.key_hash, DraftRow.sealed, DraftRow.cookie_sealed)
    found = await session.execute(
        wanted.where(DraftRow.code_hash == opener.name, DraftRow.expires_at > now).with_for_update()
    )
    row = found.one_or_none()
    if row is None or row.cookie_sealed is None:
        return None
    try:
        draft = _decode(_secret(opener.decrypt(row.cookie_sealed).decode()).decrypt(row.sealed))
    except DecryptionFailed:
        return None
    if draft.form not in forms:
        return None
    cookie = new_cookie()
    secret = _secret(cookie)
    moved = {
        "key_hash": secret.name,
        "sealed": secret.encrypt(_encode(draft)),
        "cookie_sealed": opener.encrypt(cookie.encode()),
    }
    await session.execute(update(DraftRow).where(DraftRow.key_hash == row.key_hash).values(moved))
    return cookie, draft


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


async def _keep_files(session: AsyncSession, draft: Draft, until: datetime) -> None:
    """Let the files of a draft wait as long as the draft does; once it is sent, no longer than that."""
    wait = limit_upload if draft.sent else extend_upload
    for file in draft.files:
        if file.token:
            await wait(session, file.token, until)


def _secret(cookie: str) -> Secret:
    return Secret.derived(cookie.encode(), purpose="draft")


def _opener(code: ReceiptCode) -> Secret:
    return Secret.derived(code.encode(), purpose="saved draft")


def _encode(draft: Draft) -> bytes:
    sent = asdict(draft.sent) if draft.sent else None
    files = [asdict(file) for file in draft.files]
    typed = {"answers": draft.answers, "done": sorted(draft.done), "form": draft.form, "files": files}
    kept = {**typed, "outcome": sent, "adding_until": draft.adding_until}
    return json.dumps(kept, default=str).encode()


def _decode(plain: bytes) -> Draft:
    kept = json.loads(plain)
    answers = in_todays_fields(kept["answers"])
    added = {"form": kept.get("form", ""), "files": kept.get("files", ())}  # drafts of earlier versions have neither
    added["adding_until"] = kept.get("adding_until")
    return _DRAFT.validate_python({"answers": answers, "done": kept["done"], "sent": kept["outcome"], **added})
