"""Looks registered accounts up for the facts of a batch of reports."""

from collections.abc import Iterable, Mapping

from sqlalchemy import ARRAY, ColumnElement, Text, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.accounts.domain import Account, Handle
from services.triage.accounts.tables import KnownAccount


async def registered(session: AsyncSession, handles: Iterable[Handle]) -> Mapping[Handle, Account]:
    """Return those of `handles` that are registered, each with its account, in one statement."""
    wanted = sorted(set(handles))
    if not wanted:
        return {}
    named = func.unnest(_texts(h.platform for h in wanted), _texts(h.handle for h in wanted))
    named_table = named.table_valued("platform", "handle").render_derived()
    rows = await session.scalars(
        select(KnownAccount)
        .join(
            named_table,
            (KnownAccount.platform == named_table.c.platform) & (KnownAccount.handle == named_table.c.handle),
        )
        .order_by(KnownAccount.account_id)
    )
    return {Handle(row.platform, row.handle): _account(row) for row in rows}


def _account(row: KnownAccount) -> Account:
    return Account(row.account_class, row.status, row.account_id, row.official_use)


def _texts(values: Iterable[str]) -> ColumnElement[list[str]]:
    return literal(list(values), ARRAY(Text))
