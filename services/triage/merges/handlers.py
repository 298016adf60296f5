"""Merging cases, taking them apart, splitting one, and undoing that: what people do, under the locks of all rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.triage.cases import domain as cases
from services.triage.cases import lists
from services.triage.cases import queries as case_queries
from services.triage.cases.domain import Actor, Case
from services.triage.cases.handlers import Command, Work, execute, keep_apart
from services.triage.cases.queries import LockedCase
from services.triage.cases.writer import SYSTEM, LinkedCase, Transition, event_ids
from services.triage.merges import domain, queries
from services.triage.merges.domain import Part
from services.triage.reports import queries as reports
from services.triage.routing.domain import Also
from shared.audit import chain
from shared.events.envelope import Event
from shared.events.triage import CaseMerged, CasePriorityChanged, CaseSplit, CaseUnmerged
from shared.events.vocabulary import Behaviour, Priority
from shared.ids import InvalidReference, Reference

BY_A_PERSON = "split-by-a-person"
_SENTENCE = "The team found that the report is about more than one matter, and works on this part by itself."


async def merge(work: Work, case_id: UUID, read: int, into: str, reason: str | None) -> Case:
    """Merge a case into another, named by its id or its reference, which takes over what may not be lost of it.

    Raises:
        MainCaseNotFound: there is no such other case, or the viewer may not see it.
        TooManyMerged, and those of `domain.merged`: it cannot be merged into that one.
        CaseNotFound, CaseChanged: as for every change of a case.
    """
    await case_queries.get(work.session, work.viewer, case_id)  # first: a wrong `into` says nothing of a hidden case
    main_id = await named(work, into)
    both = await case_queries.lock_visible(work.session, work.viewer, {case_id, main_id})
    size = await lists.size(work.session, [case_id, main_id])
    clock = _earlier_clock(both[case_id], both[main_id]) if both.keys() >= {case_id, main_id} else {}

    def apply(case: Case, actor: Actor) -> Case:
        main = both.get(main_id)
        if main is None:
            raise domain.MainCaseNotFound
        after = domain.merged(case, main.case, actor, work.now)
        if size >= domain.MOST_MERGED:
            raise domain.TooManyMerged
        return after

    command = Command(queries.MERGED, apply, _merged_event(work, main_id), reason=reason, says={"into": str(main_id)})
    case = await execute(work, case_id, read, command)
    await _take_in(work, both[main_id], case, queries.TOOK_IN, clock)
    return case


async def _take_in(
    work: Work, main: LockedCase, case: Case, action: str, clock: Mapping[str, str], *, threat_open: bool = False
) -> None:
    """Note in a main case what was merged into it; it takes over the higher priority, and whom it is kept from.

    Args:
        work: who merged them, and when.
        main: the main case, as it was.
        case: the case that was merged into it.
        action: what was done.
        clock: what the record says of the merged case's clock.
        threat_open: whether the protocol about a threat is open in the main case now, even if it was not before.
    """
    says, threat = {"merged": str(case.case_id), **clock}, main.case.threat_open or threat_open
    after = await _note(work, main, action, says, threat_open=threat)
    await _set_priority(work, LockedCase(after, main.row), min(after.priority, case.priority))
    await keep_apart(work, after.case_id)


def _earlier_clock(case: LockedCase, main: LockedCase) -> dict[str, str]:
    """Return when a case is due if that is before the main case, for the record: the main case is due then too."""
    due_at, before = case.row.due_at, main.row.due_at
    return {"due_at": due_at.isoformat()} if due_at and (before is None or due_at < before) else {}


async def _let_go(work: Work, main: LockedCase, case_id: UUID) -> None:
    """Note in a main case that another was taken out of it, and put back what it had taken over from it.

    A priority that a person gave it since stays, and the record says so.
    """
    done = await chain.read(work.session, main.case.case_id)
    kept = queries.keeps_priority(done, case_id)
    says = {"merged": str(case_id)} | ({"priority_stays": str(main.case.priority)} if kept else {})
    await _note(work, main, queries.LET_GO, says)
    mains = await lists.above(work.session, main.case.case_id)
    locked = await case_queries.lock_cases(work.session, mains)
    for one in (locked[main_id] for main_id in mains):
        own = queries.own_priority(await chain.read(work.session, one.case.case_id))
        merged = await lists.merged_priorities(work.session, one.case.case_id)
        await _set_priority(work, one, domain.priority_put_back(one.case.priority, own, merged))
    await keep_apart(work, main.case.case_id)


async def _set_priority(work: Work, main: LockedCase, priority: Priority) -> None:
    """Let a main case have the priority of what is merged into it. Who is on call was told of that when it came."""
    before = main.case
    if before.priority is priority:
        return
    after = cases.next_version(before, priority=priority)
    event = CasePriorityChanged(
        **event_ids(after, work.now), team=after.team, before=before.priority, priority=priority, staffed=True
    )
    follows = Transition(main, after, queries.PRIORITY_FOLLOWS, SYSTEM, events=[event])
    await work.writer.record(work.session, [follows], work.now)


async def unmerge(work: Work, case_id: UUID, read: int, *, allowed: bool = False) -> Case:
    """Take a case out of the one that it is merged into.

    Args:
        work: who does it, and when.
        case_id: the merged case.
        read: the version that they read.
        allowed: whether the caller found that they may: the merge was one of many that they undo together.

    Raises:
        NotMerged: it is in no other case.
        NotYoursToUndo: another person merged it, or longer ago than `UNDO_WITHIN`, and the viewer leads no one.
        CaseNotFound, CaseChanged: as for every change of a case.
    """
    main_id = (await case_queries.get(work.session, work.viewer, case_id)).merged_into
    if main_id is None:
        raise domain.NotMerged
    both = await case_queries.lock_cases(work.session, await lists.above(work.session, case_id))
    done = await queries.last_merge(work.session, case_id)

    def apply(case: Case, actor: Actor) -> Case:
        after = domain.unmerged(case)
        if not allowed:
            domain.require_undoable(done, actor, work.now)
        return after

    def events(_before: Case, after: Case) -> list[Event]:
        ids = event_ids(after, work.now)
        return [CaseUnmerged(**ids, team=after.team, from_case_id=main_id, state=after.state)]

    case = await execute(work, case_id, read, Command(queries.UNMERGED, apply, events, while_merged=True))
    await _let_go(work, both[main_id], case_id)
    return case


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be split off a case. A link is given as its number, counted from 0, or as it is written."""

    what: Sequence[str] = ()
    links: Sequence[int | str] = ()


async def split(work: Work, case_id: UUID, read: int, wanted: Wanted, reason: str | None) -> tuple[Case, Case]:
    """Open a linked case of the same report about a part of this one; return both.

    Raises:
        NotPartOfCase: something was chosen that the case does not have.
        StateForbids, ClaimedByAnother: the case is finished or merged, or another responder has it.
        CaseNotFound, CaseChanged: as for every change of a case.
    """
    locked, siblings = await _lock(work, case_id, read)
    domain.require_free(locked.case, work.viewer.actor(locked.case), work.now)
    whole = await queries.part_of(work.session, locked.case)
    links = await _numbers(work, locked.case, wanted.links)
    kept, taken = domain.divided(whole, wanted.what, links)
    linked = LinkedCase(
        locked,
        Also(locked.case.team, "S3", _SENTENCE, locked.case.report_type, rule=BY_A_PERSON),
        locked.case.category,
        work.viewer.subject,
        locked.row.own_keys,
        part=(taken.what, taken.links),
    )
    [new] = await work.writer.open_linked(work.session, [linked], siblings, work.now)
    _set_part(locked, kept)
    says = {"split_off": str(new.case_id), **queries.said_of(whole)}
    event = CaseSplit(**event_ids(locked.case, work.now), team=locked.case.team, new_case_id=new.case_id)
    threat = locked.case.threat_open and Behaviour.THREAT in kept.what
    return await _note(work, locked, queries.SPLIT, says, reason, [event], threat_open=threat), new


async def undo_split(work: Work, case_id: UUID, read: int) -> Case:
    """Give a part that was split off back to the case that it was split off: the new case is merged into that one.

    Raises:
        NotSplitOff: it was not split off, or someone has worked on it since, or the viewer may not see where it was.
        NotYoursToUndo: another person split it, or longer ago than `UNDO_WITHIN`, and the viewer leads no one.
        MainCaseFinished, MainCaseMerged, StateForbids, ClaimedByAnother: one of the cases has moved on.
        CaseNotFound, CaseChanged: as for every change of a case.
    """
    locked, siblings = await _lock(work, case_id, read)
    found = [(one, await queries.division(work.session, one.case.case_id, case_id)) for one in siblings]
    seen = await case_queries.lock_visible(work.session, work.viewer, [one.case.case_id for one in siblings])
    divisions = [(one, division) for one, division in found if division and one.case.case_id in seen]
    if not divisions or not queries.is_untouched(await chain.read(work.session, case_id)):
        raise domain.NotSplitOff
    [(origin, division), *_] = divisions
    actor = work.viewer.actor(locked.case)
    domain.require_undoable(division.done, actor, work.now)
    after = domain.given_back(replace(locked.case, threat_open=False), origin.case, actor, work.now)
    parts = [await queries.part_of(work.session, one.case) for one in (origin, locked)]
    _set_part(origin, domain.joined(division.before, *parts))
    main_id, clock = origin.case.case_id, _earlier_clock(locked, origin)
    says, events = {"into": str(main_id)}, _merged_event(work, main_id)(locked.case, after)
    back = Transition(locked, after, queries.SPLIT_UNDONE, work.viewer.subject, says=says, events=events)
    await work.writer.record(work.session, [back], work.now)
    await _take_in(work, origin, after, queries.SPLIT_UNDONE, clock, threat_open=locked.case.threat_open)
    return after


def _merged_event(work: Work, main_id: UUID) -> Callable[[Case, Case], list[Event]]:
    def events(_before: Case, after: Case) -> list[Event]:
        return [CaseMerged(**event_ids(after, work.now), team=after.team, into_case_id=main_id)]

    return events


async def named(work: Work, into: str) -> UUID:
    """Return the id of the case that a person names by its id or by its reference in any spelling."""
    try:
        return UUID(into)
    except ValueError:
        pass
    try:
        return (await case_queries.by_reference(work.session, work.viewer, Reference.parse(into))).case_id
    except (InvalidReference, cases.CaseNotFound):
        raise domain.MainCaseNotFound from None


async def _lock(work: Work, case_id: UUID, read: int) -> tuple[LockedCase, list[LockedCase]]:
    """Lock all cases of a case's report, so that no number is used twice; return this case and all of them."""
    found = await case_queries.get(work.session, work.viewer, case_id)
    await case_queries.lock_reports(work.session, [found.report_id])
    siblings = await case_queries.lock_reports(work.session, [found.report_id])  # with any that was opened meanwhile
    locked = await case_queries.lock(work.session, work.viewer, case_id)
    if locked.case.version != read:
        raise case_queries.CaseChanged(await case_queries.since(work.session, case_id, read), locked.case.version)
    return locked, siblings


async def _numbers(work: Work, case: Case, links: Sequence[int | str]) -> list[int]:
    """Return the numbers of links of a report; of one that the report does not have, a number that it has not."""
    written = await reports.links_of(work.session, case.report_id) if any(isinstance(one, str) for one in links) else []
    return [written.index(one) if one in written else -1 if isinstance(one, str) else one for one in links]


def _set_part(locked: LockedCase, part: Part) -> None:
    locked.row.behaviours = list(part.what)
    locked.row.links = list(part.links)


async def _note(
    work: Work,
    locked: LockedCase,
    action: str,
    says: dict[str, str],
    reason: str | None = None,
    events: Sequence[Event] = (),
    *,
    threat_open: bool | None = None,
) -> Case:
    """Record that something was done to a case whose state stays; return it. The protocol about a threat may move."""
    threat = locked.case.threat_open if threat_open is None else threat_open
    after = cases.next_version(locked.case, threat_open=threat)
    done = Transition(locked, after, action, work.viewer.subject, reason=reason, says=says, events=events)
    await work.writer.record(work.session, [done], work.now)
    return after
