"""Reads and writes accounts as CSV. Every problem names its row and column and never repeats the cell.

Columns: `platform, handle, class` and, as needed, `status, official_use, title, owner, approved_person,
next_review_on, checks_due_on, vetting_required`. Days are `2026-01-31`. An account without a status is legacy, because
it existed before and must pass the checks (Sc-d). A union account is live.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

import shared.csv
from services.registry.accounts import domain
from services.registry.accounts.handlers import register
from services.registry.accounts.queries import AccountFilter, all_accounts, find_open
from services.registry.context.domain import FIRST_DAY, LAST_DAY, uk_day, unreadable_handle
from shared import text as rule
from shared.csv import BadCell, CsvFile, Day, Line, Row, RowError, columns, days_between, first_of_each, line, one_of
from shared.events.platforms import PLATFORMS, InvalidHandle, canonical_handle
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import Ids, StaffId
from shared.messaging.outbox import Outbox

_DayOnRegister = Annotated[Day, days_between(FIRST_DAY, LAST_DAY)]


class AccountCells(Row):
    """One row of a file."""

    platform: Annotated[str, one_of({slug: slug for slug in PLATFORMS}, f"Use one of {', '.join(PLATFORMS)}")]
    handle: str
    account_class: Annotated[
        AccountClass,
        one_of(
            {str(kind): kind for kind in AccountClass},
            f"Use one of {', '.join(AccountClass)}; a personal account is never registered",
        ),
    ] = Field(alias="class")
    status: (
        Annotated[
            AccountStatus,
            one_of(
                {"live": AccountStatus.LIVE, "legacy": AccountStatus.LEGACY},
                "Use live or legacy; other states are reached on the register",
            ),
        ]
        | None
    ) = None
    official_use: (
        Annotated[bool, one_of({"yes": True, "true": True, "no": False, "false": False}, "Use yes or no")] | None
    ) = None
    title: str | None = None
    owner: Line | None = None
    approved_person: Line | None = None
    next_review_on: _DayOnRegister | None = None
    checks_due_on: _DayOnRegister | None = None
    vetting_required: (
        Annotated[
            domain.Vetting,
            one_of(
                {str(level): level for level in domain.Vetting}, f"Use one of {', '.join(domain.Vetting)}, or nothing"
            ),
        ]
        | None
    ) = None


def read(text: str, today: date) -> CsvFile[domain.Registration]:
    """Read a whole file. A legacy account without a date gets the usual period from `today` (Sc-d)."""
    return shared.csv.read(text, AccountCells, lambda cells: _fitting(_registration(cells, today)))


def write(registrations: Iterable[domain.Registration]) -> Iterator[str]:
    """Yield the lines of a file that `read` accepts, with formulas made harmless."""
    yield line(columns(AccountCells))
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


def _fitting(registration: domain.Registration) -> domain.Registration:
    for fault in domain.faults(registration):
        raise BadCell(fault.field, fault.message)
    return registration


def _registration(cells: AccountCells, today: date) -> domain.Registration:
    kind = cells.account_class
    status = cells.status or domain.first_status(kind)
    period = today + domain.LEGACY_PERIOD if status is AccountStatus.LEGACY else None
    return domain.Registration(
        platform=cells.platform,
        handle=_handle(cells),
        account_class=kind,
        status=status,
        official_use=domain.sanctioned_use(kind, claimed=False) if cells.official_use is None else cells.official_use,
        title=cells.title,
        owner=StaffId(cells.owner) if cells.owner else None,
        approved_person=StaffId(cells.approved_person) if cells.approved_person else None,
        next_review_on=cells.next_review_on,
        checks_due_on=cells.checks_due_on or period,
        vetting_required=cells.vetting_required,
    )


def _handle(cells: AccountCells) -> str:
    try:
        return canonical_handle(cells.platform, cells.handle)
    except InvalidHandle as why:
        raise BadCell("handle", unreadable_handle(why)) from None


_BATCH = 500
_Numbered = Sequence[tuple[int, domain.Registration]]


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import did, or why it did nothing."""

    registered: int
    unchanged: int
    """Rows whose account is already on the register with the same details."""
    errors: tuple[RowError, ...]
    applied: bool


async def import_csv(
    session: AsyncSession, text: str, *, accept_valid: bool, outbox: Outbox, now: datetime, ids: Ids, actor: str
) -> ImportResult:
    """Register the accounts of a CSV file. With any error nothing is changed, unless `accept_valid` and a row is valid.

    A row is registered completely or not at all. Importing a file again changes nothing.

    Raises:
        HandleTaken: another person registered one of the handles at the same time; import again.
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
    known: dict[tuple[str, str], domain.Registration] = {}
    for start in range(0, len(rows), _BATCH):
        pairs = [(row.platform, row.handle) for _, row in rows[start : start + _BATCH]]
        found = [account.registration for account in await find_open(session, pairs)]
        known |= {(registration.platform, registration.handle): registration for registration in found}
    fresh = [(number, row) for number, row in rows if (row.platform, row.handle) not in known]
    taken = []
    for number, row in rows:
        registered = known.get((row.platform, row.handle))
        if registered and (other := _other_details(row, registered)):
            label = domain.CLASS_LABELS[registered.account_class]
            taken.append(RowError(number, "handle", f"Already on the register ({label}), with another {other}"))
    return fresh, len(rows) - len(fresh) - len(taken), taken


def _other_details(row: domain.Registration, registered: domain.Registration) -> str:
    """Name the columns that differ; status and dates are not compared, as they may have changed since."""
    same = {
        "class": row.account_class is registered.account_class,
        "official_use": row.official_use == registered.official_use,
        "title": row.title == _as_a_cell(registered.title),
        "owner": row.owner == _as_a_cell(registered.owner),
        "approved_person": row.approved_person == _as_a_cell(registered.approved_person),
        "vetting_required": row.vetting_required is registered.vetting_required,
    }
    return ", ".join(column for column, equal in same.items() if not equal)


def _as_a_cell(stored: str | None) -> str | None:
    """Return `stored` as it is read from a cell: accounts that did not come from a file may be spelled differently."""
    return rule.name(stored or "") or None


async def export_csv(session: AsyncSession, wanted: AccountFilter | None = None) -> str:
    """Return the accounts that match the filter as CSV, with formulas made harmless."""
    registrations = [account.registration async for account in all_accounts(session, wanted or AccountFilter())]
    return "".join(write(registrations))
