"""The figures of operations for scripts (`/cases/api/v1/operations`)."""

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from services.triage.operations.dashboard import Dashboard, Value
from services.triage.operations.dependencies import Days, FigureParts, Overseer, keys_of, period, read
from shared.runtime import parts_of
from shared.web.dependencies import Transaction

router = APIRouter(prefix="/cases/api/v1", tags=["operations"])


class SummaryBody(BaseModel):
    """The line that says whether all is well."""

    model_config = ConfigDict(from_attributes=True)

    unaccounted: int | None
    """None until the ledger has spoken."""
    oldest_unaccounted_s: int | None
    dead_lettered: int
    ledger_at: datetime | None
    accepted_today: int
    median_first_action_s: int | None
    missed_today: int


class TableBody(BaseModel):
    """A table: names of columns, and rows in their order."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


class OperationsBody(BaseModel):
    """Everything on the page, as of one moment."""

    at: datetime
    days: int
    summary: SummaryBody
    tables: dict[str, TableBody]

    @classmethod
    def of(cls, shown: Dashboard) -> "OperationsBody":
        """Return the body of a dashboard."""
        tables = {
            panel.id: TableBody(title=panel.title, columns=panel.table.columns, rows=panel.table.rows)
            for panel in shown.panels
        }
        return cls(at=shown.at, days=shown.days, summary=SummaryBody.model_validate(shown.top), tables=tables)


@router.get("/operations")
async def operations(request: Request, session: Transaction, overseer: Overseer, days: Days = "") -> OperationsBody:
    """Give the figures of the last 1, 7 or 30 UK days, without any case that is kept from you."""
    parts = parts_of(request, FigureParts)
    return OperationsBody.of(await read(parts, session, keys_of(overseer), period(days)))
