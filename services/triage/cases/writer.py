"""Writes cases: new ones, linked ones and transitions, each with its deadlines, activities and events.

It takes as many statements for a hundred cases as for one.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypedDict
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import changes, domain, queries
from services.triage.cases.access import is_kept_from
from services.triage.cases.domain import Case, alone, differences, is_linked, next_version, unassigned
from services.triage.cases.queries import REPORTER, LockedCase, fingerprint_of
from services.triage.cases.tables import CaseRow, Note, Responder
from services.triage.deadlines import handlers as deadlines
from services.triage.deadlines import queries as deadline_queries
from services.triage.deadlines.domain import Deadline, DeadlinePolicy, Outlook, outlook
from services.triage.routing import handlers as routing
from services.triage.routing import queries as routing_queries
from services.triage.routing.domain import Also, Decision
from shared.audit import chain
from shared.db.bulk import copy_in
from shared.events import triage
from shared.events.envelope import Event, NewEvent
from shared.events.vocabulary import Behaviour, CaseState, DeadlineKind, Outcome, Priority, ReportType, Team
from shared.ids import CaseId, Ids, ReportId
from shared.messaging.outbox import Outbox

SYSTEM = "system:triage"
Forget = Callable[[AsyncSession, Collection[UUID]], Awaitable[None]]
"""Erases what another capability derived from the words of cases."""
_COPIED = (triage.CaseTransferred, triage.CaseResolved, triage.CaseClosed, triage.CaseReopened)


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case to be stored."""

    case: Case
    link_number: int
    decision: Decision
    deadline: Deadline
    platform: str
    behaviours: tuple[str, ...]
    """What happened, in the words of the case's type."""
    kept_from: tuple[str, ...]
    """Keys (`shared.events.people`) of the people who may never open it."""
    by: str = SYSTEM
    report: str = ""
    """The fingerprint of the report; only its first case has it."""
    links: tuple[int, ...] | None = None
    """The links of the report that it is about, counted from 0; None: all."""


@dataclass(frozen=True, slots=True)
class LinkedCase:
    """A case that a person asks to open, linked to an existing case; restricted, unless it is a part of that one."""

    origin: LockedCase
    also: Also
    """Which team gets it and why; `rule` stands in for a rule's name."""
    category: str
    by: str
    kept_from: tuple[str, ...]
    part: tuple[tuple[str, ...], tuple[int, ...]] | None = None
    """Behaviours and links that it takes over from the existing case; None: it is another matter."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A change to a locked case."""

    locked: LockedCase
    after: Case
    action: str
    by: str
    reason: str | None = None
    says: dict[str, str] = field(default_factory=dict)
    """What the activity says besides what changed: codes, nothing personal."""
    personal: dict[str, str] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    """What verification compares besides the case's row."""
    events: Sequence[Event] = ()
    news: bool = False
    """Whether the reporter learns something, so that the next promised update counts from then."""
    kept_from: tuple[str, ...] | None = None
    """The keys of the people who may not open it from now on; None: the same as before."""
    clocks: Sequence[Deadline] | None = None
    """The deadlines from now on, where a change is undone; otherwise the policy says what becomes of them."""
    reply: bool = False
    """Whether the reporter wrote or sent something."""


Follow = Callable[[AsyncSession, Sequence[Transition], datetime, Ids], Awaitable[Sequence[Transition]]]
"""Changes what another capability keeps about cases along with them; returns the transitions, with what it did."""


@dataclass(frozen=True, slots=True)
class CaseWriter:
    """Stores cases and their changes; the caller holds the locks of existing cases."""

    deadlines: DeadlinePolicy
    ids: Ids
    outbox: Outbox
    forgets: Sequence[Forget] = ()
    """What forgets at once the things that other capabilities derive from the words of cases."""
    follows: Sequence[Follow] = ()
    """What changes the things that other capabilities keep about cases, when a case changes."""

    async def open(self, session: AsyncSession, new: Sequence[NewCase], now: datetime) -> None:
        """Store new cases with their decisions, deadlines and activities, and append their events to the outbox."""
        if not new:
            return
        rows = [_row(one) for one in new]
        await copy_in(session, CaseRow.table(), rows)
        await routing.store(session, [(one.case.case_id, one.decision) for one in new], now)
        await deadlines.start(session, [(one.case.case_id, one.deadline) for one in new])
        await chain.append(session, list(map(_opened, new, rows)), now, self.ids)
        await changes.note(session, [one.case.case_id for one in new], now)
        await self.outbox.begin(session, [event for one in new for event in self._events(one, now)], now)

    async def open_linked(
        self, session: AsyncSession, wanted: Sequence[LinkedCase], siblings: Sequence[LockedCase], now: datetime
    ) -> list[Case]:
        """Open linked cases, numbered on from the cases that their reports already have; return them.

        Args:
            session: the transaction.
            wanted: the cases to open.
            siblings: all cases of the same reports; the caller holds their locks, so that no number is used twice.
            now: the time of the request, when the deadlines of these cases start.
        """
        made = await routing_queries.decisions(session, [one.origin.case.case_id for one in wanted])
        numbers: Counter[UUID] = Counter()
        for sibling in siblings:
            report_id = sibling.case.report_id
            numbers[report_id] = max(numbers[report_id], sibling.row.link_number)
        new = []
        for one in wanted:
            numbers[one.origin.case.report_id] += 1
            new.append(self._linked(one, numbers[one.origin.case.report_id], made, now))
        await self.open(session, new, now)
        return [one.case for one in new]

    async def record(self, session: AsyncSession, transitions: Sequence[Transition], now: datetime) -> None:
        """Store transitions, each of a different case; the cases merged into these follow."""
        if not transitions:
            return
        transitions = [*transitions, *await self._of_merged(session, transitions, now)]
        kept = await deadline_queries.of_cases(session, [one.after.case_id for one in transitions])
        changed: list[tuple[UUID, Deadline]] = []
        gone: list[tuple[UUID, DeadlineKind]] = []
        for one in transitions:
            case_id, running = one.after.case_id, one.clocks
            if running is None:
                before, after = alone(one.locked.case), alone(one.after)
                running = self.deadlines.after(before, after, kept[case_id], now, news=one.news)
            changed += [(case_id, deadline) for deadline in running if deadline not in kept[case_id]]
            gone += [(case_id, kind) for kind in {d.kind for d in kept[case_id]} - {d.kind for d in running}]
            write(one.locked.row, one.after)
            write_outlook(one.locked.row, outlook(running))
            if one.kept_from is not None:
                one.locked.row.kept_from = list(one.kept_from)
        await deadlines.save(session, changed)
        await deadlines.remove(session, gone)
        await changes.carry_clocks(session, [one.after.case_id for one in transitions])
        await _note_responders(session, transitions, now)
        for follow in self.follows:
            transitions = await follow(session, transitions, now, self.ids)
        await chain.append(session, [(one.after.case_id, _change(one)) for one in transitions], now, self.ids)
        await changes.note(session, [one.after.case_id for one in transitions], now)
        events = [NewEvent.of(one.after.case_id, event) for one in transitions for event in _announced(one, now)]
        await self.outbox.append(session, events, now)

    async def forget(self, session: AsyncSession, case_ids: Collection[UUID], now: datetime) -> None:
        """Erase what was derived from the words of cases, and let it be derived again from what is left of them."""
        for forget in self.forgets:
            await forget(session, case_ids)
        await changes.note(session, case_ids, now)

    async def _of_merged(self, session: AsyncSession, these: Sequence[Transition], now: datetime) -> list[Transition]:
        """Return what the cases merged into these take over, and the mark that a main case gets for a reply to one."""
        here = {one.after.case_id for one in these}
        leading: dict[UUID, Transition] = {
            one.after.case_id: one for one in these if domain.leads(one.locked.case, one.after, one.action)
        }
        found = await queries.lock_below(session, leading) if leading else []
        follow = [
            one
            for main, locked in found
            if locked.case.case_id not in here and (one := _follow(leading[main], locked)) is not None
        ]
        here |= {one.after.case_id for one in follow}
        replied = {one.after.case_id: one for one in these if one.reply and one.after.merged_from}
        mains = await queries.lock_mains(session, replied) if replied else []
        return follow + [_marked(one, now) for one in mains if one.case.case_id not in here]

    def _linked(self, wanted: LinkedCase, number: int, made: Mapping[UUID, Decision], now: datetime) -> NewCase:
        origin = wanted.origin
        decision = replace(
            made[origin.case.case_id].of_linked(wanted.also),
            category=wanted.category,
            misdirected=False,
            restricted=origin.case.restricted or wanted.part is None,
            matched=(),
            shadow=(),
        )
        if wanted.part:
            decision = replace(decision, priority=origin.case.priority)
        case = new_case(
            CaseId(self.ids.uuid()),
            domain.of_report(origin.case.reference).linked(number),
            decision,
            report_id=origin.case.report_id,
            submitted_at=origin.case.submitted_at,
            now=now,
        )
        behaviours = wanted.part[0] if wanted.part else tuple(origin.row.behaviours)
        return NewCase(
            case=replace(case, threat_open=origin.case.threat_open and Behaviour.THREAT in behaviours),
            link_number=number,
            decision=decision,
            deadline=self.deadlines.respond(case, now),
            platform=origin.row.platform,
            behaviours=behaviours,
            links=wanted.part[1] if wanted.part else None,
            kept_from=wanted.kept_from,
            by=wanted.by,
        )

    def _events(self, new: NewCase, now: datetime) -> list[NewEvent]:
        case, decision = new.case, new.decision
        told = Announced(
            **event_ids(case, now),
            report_type=case.report_type,
            team=case.team,
            priority=case.priority,
            restricted=case.restricted,
            linked=new.link_number > 1,
        )
        routed = triage.CaseRouted(
            **told,
            rule=decision.rule,
            clause=decision.clause,
            rulebook=decision.rulebook,
            misdirected=decision.misdirected,
            form=decision.facts.form,  # type: ignore[arg-type] # may be a word of an older version
            category=decision.category,
            staffed=self.deadlines.at_work(case.team, now),
        )
        return [NewEvent.of(case.case_id, event) for event in (triage.CaseOpened(**told), routed)]


def new_case(
    case_id: CaseId, reference: str, decision: Decision, *, report_id: ReportId, submitted_at: datetime, now: datetime
) -> Case:
    """Return a new case as the rules decided it."""
    return Case(
        case_id=case_id,
        report_id=report_id,
        reference=reference,
        report_type=ReportType(decision.report_type),
        team=decision.team,
        priority=decision.priority,
        restricted=decision.restricted,
        submitted_at=submitted_at,
        opened_at=now,
        held_by=(decision.team,),
        category=decision.category,
    )


def followed(case: Case, before: Case, after: Case, action: str) -> Case | None:
    """Return what a merged case becomes when the case above it changes; None if it stays as it is."""
    one = case
    if before.team is not after.team:
        held_by, transfers = (*case.held_by, after.team), case.transfers + 1
        one = replace(one, team=after.team, held_by=held_by, transfers=transfers, manager=None)
    if after.finished and one.state in {CaseState.MERGED, CaseState.RESOLVED}:
        outcome = one.outcome or after.outcome
        one = replace(one, state=after.state, outcome=outcome, merged_from=None, lease_until=None, only_claimed=False)
    elif before.finished and not after.finished and one.finished:
        state, was = CaseState.MERGED, CaseState.IN_PROGRESS
        one = replace(unassigned(one), state=state, merged_from=was, outcome=None, review_asked_at=None)
    told = action == domain.WROTE and case.state is not CaseState.CLOSED
    return next_version(one) if one != case or told else None


def copies(events: Iterable[Event], case: Case) -> Iterator[Event]:
    """Yield what is announced of a case as the same about one merged into it; the person on call is told once."""
    own = {
        "case_id": case.case_id,
        "report_id": case.report_id,
        "reference": case.reference,
        "priority": case.priority,
        "linked": is_linked(case.reference),
        "state": case.state,
        "staffed": True,
    }
    for event in events:
        if isinstance(event, _COPIED):
            known = type(event).model_fields
            yield event.model_copy(update={name: value for name, value in own.items() if name in known})


def write(row: CaseRow, case: Case) -> None:
    """Copy to the row every field that a transition may change."""
    row.team = case.team
    row.state = case.state
    row.priority = case.priority
    row.version = case.version
    row.transfers = case.transfers
    row.held_by = list(case.held_by)
    row.assignee = case.assignee
    row.assignee_name = case.assignee_name
    row.lease_until = case.lease_until
    row.last_had_by = case.last_had_by
    row.outcome = case.outcome
    row.category = case.category
    row.manager = case.manager
    row.withdrawn_at = case.withdrawn_at
    row.replied_at = case.replied_at
    row.breach_aware_at = case.breach_aware_at
    row.review_asked_at = case.review_asked_at
    row.takedown = case.takedown
    row.only_claimed = case.only_claimed
    row.threat_open = case.threat_open
    row.merged_into = case.merged_into
    row.merged_from = case.merged_from


async def _note_responders(session: AsyncSession, transitions: Sequence[Transition], now: datetime) -> None:
    """Note who takes cases of a team: its members are offered as assignees, and no service lists them."""
    took = {
        (str(one.after.team), one.by): {"name": one.after.assignee_name, "last_at": now}
        for one in transitions
        if one.after.assignee == one.by and one.locked.case.assignee != one.by
    }
    if not took:
        return
    rows = [{"team": team, "staff_id": staff_id, **took[team, staff_id]} for team, staff_id in sorted(took)]
    statement = insert(Responder.table())
    newest = {"name": statement.excluded["name"], "last_at": statement.excluded["last_at"]}
    await session.execute(statement.on_conflict_do_update(index_elements=["team", "staff_id"], set_=newest), rows)


def write_outlook(row: CaseRow, nearest: Outlook) -> None:
    """Copy the nearest running deadline to the row, for queues and the sweep."""
    row.due_at = nearest.due_at
    row.at_risk_at = nearest.at_risk_at
    row.look_at = nearest.look_at


class EventIds(TypedDict):
    """The ids that every event of a case carries."""

    case_id: UUID
    report_id: UUID
    reference: str
    at: datetime


class Announced(EventIds):
    """The fields that both events of a new case carry."""

    report_type: ReportType
    team: Team
    priority: Priority
    restricted: bool
    linked: bool


def event_ids(case: Case, now: datetime) -> EventIds:
    """Return the ids of an event about `case`."""
    return EventIds(case_id=case.case_id, report_id=case.report_id, reference=case.reference, at=now)


def resolved(case: Case, outcome: Outcome, now: datetime) -> triage.CaseResolved:
    """Return the event for a resolved case."""
    return triage.CaseResolved(
        **event_ids(case, now),
        team=case.team,
        outcome=outcome,
        report_type=case.report_type,
        linked=is_linked(case.reference),
    )


def replied(locked: LockedCase, case: Case, now: datetime) -> triage.CaseReporterReplied:
    """Return the event for what a reporter wrote or sent: for who has or had the case, unless it is kept from them."""
    who = case.assignee or case.last_had_by
    told = None if who and is_kept_from(locked.row.kept_from, who, case.assignee_name) else who
    return triage.CaseReporterReplied(**event_ids(case, now), team=case.team, priority=case.priority, assignee=told)


def handed_over(before: Case, after: Case, now: datetime, policy: DeadlinePolicy) -> triage.CaseTransferred:
    """Return the event for a transferred case, which says whether the new team is at work."""
    return triage.CaseTransferred(
        **event_ids(after, now),
        from_team=before.team,
        to_team=after.team,
        priority=after.priority,
        staffed=policy.at_work(after.team, now),
    )


def _row(new: NewCase) -> dict[str, object]:
    own = {name: getattr(new, name) for name in ("link_number", "platform", "behaviours", "links", "kept_from")}
    return {**vars(new.case), **vars(outlook([new.deadline])), **own, "kept_from_alone": None}


def _follow(leading: Transition, locked: LockedCase) -> Transition | None:
    """Return what a merged case takes over, as if it were alone."""
    after = followed(locked.case, leading.locked.case, leading.after, leading.action)
    if after is None:
        return None
    return replace(
        leading,
        locked=locked,
        after=after,
        says={**leading.says, "followed": "yes"},
        state={},
        kept_from=None,
        clocks=None,
        events=list(copies(leading.events, after)),
    )


def _marked(locked: LockedCase, now: datetime) -> Transition:
    """Return the main case with the mark that there is an unread reply to a case merged into it."""
    after = next_version(locked.case, replied_at=locked.case.replied_at or now)
    events = [] if locked.case.replied_at else [replied(locked, after, now)]
    return Transition(locked, after, "merged_replied", REPORTER, events=events)


def _announced(one: Transition, now: datetime) -> list[Event]:
    """Return the events of a transition, and that the team wrote to the reporter if it did."""
    answered = [triage.CaseAnswered(**event_ids(one.after, now), team=one.after.team)] if one.news else []
    return [*one.events, *answered]


def _opened(new: NewCase, row: Mapping[str, object]) -> tuple[UUID, chain.Change]:
    case = new.case
    after = {
        "version": str(case.version),
        "state": str(case.state),
        "team": str(case.team),
        "priority": str(case.priority),
        "rule": new.decision.rule,
    }
    state = {"case": fingerprint_of(row)} | ({"report": new.report} if new.report else {})
    return case.case_id, chain.Change("opened", new.by, after=after, state=state)


def _change(one: Transition) -> chain.Change:
    was, now = differences(one.locked.case, one.after)
    state = {"case": fingerprint_of(vars(one.locked.row)), **one.state}
    return chain.Change(one.action, one.by, one.reason, was, {**now, **one.says}, one.personal, state)


@dataclass(frozen=True, slots=True)
class Said:
    """What a reporter said, for one case of their report."""

    locked: LockedCase
    text: str
    at: datetime
    kind: str = ""
    message_id: UUID | None = None


async def store_notes(session: AsyncSession, said: Sequence[Said], writer: CaseWriter) -> list[UUID]:
    """Store what reporters said as a note on each case, which they may read, in one statement; return their ids."""
    ids = [writer.ids.uuid() for _ in said]
    notes = [
        {
            "note_id": note_id,
            "case_id": one.locked.case.case_id,
            "at": one.at,
            "author": REPORTER,
            "author_name": "The reporter",
            "shared": True,
            "kind": one.kind,
            "message_id": one.message_id,
            "text": one.text,
        }
        for note_id, one in zip(ids, said, strict=True)
    ]
    if notes:
        await session.execute(insert(Note.table()), notes)
    return ids
