"""Reads the figures, the facts that one person's figures leave out, and how far the log's readers are behind."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import structlog
from pydantic import TypeAdapter
from sqlalchemy import ARRAY, ColumnElement, Select, Uuid, any_, func, literal, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from services.triage.campaigns import queries as campaigns
from services.triage.cases import lists, queries
from services.triage.cases.access import Viewer
from services.triage.operations import domain, tables
from services.triage.outcome_reviews import queries as outcome_reviews
from services.triage.takedowns import queries as takedowns
from services.triage.tasks import queries as tasks
from services.triage.wellbeing import queries as wellbeing
from shared.audit.verification import Current, in_order
from shared.clock import Clock
from shared.events.operations import OverdueStep
from shared.events.topics import GROUPS
from shared.events.vocabulary import Team
from shared.messaging.log import EventLog, LogUnavailable

MOST_WAITING = 10_000
"""The outbox is counted up to this number."""
NEWEST_LETTERS = 10
_OUTBOX = text("select count(*) from (select 1 from outbox where published_at is null limit :most) counted")


@dataclass(frozen=True, slots=True)
class Ledger:
    """The last known state of intake's ledger."""

    at: datetime
    accepted: int
    published: int
    cases: int
    dead_lettered: int
    in_flight: int
    unaccounted: int
    oldest_unaccounted_s: int | None


@dataclass(frozen=True, slots=True)
class OpenLetter:
    """A dead letter that waits for a person."""

    dead_letter_id: UUID
    group_name: str
    topic: str
    error_class: str
    recorded_at: datetime


class Checked(NamedTuple):
    """What the auditor of a service found: each step, how many were not taken, and since when the oldest is due."""

    service: str
    at: datetime
    steps: tuple[tuple[str, int, datetime | None], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a dashboard is made of, at one moment and for one person."""

    at: datetime
    version: int
    ledger: Ledger | None
    counts: Counter[domain.Cell]
    letters: tuple[tuple[str, str, int], ...]
    """Group, class of error, how many are open."""
    newest_letters: tuple[OpenLetter, ...]
    outbox: int
    overdue: tuple[Checked, ...] = ()
    """What the auditors found last, by service."""


async def snapshot(session: AsyncSession, keys: Collection[str], now: datetime, days: int) -> Snapshot:
    """Return the figures of the given number of days, without any case kept from a person with `keys`.

    Everything is read at one moment, so that no case is added to the figures but not subtracted from them.
    """
    await session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    counts = await _counts(session, domain.day_of(now - timedelta(days=max(days, domain.SHORTEST_TREND))))
    counts.subtract(await _kept_from(session, keys))
    letters = await session.execute(_open_letters())
    return Snapshot(
        at=now,
        version=await version(session),
        ledger=await _ledger(session),
        counts=counts,
        letters=tuple((group, error, n) for group, error, n in letters),
        newest_letters=await _newest_letters(session),
        outbox=await session.scalar(_OUTBOX, {"most": MOST_WAITING}) or 0,
        overdue=await _overdue(session),
    )


async def _overdue(session: AsyncSession) -> tuple[Checked, ...]:
    rows = await session.scalars(select(tables.OverdueSteps).order_by(tables.OverdueSteps.service))
    found = [(row, [OverdueStep.model_validate(step) for step in row.steps]) for row in rows]
    return tuple(
        Checked(row.service, row.at, tuple((one.step, one.count, one.oldest_due_at) for one in steps))
        for row, steps in found
    )


@dataclass(frozen=True, slots=True)
class Casework:
    """What came of the work on cases, as its own capabilities count it."""

    campaign_counts: Sequence[campaigns.Counted] = ()
    agreement: Sequence[wellbeing.Agreement] = ()


async def casework(session: AsyncSession, viewer: Viewer, team: Team | None, since: datetime) -> Casework:
    """Return what came of the work of a team, or of all, since then, without cases that are kept from the viewer."""
    return Casework(
        await campaigns.counted(session, viewer, team, since),
        await wellbeing.agreement(session, viewer, [team] if team else list(Team), since),
    )


async def dead_letters_waiting(session: AsyncSession) -> dict[str, int]:
    """Return how many dead letters wait for someone, by service."""
    waiting: Counter[str] = Counter()
    for group, _, n in await session.execute(_open_letters()):
        waiting[GROUPS.get(group, group)] += n
    return dict(waiting)


async def version(session: AsyncSession) -> int:
    """Return a number that rises with every change of a figure."""
    return await session.scalar(select(tables.FigureVersion.version)) or 0


async def reports(session: AsyncSession, report_ids: Collection[UUID]) -> dict[UUID, domain.ReportFacts]:
    """Return what is known about the reports."""
    rows = await session.scalars(select(tables.CountedReport).where(_among(tables.CountedReport.report_id, report_ids)))
    return {row.report_id: _report(row) for row in rows}


async def cases(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, domain.CaseFacts]:
    """Return what is known about the cases."""
    rows = await session.scalars(select(tables.CountedCase).where(_among(tables.CountedCase.case_id, case_ids)))
    asked = await _asked(session, case_ids)
    return {row.case_id: _case(row, asked[row.case_id]) for row in rows}


async def _asked(session: AsyncSession, case_ids: Collection[UUID]) -> Mapping[UUID, list[domain.Asked]]:
    row, found = tables.CountedTakedown, defaultdict[UUID, list[domain.Asked]](list)
    kept = select(row).where(_among(row.case_id, case_ids)).order_by(row.takedown_id)
    for one in await session.scalars(kept):
        came_of = domain.CameOf(one.came_of)
        found[one.case_id].append(domain.Asked(one.takedown_id, one.platform, one.asked_at, came_of, one.removed_at))
    return found


async def _counts(session: AsyncSession, since: datetime) -> Counter[domain.Cell]:
    open_now = tables.FigureRow.figure.in_([domain.Figure.WAITING, domain.Figure.TO_LOOK_AT])
    wanted = or_(open_now, tables.FigureRow.at >= since)
    rows = await session.execute(
        select(tables.FigureRow.figure, tables.FigureRow.at, tables.FigureRow.label, tables.FigureRow.n).where(wanted)
    )
    return Counter({domain.Cell(domain.Figure(figure), at, label): n for figure, at, label, n in rows})


async def _kept_from(session: AsyncSession, keys: Collection[str]) -> Counter[domain.Cell]:
    """Return the cells to leave out: each case kept from a person, and its report if it is the report's first case."""
    kept = await lists.cases_kept_from(session, keys)
    left_out: Counter[domain.Cell] = Counter()
    if kept:
        for case in (await cases(session, {one.case_id for one in kept})).values():
            left_out.update(case.cells())
        for report in (await reports(session, {one.report_id for one in kept if one.first})).values():
            left_out.update(report.cells())
    return left_out


async def _ledger(session: AsyncSession) -> Ledger | None:
    row = await session.scalar(select(tables.LedgerFigures))
    return None if row is None else _LEDGER.validate_python(vars(row))


def _open_letters() -> Select[str, str, int]:
    letter = tables.KnownDeadLetter
    waits = letter.settled_at.is_(None)
    grouped = select(letter.group_name, letter.error_class, func.count()).where(waits)
    return grouped.group_by(letter.group_name, letter.error_class).order_by(letter.group_name, letter.error_class)


async def _newest_letters(session: AsyncSession) -> tuple[OpenLetter, ...]:
    letter = tables.KnownDeadLetter
    waits = select(letter).where(letter.settled_at.is_(None), letter.recorded_at.is_not(None))
    rows = await session.scalars(waits.order_by(letter.recorded_at.desc()).limit(NEWEST_LETTERS))
    return tuple(
        OpenLetter(row.dead_letter_id, row.group_name, row.topic, row.error_class, row.recorded_at)
        for row in rows
        if row.recorded_at
    )


def _among(column: InstrumentedAttribute[UUID], ids: Collection[UUID]) -> ColumnElement[bool]:
    return column == any_(literal(sorted(ids), ARRAY(Uuid)))


def _report(row: tables.CountedReport) -> domain.ReportFacts:
    return _REPORT.validate_python(vars(row))


def _case(row: tables.CountedCase, asked: Sequence[domain.Asked]) -> domain.CaseFacts:
    known = {"missed": _missed(row.missed), "reviews": _reviews(row.reviews), "takedowns": tuple(asked)}
    return _CASE.validate_python({**vars(row), **known})


_LEDGER, _REPORT, _CASE = TypeAdapter(Ledger), TypeAdapter(domain.ReportFacts), TypeAdapter(domain.CaseFacts)


def _missed(texts: Sequence[str]) -> frozenset[domain.Missed]:
    parts = (text.split("|") for text in texts)
    return frozenset(domain.Missed(datetime.fromisoformat(due_at), kind, team) for due_at, kind, team in parts)


def _reviews(texts: Sequence[str]) -> tuple[domain.LookAgain, ...]:
    parts = (text.split("|") for text in texts)
    return tuple(
        domain.LookAgain(datetime.fromisoformat(a), datetime.fromisoformat(due), domain.Looked(x))
        for a, due, x in parts
    )


_log = structlog.get_logger()

FRESH_FOR = timedelta(seconds=5)
_PATIENCE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Lag:
    """The log's last answer."""

    at: datetime
    behind: Mapping[str, int] | None
    """Group → records it has not read; a group that has never read is missing. None: the log did not answer."""


class LagReader:
    """Asks the log, and keeps the answer for some seconds."""

    def __init__(self, log: EventLog, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._last: Lag | None = None
        self._asking = asyncio.Lock()

    async def current(self) -> Lag:
        """Return an answer at most some seconds old; only one question at a time goes to the log."""
        async with self._asking:
            now = self._clock.now()
            if self._last is None or now - self._last.at >= FRESH_FOR:
                self._last = Lag(now, await self._ask())
            return self._last

    async def _ask(self) -> Mapping[str, int] | None:
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                return await self._log.behind(list(GROUPS))
        except (LogUnavailable, TimeoutError):
            _log.warning("lag_not_known")
            return None


def records(session: AsyncSession) -> AsyncIterator[tuple[UUID, Current]]:
    """Yield every case for `verify`, with what each capability keeps of it, and every campaign that people changed."""
    cases = queries.records(
        session, [outcome_reviews.facts, wellbeing.facts], [takedowns.fingerprints, tasks.fingerprints]
    )
    return in_order(cases, campaigns.records(session))
