"""Imports accounts from CSV: everything or nothing, unless the caller takes the valid rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts import csv_file
from services.registry.accounts.domain import CLASS_LABELS, Registration
from services.registry.accounts.handlers import register
from services.registry.accounts.queries import find_open
from services.registry.context.csv_rows import RowError, first_of_each
from services.registry.context.domain import uk_day
from shared.ids import Ids
from shared.messaging.outbox import Outbox

_BATCH = 500
_Numbered = Sequence[tuple[int, Registration]]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, or why it did nothing."""

    registered: int
    unchanged: int
    """Rows that say what the register says already."""
    errors: tuple[RowError, ...]
    applied: bool


async def import_csv(
    session: AsyncSession, text: str, *, accept_valid: bool, outbox: Outbox, now: datetime, ids: Ids, actor: str
) -> ImportResult:
    """Register the accounts of a CSV file. With any error nothing is changed, unless `accept_valid` and a row is valid.

    A row is registered whole or not at all. Importing a file twice changes nothing the second time.

    Raises:
        HandleTaken: somebody else registered one of the handles at the same moment; import again.
    """
    file = csv_file.read(text, uk_day(now))
    once = first_of_each(file.rows, lambda row: (row.platform, row.handle), "handle", "The same account is in row")
    fresh, unchanged, taken = await _compare(session, once.rows)
    errors = tuple(sorted([*file.errors, *once.errors, *taken], key=lambda error: error.row))
    if errors and not (accept_valid and (fresh or unchanged)):
        return ImportResult(0, unchanged, errors, applied=False)
    for start in range(0, len(fresh), _BATCH):
        batch = [registration for _, registration in fresh[start : start + _BATCH]]
        await register(session, batch, outbox=outbox, now=now, ids=ids, actor=actor)
    return ImportResult(len(fresh), unchanged, errors, applied=True)


async def _compare(session: AsyncSession, rows: _Numbered) -> tuple[_Numbered, int, list[RowError]]:
    """Sort rows into new ones, ones that change nothing, and ones whose handle is taken (S4, S9)."""
    known: dict[tuple[str, str], Registration] = {}
    for start in range(0, len(rows), _BATCH):
        pairs = [(row.platform, row.handle) for _, row in rows[start : start + _BATCH]]
        found = [account.registration for account in await find_open(session, pairs)]
        known |= {(registration.platform, registration.handle): registration for registration in found}
    fresh = [(number, row) for number, row in rows if (row.platform, row.handle) not in known]
    taken = []
    for number, row in rows:
        registered = known.get((row.platform, row.handle))
        if registered and (other := _other_details(row, registered)):
            label = CLASS_LABELS[registered.account_class]
            taken.append(RowError(number, "handle", f"Already on the register ({label}), with another {other}"))
    return fresh, len(rows) - len(fresh) - len(taken), taken


def _other_details(row: Registration, registered: Registration) -> str:
    """Name the columns that differ, of those a file can say; status and dates may have moved on since."""
    same = {
        "class": row.account_class is registered.account_class,
        "official_use": row.official_use == registered.official_use,
        "title": row.title == registered.title,
        "owner": row.owner == registered.owner,
        "approved_person": row.approved_person == registered.approved_person,
        "vetting_required": row.vetting_required is registered.vetting_required,
    }
    return ", ".join(column for column, equal in same.items() if not equal)
