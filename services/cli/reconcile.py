"""`signpost reconcile`: checks that no report was lost, and nothing that was added to one.

Reports are counted by intake's ledger. For what is added later nothing comes back to intake, so what intake keeps is
compared with what triage has.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, NamedTuple
from uuid import UUID

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from services.cli.database import opened
from services.intake.evidence import queries as evidence
from services.intake.ledger.domain import CASE_OPENER, GRACE, Reconciliation
from services.intake.ledger.queries import reconcile as reconcile_ledger
from services.intake.reports import queries as reports
from services.triage.cases import queries as cases
from services.triage.reports import queries as triage_reports
from shared.clock import SystemClock
from shared.db.database import Database
from shared.messaging import dead_letters

_WORDS = {"oldest_unaccounted_s": "age of the oldest of these, in seconds"}
_POLL = timedelta(milliseconds=250)
_PAGE = 500
"""What was added that is read at a time."""


@dataclass(frozen=True, slots=True)
class Additions:
    """What was added to reports later; `added` is the sum of the rest.

    Counted are messages, those that ask for an update among them, requests to review an outcome, and files.
    """

    added: int
    added_arrived: int
    """Triage has it, or need not, because the report is exempt."""
    added_dead_lettered: int
    """Triage could not handle an event of the report, which a person can work on."""
    added_in_flight: int
    added_unaccounted: int

    @property
    def settled(self) -> bool:
        """Whether all of it is accounted for."""
        return not self.added_in_flight and not self.added_unaccounted


class _Added(NamedTuple):
    report_id: UUID
    at: datetime
    evidence_id: UUID | None
    """None: it was written."""


class Counted(NamedTuple):
    """What was counted, and which of it triage did not have."""

    additions: Additions
    missing: Sequence[_Added]


def reconcile(
    wait: Annotated[float, typer.Option(help="The most seconds to wait until everything is accounted for", min=0)] = 0,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object")] = False,
) -> None:
    """Account for every accepted report and what was added to it; exit code 1 when anything is unaccounted for."""
    ledger, additions = asyncio.run(_settled(timedelta(seconds=wait)))
    figures = {**asdict(ledger), **asdict(additions)}
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        for name, figure in figures.items():
            typer.echo(f"{_WORDS.get(name, name.replace('_', ' ')):40} {figure}")
    raise typer.Exit(1 if ledger.unaccounted or additions.added_unaccounted else 0)


async def _settled(wait: timedelta) -> tuple[Reconciliation, Additions]:
    clock = SystemClock()
    until = clock.now() + wait
    async with opened("intake") as intake, opened("triage") as triage:
        counted = await count_additions(intake, triage, clock.now())
        while True:
            async with intake.transaction() as session:
                ledger = await reconcile_ledger(session, clock.now())
            if (ledger.settled and counted.additions.settled) or clock.now() >= until:
                return ledger, counted.additions
            await asyncio.sleep(_POLL.total_seconds())
            counted = await count_again(triage, counted, clock.now())


async def count_additions(intake: Database, triage: Database, now: datetime) -> Counted:
    """Count what intake keeps of what was added to reports, by what became of it in triage."""
    return await _count(_kept(intake), triage, now)


async def count_again(triage: Database, before: Counted, now: datetime) -> Counted:
    """Count the same additions, and look only at those that had not arrived: there may be a million others."""
    return await _count(_pages_of(before.missing), triage, now, before.additions.added_arrived)


async def _count(pages: AsyncIterator[Sequence[_Added]], triage: Database, now: datetime, arrived: int = 0) -> Counted:
    states = Counter(added_arrived=arrived)
    missing: list[_Added] = []
    async for page in pages:
        async with triage.transaction() as session:
            lost = await _missing(session, page)
            reports_of = {one.report_id for one in lost}
            exempt = await cases.exempt_reports(session, reports_of)
            dead_lettered = await dead_letters.reports_waiting(session, CASE_OPENER, reports_of)
        lost = [one for one in lost if one.report_id not in exempt]
        states["added_arrived"] += len(page) - len(lost)
        states.update(_state(one, dead_lettered, now) for one in lost)
        missing += lost
    return Counted(Additions(added=states.total(), **{name: states[name] for name in _STATES}), missing)


_STATES = ("added_arrived", "added_dead_lettered", "added_in_flight", "added_unaccounted")


def _state(one: _Added, dead_lettered: set[UUID], now: datetime) -> str:
    if one.report_id in dead_lettered:
        return "added_dead_lettered"
    return "added_in_flight" if one.at > now - GRACE else "added_unaccounted"


async def _missing(session: AsyncSession, page: Sequence[_Added]) -> list[_Added]:
    """Return what triage does not have."""
    heard = await cases.said_by_reporters(session, {one.report_id for one in page if not one.evidence_id})
    files = await triage_reports.evidence(session, [one.evidence_id for one in page if one.evidence_id])
    known = {one.evidence_id for one in files}
    return [
        one for one in page if not (one.evidence_id in known if one.evidence_id else (one.report_id, one.at) in heard)
    ]


async def _pages_of(added: Sequence[_Added]) -> AsyncIterator[Sequence[_Added]]:
    for start in range(0, len(added), _PAGE):
        yield added[start : start + _PAGE]


async def _kept(intake: Database) -> AsyncIterator[Sequence[_Added]]:
    """Yield what reporters wrote and the files that intake keeps, a page at a time."""
    written = 0
    while True:
        async with intake.transaction() as session:
            said = await reports.said_after(session, written, _PAGE)
        if not said:
            break
        written = said[-1].id
        yield [_Added(one.report_id, one.at, None) for one in said]
    last: UUID | None = None
    while True:
        async with intake.transaction() as session:
            files = [one.item for one in await evidence.stored_after(session, last, _PAGE)]
        if not files:
            return
        last = files[-1].evidence_id
        yield [_Added(one.report_id, one.added_at, one.evidence_id) for one in files]
