"""Merging cases, taking them apart, splitting one, and undoing that: what people do, under the locks of all rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.triage.cases import domain as cases
from services.triage.cases import lists
from services.triage.cases import queries as case_queries
from services.triage.cases.domain import Actor, Case
from services.triage.cases.handlers import Command, Work, execute, keep_apart
from services.triage.cases.queries import LockedCase
from services.triage.cases.writer import LinkedCase, Transition, event_ids
from services.triage.merges import domain, queries
from services.triage.merges.domain import Part
from services.triage.reports import queries as reports
from services.triage.routing.domain import Also
from shared.audit import chain
from shared.events.envelope import Event
from shared.events.triage import CaseMerged, CaseSplit, CaseUnmerged
from shared.events.vocabulary import Behaviour
from shared.ids import InvalidReference, Reference

BY_A_PERSON = "split-by-a-person"
_SENTENCE = "The team found that the report is about more than one matter, and works on this part by itself."


async def merge(work: Work, case_id: UUID, read: int, into: str, reason: str | None) -> Case:
    """Merge a case into another, named by its id or its reference, which is then kept from the same people too.

    Raises:
        MainCaseNotFound: there is no such other case, or the viewer may not see it.
        TooManyMerged, and those of `domain.merged`: it cannot be merged into that one.
        CaseNotFound, CaseChanged: as for every change of a case.
    """
    await case_queries.get(work.session, work.viewer, case_id)  # first: a wrong `into` says nothing of a hidden case
    main_id = await named(work, into)
    both = await case_queries.lock_visible(work.session, work.viewer, {case_id, main_id})
    size = await lists.size(work.session, [case_id, main_id])

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
    await _note(work, both[main_id], queries.TOOK_IN, {"merged": str(case_id)})
    await keep_apart(work, main_id)
    return case


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
    await _note(work, both[main_id], queries.LET_GO, {"merged": str(case_id)})
    await keep_apart(work, main_id)
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
    after = domain.merged(replace(locked.case, threat_open=False), origin.case, actor, work.now)
    parts = [await queries.part_of(work.session, one.case) for one in (origin, locked)]
    _set_part(origin, domain.joined(division.before, *parts))
    main_id = origin.case.case_id
    says, events = {"into": str(main_id)}, _merged_event(work, main_id)(locked.case, after)
    back = Transition(locked, after, queries.SPLIT_UNDONE, work.viewer.subject, says=says, events=events)
    await work.writer.record(work.session, [back], work.now)
    threat = origin.case.threat_open or locked.case.threat_open
    await _note(work, origin, queries.SPLIT_UNDONE, {"merged": str(case_id)}, threat_open=threat)
    await keep_apart(work, main_id)
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
