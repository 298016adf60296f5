"""`Idempotency-Key`: the first request does the work, and repeats of it get the same answer for a day."""

import hmac
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import bindparam, delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.idempotency.tables import AnswerRow
from shared.encryption import Keys, Secret

LIFETIME = timedelta(hours=24)
_BATCH = 500


_ANSWERS = AnswerRow.table()
_TAKE = insert(_ANSWERS)
_CLAIM = _TAKE.on_conflict_do_update(
    index_elements=[_ANSWERS.c.key_hash],
    set_={"body_hash": _TAKE.excluded.body_hash, "expires_at": _TAKE.excluded.expires_at, "sealed": None},
    where=_ANSWERS.c.expires_at <= bindparam("now", type_=_ANSWERS.c.expires_at.type),
).returning(_ANSWERS.c.key_hash)
_TAKE_TURNS = text("select pg_advisory_xact_lock(:lock)")
_KEEP = update(_ANSWERS).where(_ANSWERS.c.key_hash == bindparam("key")).values(sealed=bindparam("answer"))


class KeyUsedForAnotherRequest(Exception):
    """The key was used with another body."""


class WeakKey(Exception):
    """A key of an anonymous client that another one could make or guess (decision 0044)."""


_HEX = re.compile(r"[0-9a-fA-F-]+")
"""Hexadecimal digits, with the dashes of a UUID."""
_BITS, _BITS_OF_HEX, _BITS_OF_BASE64 = 128, 4, 6
_FEWEST_KINDS = 8
"""Different characters: a random key of 128 bits has fewer in one case of a million."""


def refuse_weak(key: str) -> None:
    """Refuse a key that cannot hold 128 random bits: all anonymous clients share one set of keys.

    Raises:
        WeakKey: it is too short, or repeats few characters.
    """
    is_hex = _HEX.fullmatch(key) is not None
    bits = len(key.replace("-", "")) * _BITS_OF_HEX if is_hex else len(key) * _BITS_OF_BASE64
    if bits < _BITS or len(set(key)) < _FEWEST_KINDS:
        raise WeakKey


class AnswerMissing(Exception):
    """A key was taken and committed without its answer: that cannot happen in one transaction."""


class Idempotency:
    """Answers once per key. `secret_keys` keep hashes from being guessed by trying keys."""

    def __init__(self, secret_keys: Keys) -> None:
        self._secret_keys = secret_keys

    async def once(
        self,
        session: AsyncSession,
        key: tuple[str, str],
        body: bytes,
        now: datetime,
        work: Callable[[], Awaitable[bytes]],
    ) -> bytes:
        """Return the answer of `work`, done in this transaction, or the answer that was given before.

        Two at once: the second waits for the first's commit and gets its answer; if the first fails, it does the work.

        Args:
            session: the transaction that does the work.
            key: the client's key and who the client is, "" for a client without a token.
            body: the request in a form that is equal when the request is.
            now: the time.
            work: makes the answer.

        Raises:
            KeyUsedForAnotherRequest: the key was used with another body.
        """
        secret, *earlier = self._secrets(key)
        secret = await self._answered_under(session, secret, earlier, now) if earlier else secret
        digest = hmac.digest(secret.key, body, sha256)
        if await self._claim(session, secret.name, digest, now):
            answer = await work()
            await session.execute(_KEEP, {"key": secret.name, "answer": secret.encrypt(answer)})
            return answer
        return await self._given(session, secret, digest)

    def _secrets(self, key: tuple[str, str]) -> Sequence[Secret]:
        both = "\0".join(key).encode()
        return [Secret.derived(both, purpose="idempotent answer", salt=secret) for secret in self._secret_keys]

    async def _answered_under(
        self, session: AsyncSession, newest: Secret, earlier: Sequence[Secret], now: datetime
    ) -> Secret:
        """Return the secret under which the key has an answer, or else `newest`.

        While secret keys are replaced, processes that make answers with different ones take turns for each key.
        """
        by_name = {secret.name: secret for secret in (newest, *earlier)}
        await session.execute(_TAKE_TURNS, {"lock": int.from_bytes(min(by_name)[:8], signed=True)})
        wanted = select(AnswerRow.key_hash).where(AnswerRow.key_hash.in_(by_name), AnswerRow.expires_at > now)
        name = await session.scalar(wanted)
        return by_name[name] if name else newest

    async def _claim(self, session: AsyncSession, name: bytes, digest: bytes, now: datetime) -> bool:
        """Claim the key; wait for another request that is just claiming it."""
        row = {"key_hash": name, "body_hash": digest, "expires_at": now + LIFETIME, "now": now}
        return await session.scalar(_CLAIM, row) is not None

    async def _given(self, session: AsyncSession, secret: Secret, digest: bytes) -> bytes:
        wanted = select(AnswerRow.body_hash, AnswerRow.sealed).where(AnswerRow.key_hash == secret.name)
        body_hash, encrypted = (await session.execute(wanted)).one()
        if not hmac.compare_digest(body_hash, digest):
            raise KeyUsedForAnotherRequest
        if encrypted is None:
            raise AnswerMissing
        return secret.decrypt(encrypted)


async def forget_expired(session: AsyncSession, now: datetime) -> int:
    """Delete answers that are a day old; a sweep calls this."""
    due = select(AnswerRow.key_hash).where(AnswerRow.expires_at <= now).limit(_BATCH).with_for_update(skip_locked=True)
    gone = await session.scalars(delete(AnswerRow).where(AnswerRow.key_hash.in_(due)).returning(AnswerRow.key_hash))
    return len(gone.all())
