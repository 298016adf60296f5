"""Exports the register in the form that an import takes."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts import csv_file
from services.registry.accounts.queries import AccountFilter, all_accounts


async def export_csv(session: AsyncSession, wanted: AccountFilter | None = None) -> str:
    """Return the accounts that the filter lets through as CSV, formulas made harmless."""
    registrations = [account.registration async for account in all_accounts(session, wanted or AccountFilter())]
    return "".join(csv_file.write(registrations))
