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
    """What was added to reports later: messages, requests to look again and files; `added` is the sum of the rest."""

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
    arrived: bool


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
        while True:
            async with intake.transaction() as session:
                ledger = await reconcile_ledger(session, clock.now())
            additions = await count_additions(intake, triage, clock.now())
            if (ledger.settled and additions.settled) or clock.now() >= until:
                return ledger, additions
            await asyncio.sleep(_POLL.total_seconds())


async def count_additions(intake: Database, triage: Database, now: datetime) -> Additions:
    """Count what intake keeps of what was added to reports, by what became of it in triage."""
    states: Counter[str] = Counter()
    for pages in (_written(intake, triage), _files(intake, triage)):
        async for page in pages:
            missing = {one.report_id for one in page if not one.arrived}
            async with triage.transaction() as session:
                exempt = await cases.exempt_reports(session, missing)
                dead_lettered = await dead_letters.reports_waiting(session, CASE_OPENER, missing)
            states.update(_state(one, exempt, dead_lettered, now) for one in page)
    return Additions(added=states.total(), **{name: states[name] for name in _STATES})


_STATES = ("added_arrived", "added_dead_lettered", "added_in_flight", "added_unaccounted")


def _state(one: _Added, exempt: set[UUID], dead_lettered: set[UUID], now: datetime) -> str:
    if one.arrived or one.report_id in exempt:
        return "added_arrived"
    if one.report_id in dead_lettered:
        return "added_dead_lettered"
    return "added_in_flight" if one.at > now - GRACE else "added_unaccounted"


async def _written(intake: Database, triage: Database) -> AsyncIterator[Sequence[_Added]]:
    """Yield what reporters wrote, a page at a time."""
    last = 0
    while True:
        async with intake.transaction() as session:
            said = await reports.said_after(session, last, _PAGE)
        if not said:
            return
        last = said[-1].id
        async with triage.transaction() as session:
            heard = await cases.said_by_reporters(session, {one.report_id for one in said})
        yield [_Added(one.report_id, one.at, (one.report_id, one.at) in heard) for one in said]


async def _files(intake: Database, triage: Database) -> AsyncIterator[Sequence[_Added]]:
    """Yield the files that intake keeps, a page at a time."""
    last: UUID | None = None
    while True:
        async with intake.transaction() as session:
            kept = [one.item for one in await evidence.stored_after(session, last, _PAGE)]
        if not kept:
            return
        last = kept[-1].evidence_id
        async with triage.transaction() as session:
            known = {
                one.evidence_id for one in await triage_reports.evidence(session, [one.evidence_id for one in kept])
            }
        yield [_Added(one.report_id, one.added_at, one.evidence_id in known) for one in kept]
