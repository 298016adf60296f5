"""Bulk actions: chosen, carried out case by case, undone and forgotten.

Each case is done as if it were done alone, by the same use case, in a savepoint: what is refused leaves the others.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate
from typing import TypeVar
from uuid import UUID, uuid5

import structlog
from pydantic import TypeAdapter
from sqlalchemy import and_, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.bulk import domain, queries
from services.triage.bulk.domain import Action, Order, State
from services.triage.bulk.queries import DoneItem, Item
from services.triage.bulk.tables import BulkItem, BulkRow
from services.triage.cases import domain as case_domain
from services.triage.cases import handlers as cases
from services.triage.cases import lists
from services.triage.cases import queries as case_queries
from services.triage.cases.access import Viewer
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.queries import LockedCase
from services.triage.cases.writer import CaseWriter, Transition, event_ids, handed_over
from services.triage.conversation.domain import has_fields
from services.triage.conversation.handlers import filled_for
from services.triage.deadlines import queries as deadlines
from services.triage.deadlines.domain import Deadline
from services.triage.merges import domain as merge_domain
from services.triage.merges import handlers as merges
from services.triage.reports import queries as reports
from shared.db.bulk import copy_in
from shared.events.envelope import Event
from shared.events.triage import CaseReopened
from shared.events.vocabulary import Team
from shared.messaging.auditor import Step
from shared.messaging.faults import class_of, is_transient

_log = structlog.get_logger()

CHUNK = 25
"""Cases that the sweep does in one transaction: it holds their locks for well under a second."""
AT_WORK = (State.RUNNING, State.UNDOING)
"""What a sweep goes on with."""
KEPT_FOR = timedelta(days=7)
DRAFT_KEPT_FOR = timedelta(days=1)
STEPS = (
    Step(
        "bulk",
        func.coalesce(BulkRow.finished_at + domain.UNDO_FOR, BulkRow.asked_at),
        (BulkRow.state.in_(AT_WORK),),
        grace=timedelta(minutes=15),
        never_later=BulkRow.asked_at,
    ),
    Step(
        "bulk_forgotten",
        BulkRow.asked_at + KEPT_FOR,
        (BulkRow.state.not_in(AT_WORK),),
        grace=timedelta(hours=3),
        never_later=BulkRow.asked_at,
    ),
)
"""Bulk actions that do not end, or are not put back, or are kept too long, for the auditor."""
_MOST_FORGOTTEN = 100
FAILED = "failed"
"""The problem of a case with which something went wrong that no one foresaw."""
_ASKED = UUID("6f0a1f0e-5a0c-4d3b-9f57-0b6c3d1f2a44")
"""The name space of the ids of bulk actions that are asked for with a key."""
T = TypeVar("T")
Refused = Mapping[type[Exception], str]
"""For each domain error that a case can be refused with, the name of its problem."""

_VIEWER, _ORDER, _CASE = TypeAdapter(Viewer), TypeAdapter(Order), TypeAdapter(Case)
_CLOCKS = TypeAdapter(list[Deadline])


async def _transfer(work: Work, item: Item, order: Order) -> Case:
    return await cases.transfer(work, item.case_id, item.version, order.team or Team.TRIAGE_DESK, order.text)


async def _resolve(work: Work, item: Item, order: Order) -> Case:
    if order.outcome is None:
        raise case_domain.OutcomeDoesNotFit
    version = item.version
    if domain.is_free(await case_queries.get(work.session, work.viewer, item.case_id)):
        version = (await cases.claim(work, item.case_id, version)).version
    return await cases.resolve(work, item.case_id, version, order.outcome, order.text or None)


async def _assign(work: Work, item: Item, order: Order) -> Case:
    return await cases.assign(work, item.case_id, item.version, order.assignee or "", order.text or None)


async def _merge(work: Work, item: Item, order: Order) -> Case:
    return await merges.merge(work, item.case_id, item.version, order.into or "", order.text or None)


async def _message(work: Work, item: Item, order: Order) -> Case:
    """Write to the reporters of a case and of those that follow it: each case fills in the fields of the message."""

    def say(case: Case) -> str:
        return filled_for(order.text, case, order.platforms.get(case.case_id, ""), work.viewer.name)

    return await cases.add_note(work, item.case_id, item.version, order.text, shared=True, told=order.told, say=say)


DO: Mapping[Action, Callable[[Work, Item, Order], Awaitable[Case]]] = {
    Action.CLAIM: lambda work, item, _: cases.claim(work, item.case_id, item.version),
    Action.ASSIGN: _assign,
    Action.TRANSFER: _transfer,
    Action.MESSAGE: _message,
    Action.RESOLVE: _resolve,
    Action.MERGE: _merge,
}


async def once(work: Work, *said: str) -> tuple[UUID, bool]:
    """Return the id of the bulk action that the person asked for in these words, and whether it has begun.

    If they ask for it twice at once, the second waits here until the first has ended.
    """
    bulk_id = uuid5(_ASKED, "\n".join((work.viewer.subject, *said)))
    await work.session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(bulk_id.bytes[:8], signed=True))))
    begun = await work.session.scalar(select(BulkRow.bulk_id).where(BulkRow.bulk_id == bulk_id))
    return bulk_id, begun is not None


async def choose(
    work: Work,
    action: Action,
    chosen: Mapping[UUID, int],
    *,
    more: bool = False,
    bulk_id: UUID | None = None,
) -> UUID:
    """Keep what a person chose, so that they can see whom it would affect; return the id of the bulk action.

    Args:
        work: who chooses, and when.
        action: what they want to do.
        chosen: each case with the version that they read.
        more: whether the view or the campaign has more cases than one bulk action takes.
        bulk_id: the id that it has, if `once` gave one.
    """
    bulk_id = bulk_id or work.writer.ids.uuid()
    row = BulkRow(
        bulk_id=bulk_id,
        action=action,
        state=State.DRAFT,
        total=len(chosen),
        asked_by=work.viewer.subject,
        asked_at=work.now,
        more=more,
    )
    work.session.add(row)
    items = [{"bulk_id": bulk_id, "case_id": case_id, "version": read} for case_id, read in chosen.items()]
    await copy_in(work.session, BulkItem.table(), items)
    return bulk_id


async def carry_out(work: Work, bulk_id: UUID, order: Order, refused: Refused) -> None:
    """Do what the person chose: at once if they chose few cases, otherwise leave it to the sweep. It begins only once.

    Raises:
        BulkNotFound: there is none of this person's.
    """
    row = await _lock(work, bulk_id)
    if row.state != State.DRAFT:
        return
    row.state, row.asked_at = State.RUNNING, work.now
    row.team, row.outcome, row.assignee, row.into = order.team, order.outcome, order.assignee, order.into
    row.words = order.text
    row.viewer = _VIEWER.dump_python(work.viewer, mode="json")
    if domain.done_at_once(row.total, row.total + await _that_follow(work, order, bulk_id)):
        await _go_on(work, row, domain.MOST, refused)


async def go_on(session: AsyncSession, now: datetime, *, writer: CaseWriter, refused: Refused) -> int:
    """Do the next cases of the oldest bulk action that runs or is undone; return how many were looked at.

    What is done is committed with its results, so after a crash each case is done once.
    """
    running = select(BulkRow).where(BulkRow.state.in_(AT_WORK)).order_by(BulkRow.asked_at).limit(1)
    row = await session.scalar(running.with_for_update(skip_locked=True))
    if row is None:
        return 0
    bulk_id, undoing = row.bulk_id, row.state == State.UNDOING
    try:
        async with session.begin_nested():
            work = Work(session, _VIEWER.validate_python(row.viewer), now, writer)
            return await (_undo_more if undoing else _go_on)(work, row, CHUNK, refused)
    except Exception as error:  # it must not stop those of other people, as one that an older version kept might
        if is_transient(error):
            raise
        _log.error("bulk_failed", bulk_id=str(bulk_id), error=class_of(error))
    await _give_up(session, bulk_id, now, undoing=undoing)
    return 1


async def _give_up(session: AsyncSession, bulk_id: UUID, now: datetime, *, undoing: bool) -> None:
    """End a bulk action that cannot go on, and note that of each case that is left."""
    row, item = BulkRow.table(), BulkItem.table()
    if undoing:
        left, noted = (item.c.made.is_not(None), item.c.undo.is_(None)), {"undo": FAILED}
        ended: dict[str, object] = {"state": State.UNDONE, "undone_at": now, "viewer": None}
    else:
        left, noted = (item.c.made.is_(None), item.c.problem.is_(None)), {"problem": FAILED}
        ended = {"state": State.DONE, "finished_at": now, "viewer": None, "words": None, "assignee": None}
    await session.execute(update(item).where(item.c.bulk_id == bulk_id, *left).values(noted))
    await session.execute(update(row).where(row.c.bulk_id == bulk_id).values(ended))


async def _that_follow(work: Work, order: Order, bulk_id: UUID) -> int:
    """Return how many cases change with the chosen ones."""
    chosen = await queries.to_do(work.session, bulk_id, domain.MOST) if order.action in domain.LEADING else []
    return (await lists.sizes(work.session, [item.case_id for item in chosen])).total()


async def _go_on(work: Work, row: BulkRow, limit: int, refused: Refused) -> int:
    order = await _order(work, row)
    items, last = await _next(work, row, limit)
    ids = [item.case_id for item in items]
    locked = await case_queries.lock_visible(work.session, work.viewer, [*ids, *await _into(work, order)])
    below = await case_queries.lock_below(work.session, [case_id for case_id in ids if case_id in locked])
    clocks = await deadlines.of_cases(work.session, [*locked, *(one.case.case_id for _, one in below)])
    order = await _with_platforms(work, order, [*locked.values(), *(one for _, one in below)])
    results = []
    followed: set[UUID] = set()
    above: Counter[UUID] = Counter(one.case.case_id for _, one in below)
    for item in sorted(items, key=lambda item: above[item.case_id]):
        if item.case_id in followed:
            continue
        asked = replace(order, told=set(order.told))
        done = await _alone(work, item.case_id, DO[order.action](work, item, asked), refused)
        if isinstance(done, str):
            results.append({"of": item.case_id, "problem": done, "made": None, "before": None, "clocks": None})
        else:
            order, before = asked, locked[item.case_id].case
            followed |= (await cases.changed_since(work.session, _under(item.case_id, below))).keys()
            results.append({"of": item.case_id, "problem": None, **_made(before, done, clocks[item.case_id])})
    await _note(work.session, row.bulk_id, results)
    alone = {one["of"] for one in results if one["made"]}
    led = [(main, one) for main, one in below if one.case.case_id not in alone]
    await _note_followers(work.session, row.bulk_id, led, clocks)
    if last:
        row.state, row.finished_at = State.DONE, work.now
        row.viewer, row.words, row.assignee = None, None, None
    return max(len(items), 1)


async def _order(work: Work, row: BulkRow) -> Order:
    """Return what is to be done, with the reports whose reporters were told before."""
    order = _ORDER.validate_python({**vars(row), "text": row.words or ""})
    if order.action is not Action.MESSAGE:
        return order
    done = await queries.done(work.session, row.bulk_id)
    told = await case_queries.cases_of(work.session, [item.case_id for item in done])
    return replace(order, told={case.report_id for case in told})


async def _with_platforms(work: Work, order: Order, found: Sequence[LockedCase]) -> Order:
    """Return what is to be done, with where it happened if the message has fields that a case fills in."""
    if order.action is not Action.MESSAGE or not has_fields(order.text):
        return order
    of = {one.case.case_id: one.case.report_id for one in found}
    known = await reports.read_all(work.session, set(of.values()), content=False)
    return replace(order, platforms={case_id: known[report_id].platform for case_id, report_id in of.items()})


async def _next(work: Work, row: BulkRow, limit: int) -> tuple[list[Item], bool]:
    """Return the next cases, with those of the chosen ones that they follow, and whether they are the last.

    With the cases that follow them they are about `limit`, so that no transaction becomes too long.
    """
    found = await queries.to_do(work.session, row.bulk_id, limit)
    sizes = await lists.sizes(work.session, [item.case_id for item in found])
    so_far = accumulate(1 + sizes[item.case_id] for item in found)
    taken = [item for item, count in zip(found, so_far, strict=True) if count <= limit] or found[:1]
    above = await lists.mains(work.session, [item.case_id for item in taken])
    mains = await queries.to_do(work.session, row.bulk_id, domain.MOST, above) if above else []
    last = len(taken) == len(found) and (len(found) < limit or row.total <= limit)
    return list({item.case_id: item for item in (*mains, *taken)}.values()), last


async def _into(work: Work, order: Order) -> list[UUID]:
    """Return the case that others are merged into: it is locked with them, so that no two wait for each other."""
    try:
        return [await merges.named(work, order.into)] if order.into else []
    except merge_domain.MainCaseNotFound:
        return []


def _under(main: UUID, below: Sequence[tuple[UUID, LockedCase]]) -> list[LockedCase]:
    return [one for over, one in below if over == main]


async def _alone(work: Work, case_id: UUID, doing: Awaitable[T], refused: Refused) -> T | str:
    """Return what is done with a case, or why it was refused; then the case is as it was."""
    try:
        async with work.session.begin_nested():
            return await doing
    except tuple(refused) as error:
        return _name(error, refused)
    except Exception as error:  # one case must not stop the others, nor the bulk actions of other people
        if is_transient(error):
            raise
        _log.error("bulk_item_failed", case_id=str(case_id), error=class_of(error))
        return FAILED


def _name(error: Exception, refused: Refused) -> str:
    return next(refused[kind] for kind in type(error).__mro__ if kind in refused)


def _made(before: Case, after: Case, clocks: Sequence[Deadline]) -> dict[str, object]:
    """Return what is kept to undo it."""
    was = _CASE.dump_python(before, mode="json", include=set(domain.changed(before, after)))
    return {"made": after.version, "before": was, "clocks": _CLOCKS.dump_python(list(clocks), mode="json")}


async def _note(session: AsyncSession, bulk_id: UUID, results: Sequence[Mapping[str, object]]) -> None:
    if results:
        table = BulkItem.table()
        noted = update(table).where(table.c.bulk_id == bulk_id, table.c.case_id == bindparam("of"))
        await session.execute(noted, [dict(one) for one in results])


async def _note_followers(
    session: AsyncSession,
    bulk_id: UUID,
    below: Sequence[tuple[UUID, LockedCase]],
    clocks: Mapping[UUID, Sequence[Deadline]],
) -> None:
    """Keep what the cases were that follow chosen ones and were changed with them: they are put back with them."""
    now = await cases.changed_since(session, [one for _, one in below])
    rows = [
        {"bulk_id": bulk_id, "version": one.case.version, "follows": main, "chosen": False, "case_id": one.case.case_id}
        | _made(one.case, now[one.case.case_id].case, clocks[one.case.case_id])
        for main, one in below
        if one.case.case_id in now
    ]
    if rows:
        table = insert(BulkItem.table())
        kept = {name: table.excluded[name] for name in ("made", "before", "clocks", "follows")}
        chosen_too = table.on_conflict_do_update(index_elements=["bulk_id", "case_id"], set_={**kept, "problem": None})
        await session.execute(chosen_too, rows)


async def undo(work: Work, bulk_id: UUID, refused: Refused) -> None:
    """Put each case back as it was, or note why it cannot be; if they chose many cases, leave it to the sweep.

    What was undone once stays as it was undone then. A case that the person gave to another team is put back too: until
    someone changes it, it is theirs to undo.

    Raises:
        BulkNotFound: there is none of this person's.
        StillRunning: it has not ended yet.
        UndoOver: the time is over.
    """
    row = await _lock(work, bulk_id)
    if row.state in {State.UNDOING, State.UNDONE}:
        return
    domain.check_undo(State(row.state), row.finished_at, work.now)
    row.state, row.viewer = State.UNDOING, _VIEWER.dump_python(work.viewer, mode="json")
    if domain.done_at_once(row.total, len(await queries.done(work.session, bulk_id))):
        await _undo_more(work, row, domain.MOST, refused)


async def _undo_more(work: Work, row: BulkRow, limit: int, refused: Refused) -> int:
    """Put the next cases back, each with those that were changed with it."""
    left = {item.case_id: item for item in await queries.done(work.session, row.bulk_id)}
    families = domain.families({case_id: item.follows for case_id, item in left.items()})
    so_far = accumulate(map(len, families))
    taken = [family for family, count in zip(families, so_far, strict=True) if count <= limit] or families[:1]
    together = [[left[case_id] for case_id in family] for family in taken]
    results = await _put_back_all(work, Action(row.action), together, refused)
    await _note(work.session, row.bulk_id, [{"of": case_id, "undo": why} for case_id, why in results.items()])
    if len(taken) == len(families):
        row.state, row.undone_at, row.viewer = State.UNDONE, work.now, None
    return max(len(results), 1)


async def _put_back_all(
    work: Work, action: Action, families: Sequence[Sequence[DoneItem]], refused: Refused
) -> Mapping[UUID, str]:
    """Put families of cases back, each as a whole; return the reason for each case that stays, "" for the others."""
    ids = [item.case_id for family in families for item in family]
    locked = await case_queries.lock_cases(work.session, ids)
    clocks = await deadlines.of_cases(work.session, list(locked))
    results: dict[UUID, str] = {}
    for family in families:
        back = _put_family_back(work, action, family, locked, clocks)
        why = await _alone(work, family[0].case_id, back, refused)
        results |= {item.case_id: why or "" for item in family}
    return results


async def _put_family_back(
    work: Work,
    action: Action,
    family: Sequence[DoneItem],
    locked: Mapping[UUID, LockedCase],
    clocks: Mapping[UUID, Sequence[Deadline]],
) -> None:
    if action is Action.MERGE:
        for item in family:
            await _take_out(work, item)
    else:
        back = [_put_back(work, action, item, locked.get(item.case_id), clocks) for item in family]
        await work.writer.record(work.session, back, work.now)


async def _take_out(work: Work, item: DoneItem) -> None:
    """Take a case out of the one that it was merged into, if nothing happened to it since."""
    case = await case_queries.get(work.session, work.viewer, item.case_id)
    if case.version != item.made:
        raise domain.MovedOn
    await merges.unmerge(work, item.case_id, item.made, allowed=True)


def _put_back(
    work: Work, action: Action, item: DoneItem, locked: LockedCase | None, clocks: Mapping[UUID, Sequence[Deadline]]
) -> Transition:
    if action is Action.MESSAGE:
        raise domain.MessageSent
    if locked is None or work.viewer.keys.intersection(locked.row.kept_from):
        raise case_domain.CaseNotFound
    before = _CASE.validate_python({**vars(locked.case), **item.before})
    after = cases.without(domain.put_back(locked.case, item.made, before), frozenset(locked.row.kept_from))
    return Transition(
        locked,
        after,
        "bulk_undone",
        work.viewer.subject,
        events=_undoing(work, locked.case, after, follows=item.follows is not None),
        clocks=domain.clocks_put_back(_CLOCKS.validate_python(list(item.clocks)), clocks[item.case_id]),
    )


def _undoing(work: Work, case: Case, after: Case, *, follows: bool) -> list[Event]:
    """Return what other services hear: that work continues, or that the case is with its team again."""
    events: list[Event] = []
    if case.team is not after.team:
        back = handed_over(case, after, work.now, work.writer.deadlines)
        events.append(back.model_copy(update={"staffed": True}) if follows else back)  # a person on call is told once
    if case.finished and not after.finished:
        events.append(CaseReopened(**event_ids(after, work.now), team=after.team, state=after.state))
    return events


async def forget(session: AsyncSession, now: datetime) -> int:
    """Delete the oldest bulk actions whose time is over, with their results; return how many."""
    last = {State.DRAFT: now - DRAFT_KEPT_FOR, State.DONE: now - KEPT_FOR, State.UNDONE: now - KEPT_FOR}
    old = or_(*(and_(BulkRow.state == state, BulkRow.asked_at < before) for state, before in last.items()))
    some = select(BulkRow.bulk_id).where(old).order_by(BulkRow.asked_at).limit(_MOST_FORGOTTEN)
    gone = delete(BulkRow).where(BulkRow.bulk_id.in_(some.with_for_update(skip_locked=True)))
    return len((await session.scalars(gone.returning(BulkRow.bulk_id))).all())


async def _lock(work: Work, bulk_id: UUID) -> BulkRow:
    theirs = select(BulkRow).where(BulkRow.bulk_id == bulk_id, BulkRow.asked_by == work.viewer.subject)
    row: BulkRow | None = await work.session.scalar(theirs.with_for_update())
    if row is None:
        raise domain.BulkNotFound
    return row
