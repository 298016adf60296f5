"""Reads and writes accounts as CSV. Every problem names its row and column and never repeats the cell.

Columns: `platform, handle, class` and, as needed, `status, official_use, title, owner, approved_person,
next_review_on, checks_due_on, vetting_required`. Days are `2026-01-31`. An account without a status is legacy:
it existed, so it has checks to pass (Sc-d). One of a union is live.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from services.registry.accounts.domain import (
    CLASS_LABELS,
    LEGACY_PERIOD,
    Registration,
    Vetting,
    faults,
    sanctioned_use,
    status_before,
)
from services.registry.accounts.handlers import register
from services.registry.accounts.queries import AccountFilter, all_accounts, find_open
from services.registry.context.csv_rows import BadCell, Columns, ReadRows, RowError, day, first_of_each, line, read_rows
from services.registry.context.domain import uk_day
from shared.events.platforms import PLATFORMS, InvalidHandle, canonical_handle
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import Ids, StaffId
from shared.messaging.outbox import Outbox

NEEDED = ("platform", "handle", "class")
COLUMNS = (
    *NEEDED,
    "status",
    "official_use",
    "title",
    "owner",
    "approved_person",
    "next_review_on",
    "checks_due_on",
    "vetting_required",
)

_YES_OR_NO = {"yes": True, "true": True, "no": False, "false": False}
_IMPORTABLE = {"live": AccountStatus.LIVE, "legacy": AccountStatus.LEGACY}

T = TypeVar("T")
ReadFile = ReadRows[Registration]


def read(text: str, today: date) -> ReadFile:
    """Read a whole file. A legacy account without a date gets the usual period from `today` (Sc-d)."""
    return read_rows(text, Columns(NEEDED, COLUMNS), lambda cells: _fitting(_registration(cells, today)))


def write(registrations: Iterable[Registration]) -> Iterator[str]:
    """Give the lines of a file that `read` takes, with formulas made harmless."""
    yield line(COLUMNS)
    for kept in registrations:
        yield line(
            (
                kept.platform,
                kept.handle,
                kept.account_class,
                kept.status,
                "yes" if kept.official_use else "no",
                kept.title or "",
                kept.owner or "",
                kept.approved_person or "",
                kept.next_review_on.isoformat() if kept.next_review_on else "",
                kept.checks_due_on.isoformat() if kept.checks_due_on else "",
                kept.vetting_required or "",
            )
        )


def _fitting(registration: Registration) -> Registration:
    for fault in faults(registration):
        raise BadCell(fault.field, fault.message)
    return registration


def _registration(cells: Mapping[str, str], today: date) -> Registration:
    platform = _parsed("platform", cells, _platform)
    account_class = _parsed("class", cells, AccountClass)
    status = _parsed("status", cells, _IMPORTABLE.__getitem__) if cells.get("status") else status_before(account_class)
    claimed = _parsed("official_use", cells, _YES_OR_NO.__getitem__) if cells.get("official_use") else None
    due = day("checks_due_on", cells)
    return Registration(
        platform=platform,
        handle=_handle(platform, cells["handle"]),
        account_class=account_class,
        status=status,
        official_use=sanctioned_use(account_class, claimed=False) if claimed is None else claimed,
        title=cells.get("title") or None,
        owner=_staff_id(cells.get("owner")),
        approved_person=_staff_id(cells.get("approved_person")),
        next_review_on=day("next_review_on", cells),
        checks_due_on=due or (today + LEGACY_PERIOD if status is AccountStatus.LEGACY else None),
        vetting_required=_parsed("vetting_required", cells, Vetting) if cells.get("vetting_required") else None,
    )


_EXPECTED = {
    "platform": f"Use one of {', '.join(PLATFORMS)}",
    "class": f"Use one of {', '.join(AccountClass)}; a personal account is never registered",
    "status": "Use live or legacy; other states are reached on the register",
    "official_use": "Use yes or no",
    "vetting_required": f"Use one of {', '.join(Vetting)}, or nothing",
}


def _parsed(column: str, cells: Mapping[str, str], parse: Callable[[str], T]) -> T:
    try:
        return parse(cells[column].lower())
    except (KeyError, ValueError):
        raise BadCell(column, _EXPECTED[column]) from None


def _platform(slug: str) -> str:
    if slug not in PLATFORMS:
        raise KeyError
    return slug


def _handle(platform: str, cell: str) -> str:
    try:
        return canonical_handle(platform, cell)
    except InvalidHandle as problem:
        raise BadCell("handle", f"Enter a handle or profile address of that platform ({problem})") from None


def _staff_id(cell: str | None) -> StaffId | None:
    return StaffId(cell) if cell else None


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
    file = read(text, uk_day(now))
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


async def export_csv(session: AsyncSession, wanted: AccountFilter | None = None) -> str:
    """Return the accounts that the filter lets through as CSV, formulas made harmless."""
    registrations = [account.registration async for account in all_accounts(session, wanted or AccountFilter())]
    return "".join(write(registrations))
