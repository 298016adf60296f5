"""Tries a candidate rule book on past decisions, batch by batch; reads only."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.access import Viewer
from services.triage.routing.domain import RuleBook
from services.triage.rules.domain import Backtest, Window, compare
from services.triage.rules.queries import Position, past

BATCH = 500


def _silently(_position: datetime) -> None:
    return


async def replay(
    session: AsyncSession,
    book: RuleBook,
    window: Window,
    into: Backtest,
    *,
    viewer: Viewer | None = None,
    progress: Callable[[datetime], None] = _silently,
    batch: int = BATCH,
) -> None:
    """Add up in `into` what `book` would have decided differently, newest decision first.

    Args:
        session: reads only.
        book: the candidate.
        window: which decisions.
        into: grows batch by batch, so that an interrupted run keeps what it has replayed.
        viewer: whose view it is; cases kept from them are left out. None: everything.
        progress: called after each batch with how far back the replay is.
        batch: decisions read at once.
    """
    position: Position | None = None
    while True:
        left = batch if window.at_most is None else min(batch, window.at_most - into.replayed)
        found, position = await past(session, viewer, window, position, left)
        into.add(compare(one, book) for one in found)
        if position is None:
            into.complete = True
            return
        progress(position[0])
        if into.replayed == window.at_most:
            return
