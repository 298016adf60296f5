"""The figures of operations for scripts (`/cases/api/v1/operations`), and the dependencies of all operations routes."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.access import Viewer
from services.triage.operations import queries
from services.triage.operations.charts import Value
from services.triage.operations.dashboard import PERIODS, Asked, Dashboard, dashboard, days_until
from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal
from shared.events.vocabulary import Team
from shared.runtime import Parts, parts_of
from shared.web.dependencies import Transaction

router = APIRouter(prefix="/cases/api/v1", tags=["operations"])

Overseer = Annotated[Principal, requires(Permission.SEE_OPERATIONS)]
DEFAULT_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class FigureParts(Parts):
    """What the figures need besides the parts of every service."""

    lag: queries.LagReader


async def _asked(days: Annotated[str, Query()] = "", team: Annotated[str, Query()] = "") -> Asked:
    """Return what a URL asks for: the usual days and every team, if it makes no sense."""
    return Asked(
        next((known for known in PERIODS if str(known) == days), DEFAULT_DAYS),
        next((known for known in Team if known == team), None),
    )


AskedDep = Annotated[Asked, Depends(_asked)]


async def read(
    parts: FigureParts, session: AsyncSession, viewer: Viewer, asked: Asked, work: queries.Casework | None = None
) -> Dashboard:
    """Return the dashboard of a person, as it is now; with `work` as it was counted before, if it is given."""
    now, lag = parts.clock.now(), await parts.lag.current()
    snapshot = await queries.snapshot(session, viewer.keys, now, asked.days)
    return dashboard(snapshot, lag, asked, work or await count_work(session, viewer, asked, now))


async def count_work(session: AsyncSession, viewer: Viewer, asked: Asked, now: datetime) -> queries.Casework:
    """Return what came of the work on cases; it is counted anew each time, so a stream asks seldom."""
    return await queries.casework(session, viewer, asked.team, days_until(now, asked.days)[0])


class SummaryBody(BaseModel):
    """The line that says whether all is well."""

    model_config = ConfigDict(from_attributes=True)

    unaccounted: int | None
    """None until the first ledger event arrives."""
    oldest_unaccounted_s: int | None
    dead_lettered: int
    ledger_at: datetime | None
    accepted_today: int
    median_first_action_s: int | None
    missed_today: int


class TableBody(BaseModel):
    """A table: column names, and rows in order."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]


class OperationsBody(BaseModel):
    """Everything on the page, at one moment."""

    at: datetime
    days: int
    team: Team | None
    """None for all."""
    summary: SummaryBody
    tables: dict[str, TableBody]

    @classmethod
    def of(cls, shown: Dashboard) -> "OperationsBody":
        """Return the body of a dashboard."""
        tables = {
            panel.id: TableBody(title=panel.title, columns=panel.table.columns, rows=panel.table.rows)
            for panel in shown.panels
        }
        days, team = shown.asked
        return cls(at=shown.at, days=days, team=team, summary=SummaryBody.model_validate(shown.top), tables=tables)


@router.get("/operations")
async def operations(request: Request, session: Transaction, overseer: Overseer, asked: AskedDep) -> OperationsBody:
    """Return the figures of the last 1, 7 or 30 UK days, of one team or all, without any case that is kept from you."""
    parts = parts_of(request, FigureParts)
    return OperationsBody.of(await read(parts, session, Viewer.of(overseer), asked))
