"""Which cases changed, for what other capabilities derive from them afterwards: each reader takes changes in turn.

And what a case says of the tasks that another capability keeps about it, and of the clocks of cases merged into it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Select, Subquery, case, delete, func, null, select, update
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import queries
from services.triage.cases.access import Viewer
from services.triage.cases.domain import WORKED, Case
from services.triage.cases.tables import CaseAccess, CaseChanged, CaseRow
from services.triage.deadlines import queries as deadlines
from services.triage.facets import domain as facets
from shared.db.bulk import copy_in
from shared.events.vocabulary import CaseState, Outcome
from shared.messaging.auditor import Step

BATCH = 500
"""Changes that one run of a sweep takes."""


class Reader(StrEnum):
    """Who takes the changes."""

    SEARCH = "search"
    CAMPAIGNS = "campaigns"
    TASKS = "tasks"
    """Takes only cases that were open before it; it follows each change in the same transaction."""


_LOCKS = {Reader.SEARCH: 0x5EA2C4, Reader.CAMPAIGNS: 0xCA4BA1, Reader.TASKS: 0x7A5C5}
"""Advisory locks, one for each reader."""
_OF_CHANGES = (Reader.SEARCH, Reader.CAMPAIGNS)


STEPS = tuple(
    Step(f"change_{reader}", CaseChanged.at, (CaseChanged.reader == reader, CaseChanged.seq > 0))
    for reader in _OF_CHANGES
)
"""Changes that no reader took, for the auditor."""


async def note(session: AsyncSession, case_ids: Collection[UUID], now: datetime) -> None:
    """Note for each reader that cases changed, in what is written about them or in what queues show of them.

    Rows are only added, so that no one waits; that one case is there twice does no harm.
    """
    which = dict.fromkeys(case_ids)
    rows = [{"reader": reader.value, "case_id": case_id, "at": now} for case_id in which for reader in _OF_CHANGES]
    await copy_in(session, CaseChanged.table(), rows)


async def take(session: AsyncSession, reader: Reader) -> list[UUID]:
    """Take the oldest changes of a reader, up to `BATCH`; return the cases, each once.

    If there are none, take cases that were there before the reader, the newest first. They have negative numbers.
    Only one process takes a reader's changes at a time, until its transaction ends. If two did, one of them could write
    what it made of a case after the other, and from what it read before a change.
    """
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(_LOCKS[reader]))):
        return []
    theirs, seq = CaseChanged.reader == reader, CaseChanged.seq
    for first in (select(seq).where(seq > 0).order_by(seq), select(seq).where(seq < 0).order_by(seq.desc())):
        some = first.where(theirs).limit(BATCH)
        taken = delete(CaseChanged).where(theirs, seq.in_(some)).returning(CaseChanged.case_id)
        if case_ids := list(dict.fromkeys(await session.scalars(taken))):
            return case_ids
    return []


async def hold(session: AsyncSession, reader: Reader) -> None:
    """Let no process take a reader's changes until the transaction ends; wait for one that does so now.

    What is erased in this transaction is then not written again from what was read before.
    """
    await session.execute(select(func.pg_advisory_xact_lock(_LOCKS[reader])))


@dataclass(frozen=True, slots=True)
class Written:
    """A case with what is written about it, for what is derived from its words."""

    case: Case
    said: tuple[str, ...]
    """The codes of what it is about: its platform, and what happened."""
    notes: Sequence[queries.WrittenNote]
    named: frozenset[str]
    """Who may see it by name, if it is restricted."""


async def written(session: AsyncSession, case_ids: Collection[UUID]) -> list[Written]:
    """Return those of the cases that exist, in three statements; without exempt ones, of which no words are kept."""
    rows = (await session.scalars(select(CaseRow).where(CaseRow.case_id.in_(case_ids)))).all()
    kept = {row.case_id: row for row in rows if row.outcome != Outcome.EXEMPT}
    noted, named = await queries.notes_of(session, kept), await queries.people_named(session, kept)
    return [
        Written(queries.to_case(row), row.said, noted[case_id], frozenset(named[case_id]))
        for case_id, row in kept.items()
    ]


async def carry_clocks(session: AsyncSession, case_ids: Collection[UUID]) -> None:
    """Let each case into which others are merged be due when the first of them is (decision 0065).

    Args:
        session: the transaction; the caller holds the locks of these cases and of all that they are merged with.
        case_ids: cases of which deadlines may have changed: those above them are looked at too.
    """
    row, higher = CaseRow, queries.over(case_ids).c.main
    here = select(row.merged_into).where(row.merged_into.in_(case_ids), row.state == CaseState.MERGED)
    mains = list(await session.scalars(select(higher).where(higher.is_not(None)).union(here)))
    if not mains:
        return
    tree, clock = queries.below(mains), deadlines.running()
    merged = select(tree.c.main, tree.c.case_id).join(row, row.case_id == tree.c.case_id)
    own = select(row.case_id.label("main"), row.case_id).where(row.case_id.in_(mains))
    family = merged.where(row.state == CaseState.MERGED).union(own).subquery()
    first = select(family.c.main, clock.c.due_at, clock.c.at_risk_at).join(clock, clock.c.case_id == family.c.case_id)
    nearest = first.ext(distinct_on(family.c.main)).order_by(family.c.main, clock.c.due_at)
    found = {main: (due_at, at_risk_at) for main, due_at, at_risk_at in await session.execute(nearest)}
    for main in await session.scalars(select(row).where(row.case_id.in_(mains))):
        main.due_at, main.at_risk_at = found.get(main.case_id, (None, None))


async def due(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, datetime | None]:
    """Return when each case is due, for its own sake or for a case that is merged into it."""
    rows = await session.execute(select(CaseRow.case_id, CaseRow.due_at).where(CaseRow.case_id.in_(case_ids)))
    return {row.case_id: row.due_at for row in rows}


def stands() -> Subquery:
    """Return of each case the facet of who sees it, and whether it is worked on, to be joined by other capabilities."""
    row = CaseRow
    unseen, hidden = row.outcome == Outcome.EXEMPT, row.restricted
    seen_by = case((unseen, null()), (hidden, row.team + f"/{facets.RESTRICTED}"), else_=row.team)
    worked = row.state.in_(WORKED)
    return select(row.case_id, seen_by.label("seen_by"), worked.label("worked")).subquery("stands")


def named_for(viewer: Viewer) -> Select[UUID]:
    """Return the cases for which a viewer is named, whether or not they see them."""
    return select(CaseAccess.case_id).where(CaseAccess.subject == viewer.subject)


async def mark_overdue(session: AsyncSession, case_ids: Collection[UUID], overdue: Select[UUID]) -> None:
    """Mark those of the cases that are in `overdue` as cases of which a task is overdue, and the others as not."""
    row = CaseRow.table()
    is_so = row.c.case_id.in_(overdue)
    changed = update(row).where(row.c.case_id.in_(case_ids), row.c.task_overdue != is_so)
    await session.execute(changed.values(task_overdue=is_so))
