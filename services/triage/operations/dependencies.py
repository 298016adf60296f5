"""What the routes of operations ask for."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.access import Viewer
from services.triage.operations import queries
from services.triage.operations.dashboard import PERIODS, Dashboard, dashboard
from services.triage.operations.queries import LagReader
from shared.auth.guard import requires
from shared.auth.permissions import Permission, Principal
from shared.runtime import Parts


@dataclass(frozen=True, kw_only=True)
class FigureParts(Parts):
    """What the figures need beside the parts of every service."""

    lag: LagReader


Overseer = Annotated[Principal, requires(Permission.SEE_OPERATIONS)]
Days = Annotated[str, Query()]
DEFAULT_DAYS = 7


def period(days: str) -> int:
    """Return the days that an address asks for; what makes no sense is the usual period."""
    return next((known for known in PERIODS if str(known) == days), DEFAULT_DAYS)


def keys_of(principal: Principal) -> Collection[str]:
    """Return the keys by which a report may mean this person."""
    return Viewer.of(principal).keys


async def read(parts: FigureParts, session: AsyncSession, keys: Collection[str], days: int) -> Dashboard:
    """Return the dashboard of a person with `keys`, as it is now."""
    now, lag = parts.clock.now(), await parts.lag.current()
    return dashboard(await queries.snapshot(session, keys, now, days), lag, days)
