"""Keeps the projection: the highest sequence of an account wins, in whatever order events arrive."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.accounts.domain import OWN_CLASSES
from services.triage.accounts.tables import KnownAccount
from shared.events.envelope import Envelope
from shared.events.registry import AccountChanged
from shared.messaging.reader import Tombstone

_CHANGING = ("platform", "handle", "account_class", "status", "official_use", "sequence")


async def project_accounts(session: AsyncSession, changes: Sequence[Envelope[AccountChanged]], _now: datetime) -> None:
    """Keep the state that each change announces, unless a newer one is known."""
    statement = insert(KnownAccount)
    upsert = statement.on_conflict_do_update(
        index_elements=[KnownAccount.account_id],
        set_={name: statement.excluded[name] for name in _CHANGING},
        where=KnownAccount.sequence < statement.excluded.sequence,
    )
    await session.execute(upsert, [_row(change) for change in changes])


async def forget_accounts(session: AsyncSession, tombstones: Sequence[Tombstone], _now: datetime) -> None:
    """Remove accounts that the register has deleted."""
    gone = [UUID(tombstone.key.decode()) for tombstone in tombstones]
    await session.execute(delete(KnownAccount).where(KnownAccount.account_id.in_(gone)))


def _row(change: Envelope[AccountChanged]) -> dict[str, object]:
    account = change.data
    return {
        "account_id": account.account_id,
        "platform": account.platform,
        "handle": account.handle,
        "account_class": str(account.account_class),
        "status": str(account.status),
        "official_use": _official_use(account),
        "sequence": change.sequence or 0,
    }


def _official_use(account: AccountChanged) -> bool:
    """Return whether its use is sanctioned. Older writers do not say so; their accounts had nothing to confirm."""
    if account.official_use is None:
        return account.account_class in OWN_CLASSES
    return account.official_use
