"""Reads and writes accounts as CSV. Every problem names its row and column and never repeats the cell.

Columns: `platform, handle, class` and, as needed, `status, official_use, title, owner, approved_person,
next_review_on, checks_due_on, vetting_required`. Days are `2026-01-31`. An account without a status is legacy:
it existed, so it has checks to pass (Sc-d). One of a union is live.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import TypeVar

from services.registry.accounts.domain import (
    LEGACY_PERIOD,
    Registration,
    Vetting,
    faults,
    sanctioned_use,
    status_before,
)
from services.registry.context.csv_rows import BadCell, Columns, ReadRows, day, line, read_rows
from shared.events.platforms import PLATFORMS, InvalidHandle, canonical_handle
from shared.events.vocabulary import AccountClass, AccountStatus
from shared.ids import StaffId

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
