"""What people do to step back from a case, and what their leads do about it; and second reviews of outcomes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, func, insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import domain as cases_domain
from services.triage.cases import queries as cases
from services.triage.cases.access import Viewer, conflict_key
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Command, Work, execute, keep_apart, with_merged
from services.triage.cases.queries import LockedCase
from services.triage.cases.writer import SYSTEM, CaseWriter, Transition, handed_over
from services.triage.exposure import handlers as exposure
from services.triage.exposure.domain import KEPT
from services.triage.outcome_reviews.queries import resolution
from services.triage.tasks import handlers as tasks
from services.triage.tasks.queries import Kept
from services.triage.wellbeing import domain, queries
from services.triage.wellbeing.domain import SecondReview, Why
from services.triage.wellbeing.tables import HandOver, SecondReviewRow
from shared.events.envelope import Envelope, Event, NewEvent
from shared.events.triage import CaseResolved, LeadsAsked
from shared.events.vocabulary import Outcome, Team, TeamAsked
from shared.ids import folded_id
from shared.messaging.auditor import Step

STEPS = (
    Step("hand_over_forgotten", HandOver.at + KEPT, grace=timedelta(hours=3), never_later=HandOver.at),
    *exposure.FORGOTTEN,
)
"""What protects people and is kept too long, for the auditor."""


async def declare_conflict(work: Work, case_id: UUID) -> None:
    """Keep every case of the report from the person who declares a conflict of interest, until a lead decides.

    Their tasks are then for the next person who has the case. They need not say why.
    An exempt case is kept from everyone else anyway, and says nothing of anyone (C-j).
    A case that Signpost then knows no one of the team to see goes to the triage desk.

    Raises:
        CaseNotFound: there is no such case, or they may not see it.
    """
    case = await cases.get(work.session, work.viewer, case_id)
    key = conflict_key(work.viewer.subject)
    siblings = await cases.lock_reports(work.session, [case.report_id])
    theirs = [one for one in siblings if one.case.outcome is not Outcome.EXEMPT and key not in one.row.own_keys]
    handed_on = await tasks.handed_on(work, [one.case.case_id for one in theirs])
    declared = [await _declared(work, one, key, handed_on.get(one.case.case_id)) for one in theirs]
    await work.writer.record(work.session, declared, work.now)
    for kept in handed_on.values():
        await tasks.store(work.session, kept)
    for main_id in {one.case.merged_into for one in theirs}:
        await keep_apart(work, main_id)


async def end_conflict(work: Work, case_id: UUID, staff_id: str) -> Case:
    """Let a person see a case again in which they declared a conflict of interest.

    Raises:
        CaseNotFound: there is no such case, or the lead may not see it.
        NotForThisCase: they do not lead the team that has it.
        NoConflictDeclared: that person is not kept from it for this.
    """
    locked = await cases.lock(work.session, work.viewer, case_id)
    domain.require_lead(work.viewer.actor(locked.case))
    key = conflict_key(staff_id)
    own = locked.row.own_keys
    if key not in own:
        raise domain.NoConflictDeclared
    left = await with_merged(work.session, locked.row, [one for one in own if one != key])
    ended = Transition(
        locked,
        locked.case,
        "conflict_ended",
        work.viewer.subject,
        personal={"person": staff_id},
        kept_from=left,
    )
    await work.writer.record(work.session, [ended], work.now)
    await keep_apart(work, locked.case.merged_into)
    return locked.case


async def hand_over(work: Work, case_id: UUID) -> Case:
    """Give a case back to the queue, no questions asked; their tasks are then for the next person who has it.

    Its record says that it was released, as it would of any case. Only leads of its team learn that it was handed over.
    What others changed meanwhile does not stand in the way, so no version is asked for.

    Raises:
        CaseNotFound: there is no such case, or the viewer may not see it.
        NotYourClaim, StateForbids: as for `domain.handed_over`.
    """
    locked = await cases.lock(work.session, work.viewer, case_id)
    kept = (await tasks.handed_on(work, [case_id])).get(case_id)
    released = Command("released", domain.handed_over, state=kept.state if kept else {})
    case = await execute(work, case_id, locked.case.version, released)
    if kept:
        await tasks.store(work.session, kept)
    hand_over_id = work.writer.ids.uuid()
    work.session.add(
        HandOver(
            hand_over_id=hand_over_id,
            case_id=case_id,
            team=case.team,
            subject=work.viewer.subject,
            at=work.now,
        )
    )
    if not locked.row.kept_from:
        await _ask_leads(work.session, work.writer, {hand_over_id: case.team}, TeamAsked.HAND_OVER, work.now)
    return case


async def ask_for_more(work: Work, team: Team) -> None:
    """Ask the leads of a team, once a day, to let a person see more content today.

    Who leads it may be the only one who does, which Signpost cannot know: the lead of the triage desk is asked too.
    """
    teams = {team, Team.TRIAGE_DESK} if team in work.viewer.leads else {team}
    asked = await exposure.ask_for_more(work.session, work.viewer.subject, teams, work.now)
    told = {work.writer.ids.uuid(): one for one in asked}
    if told:
        await _ask_leads(work.session, work.writer, told, TeamAsked.MORE_CONTENT, work.now)


async def _ask_leads(
    session: AsyncSession, writer: CaseWriter, teams: Mapping[UUID, Team], kind: TeamAsked, now: datetime
) -> None:
    """Let the leads of teams be told of something new. A case that is kept from someone may be kept from a lead."""
    events = [NewEvent.of(subject, LeadsAsked(team=team, kind=kind, at=now)) for subject, team in teams.items()]
    await writer.outbox.begin(session, events, now)


async def note_hand_over(session: AsyncSession, viewer: Viewer, hand_over_id: UUID, now: datetime) -> None:
    """Note that a lead knows of a hand-over, so that it waits no longer.

    Raises:
        NothingHandedOver: it is not theirs to note, or was noted.
    """
    row = HandOver
    theirs = (row.team.in_(sorted(viewer.leads)), func.lower(row.subject) != folded_id(viewer.subject))
    noted = update(row).where(row.hand_over_id == hand_over_id, row.seen_at.is_(None), *theirs)
    done = await session.execute(noted.values(seen_at=now, seen_by=viewer.subject).returning(row.hand_over_id))
    if not done.all():
        raise domain.NothingHandedOver


async def forget(session: AsyncSession, now: datetime) -> int:
    """Delete what protected people and is older than it may be; return how many rows."""
    old = delete(HandOver).where(HandOver.at < now - KEPT).returning(HandOver.hand_over_id)
    return len((await session.execute(old)).all()) + await exposure.forget(session, now)


async def _declared(work: Work, locked: LockedCase, key: str, kept: Kept | None) -> Transition:
    after = domain.without(locked.case, work.viewer.actor(locked.case))
    events: list[Event] = []
    if await leaves_no_one(work, locked.case):
        after = cases_domain.moved(after, Team.TRIAGE_DESK)
        events = [handed_over(locked.case, after, work.now, work.writer.deadlines)]
    kept_from = await with_merged(work.session, locked.row, [*locked.row.own_keys, key])
    by, state = work.viewer.subject, kept.state if kept else {}
    return Transition(locked, after, "conflict_declared", by, state=state, kept_from=kept_from, events=events)


async def leaves_no_one(work: Work, case: Case) -> bool:
    """Return whether Signpost knows no one else of the team who sees a case, if this lead steps back from it.

    Leads see a restricted case, and whom they name (decision 0018). Only the identity provider knows who else leads.
    """
    if not domain.seen_by_leads(case) or case.team not in work.viewer.leads:
        return False
    named = (await cases.people_named(work.session, [case.case_id]))[case.case_id]
    out = {*await cases.conflicts_in(work.session, case.case_id), conflict_key(work.viewer.subject)}
    return all(conflict_key(one) in out for one in named)


async def choose(
    session: AsyncSession,
    envelopes: Sequence[Envelope[CaseResolved]],
    now: datetime,
    *,
    shares: Mapping[str, int],
    writer: CaseWriter,
) -> None:
    """Choose which outcomes a second person decides too, among cases that were resolved.

    A review that waits when its case is resolved again is then of the new outcome. It ends only if that is another one,
    which is not chosen itself; while the case is open, it waits.
    """
    draws = {one.data.case_id: domain.drawn(one.id) for one in envelopes}
    waits = await queries.waiting_on(session, list(draws))
    drawn = {one.data.case_id for one in envelopes if draws[one.data.case_id] < shares.get(one.data.team, 0)}
    unfounded = {one.data.case_id for one in envelopes if one.data.outcome is Outcome.NO_VIOLATION}
    locked = await cases.lock_cases(session, waits.keys() | drawn | unfounded)
    whys = await _whys(session, [one.case for one in locked.values()], draws, shares, waits)
    new = [await _review(session, locked[case_id].case, why, now, writer) for case_id, why in whys.items()]
    known = await queries.of_cases(session, list(locked))
    fresh = [one for one in new if one.resolution not in {kept.resolution for kept in known[one.case_id]}]
    other = {case_id for case_id in waits if locked[case_id].case.finished and case_id not in whys}
    gone = other | (waits.keys() & {one.case_id for one in fresh})
    await _replace(session, gone, fresh)
    chosen = {one.case_id for one in fresh}
    changed = await queries.of_cases(session, [case_id for case_id in locked if case_id in chosen | gone])
    told = [_told(locked[case_id], kept, chosen=case_id in chosen) for case_id, kept in changed.items()]
    await writer.record(session, told, now)
    asked = {one.review_id: one.team for one in fresh if not locked[one.case_id].row.kept_from}
    await _ask_leads(session, writer, asked, TeamAsked.SECOND_REVIEW, now)


async def _whys(
    session: AsyncSession,
    found: Sequence[Case],
    draws: Mapping[UUID, float],
    shares: Mapping[str, int],
    waits: Mapping[UUID, SecondReview],
) -> dict[UUID, Why]:
    """Return why a second person decides about each of these cases, for those where one does."""
    unfounded = [one.case_id for one in found if one.outcome is Outcome.NO_VIOLATION]
    were_p1 = await queries.were_p1(session, unfounded)
    whys: dict[UUID, Why] = {}
    for case in found:
        case_id, kept = case.case_id, waits.get(case.case_id)
        why = domain.chosen(case, draws[case_id], shares, was_p1=case_id in were_p1)
        if why is None and kept and domain.stands(kept, case):
            why = kept.why
        if why:
            whys[case_id] = why
    return whys


async def decide(work: Work, review_id: UUID, outcome: Outcome, reason: str) -> SecondReview:
    """Record what a second person thinks of a case; the case itself does not change.

    Raises:
        NoSuchReview: there is no such review, or the viewer may not see its case.
        ReviewDecided, ResolvedByThem, OutcomeDoesNotFit: as for `domain.decided`.
    """
    found = await queries.get(work.session, work.viewer, review_id)
    locked = await cases.lock(work.session, work.viewer, found.case_id)
    kept = (await queries.of_cases(work.session, [found.case_id]))[found.case_id]
    review = next((one for one in kept if one.review_id == review_id), None)
    if review is None:
        raise domain.ReviewDecided
    done = domain.decided(review, locked.case, work.viewer.subject, outcome, work.now)
    values = {"decided_at": done.decided_at, "decided_by": done.decided_by, "second_outcome": done.second_outcome}
    await work.session.execute(update(SecondReviewRow).where(SecondReviewRow.review_id == review_id).values(values))
    says = queries.facts_of([done if one.review_id == review_id else one for one in kept])
    action = "second_review_agrees" if done.agrees else "second_review_differs"
    told = Transition(locked, locked.case, action, work.viewer.subject, reason=reason, says=says)
    await work.writer.record(work.session, [told], work.now)
    return done


async def _review(session: AsyncSession, case: Case, why: Why, now: datetime, writer: CaseWriter) -> SecondReview:
    if case.outcome is None:
        raise domain.ReviewDecided
    position, by = await resolution(session, case.case_id)
    return SecondReview(
        review_id=writer.ids.uuid(),
        case_id=case.case_id,
        resolution=position,
        team=case.team,
        outcome=case.outcome,
        why=why,
        chosen_at=now,
        resolved_by=by,
    )


async def _replace(session: AsyncSession, gone: set[UUID], fresh: Sequence[SecondReview]) -> None:
    row = SecondReviewRow
    if gone:
        await session.execute(delete(row).where(row.case_id.in_(gone), row.decided_at.is_(None)))
    if fresh:
        await session.execute(insert(row.table()), list(map(asdict, fresh)))


def _told(locked: LockedCase, kept: Sequence[SecondReview], *, chosen: bool) -> Transition:
    action = "second_review_chosen" if chosen else "second_review_ended"
    return Transition(locked, locked.case, action, SYSTEM, says=queries.facts_of(kept))
