"""Requests of reporters to look at outcomes again, batch by batch, and the decision of another responder."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.domain import Case
from services.triage.cases.handlers import Command, Work, execute
from services.triage.cases.queries import REPORTER, LockedCase, NoteKind, lock_reports
from services.triage.cases.writer import CaseWriter, Said, Transition, event_ids, store_notes
from services.triage.outcome_reviews import domain, queries
from services.triage.outcome_reviews.domain import Review
from services.triage.outcome_reviews.tables import OutcomeReview
from services.triage.reporters.handlers import heard
from shared.events.envelope import Envelope, Event
from shared.events.intake import OutcomeReviewRequested
from shared.events.triage import CaseReopened, CaseReviewed, CaseReviewRequested
from shared.events.vocabulary import Outcome, ReviewResult
from shared.observability.metrics import OUTCOME_REVIEWS

ASKED = "asked"
"""What the metric calls a request; a decision has its result."""


async def ask(
    session: AsyncSession, envelopes: Sequence[Envelope[OutcomeReviewRequested]], now: datetime, *, writer: CaseWriter
) -> None:
    """Ask for every finished case of a report to be looked at again, each outcome once.

    Where none is left to look at, as when the team has reopened the case meanwhile, the team reads the reason all the
    same. Nothing can be added to an exempt case.
    """
    asked = {envelope.data.report_id: envelope.data for envelope in envelopes}
    locked = [one for one in await lock_reports(session, list(asked)) if one.case.outcome is not Outcome.EXEMPT]
    found = [(one, await _resolution(session, one.case)) for one in locked]
    reviewed = {one.case.report_id for one, resolution in found if resolution}
    told = [(one, resolution) for one, resolution in found if resolution or one.case.report_id not in reviewed]
    said = [(one, asked[one.case.report_id]) for one, _ in told]
    notes = await store_notes(session, [Said(one, data.reason, data.at, NoteKind.REVIEW) for one, data in said], writer)
    reviews = [
        _review(one.case, resolution, asked[one.case.report_id].at, note_id, writer)
        for (one, resolution), note_id in zip(told, notes, strict=True)
        if resolution
    ]
    if reviews:
        await session.execute(insert(OutcomeReview.table()), list(map(asdict, reviews)))
    kept = await queries.of_cases(session, [review.case_id for review in reviews])
    transitions = [_told(one, kept.get(one.case.case_id), asked[one.case.report_id], now) for one, _ in told]
    await writer.record(session, transitions, now)
    OUTCOME_REVIEWS.labels(ASKED).inc(len(reviews))


async def decide(work: Work, case_id: UUID, read: int, result: ReviewResult, reason: str) -> Case:
    """Let the outcome of a case stand, or reopen the case.

    Raises:
        NothingToReview: no request waits.
        ResolvedByThem: the viewer resolved the case.
        CaseNotFound, CaseChanged: as for every change of a case.
    """
    reviews = await queries.of_case(work.session, case_id)
    review = reviews[-1] if reviews else None
    done = domain.with_result(review, result, work.viewer.subject, work.now) if review else None

    def events(before: Case, after: Case) -> list[Event]:
        ids = event_ids(after, work.now)
        kind = after.report_type
        told: list[Event] = [
            CaseReviewed(**ids, team=after.team, outcome=_outcome(before), result=result, report_type=kind)
        ]
        return told + ([CaseReopened(**ids, team=after.team, state=after.state)] if not after.finished else [])

    command = Command(
        f"review_{result}",
        lambda case, actor: domain.decided(case, actor, review, result, work.now),
        events,
        reason=reason,
        says=queries.facts_of([*reviews[:-1], *([done] if done else [])]),
        news=result is ReviewResult.CHANGED,
    )
    case = await execute(work, case_id, read, command)
    if done:
        await _store_result(work.session, done)
    OUTCOME_REVIEWS.labels(result).inc()
    return case


async def _store_result(session: AsyncSession, done: Review) -> None:
    which = (OutcomeReview.case_id == done.case_id, OutcomeReview.resolution == done.resolution)
    changed = {"decided_at": done.decided_at, "decided_by": done.decided_by, "result": done.result}
    await session.execute(update(OutcomeReview).where(*which).values(changed))


async def _resolution(session: AsyncSession, case: Case) -> tuple[int, str | None] | None:
    """Return where the record says that a case was resolved, and by whom; None if there is nothing to look at again."""
    if not case.finished or case.outcome is None:
        return None
    position, by = await queries.resolution(session, case.case_id)
    known = await queries.of_case(session, case.case_id)
    return None if any(one.resolution == position for one in known) else (position, by)


def _review(case: Case, found: tuple[int, str | None], at: datetime, note_id: UUID, writer: CaseWriter) -> Review:
    resolution, resolved_by = found
    due_at = writer.deadlines.review(case.team, at).due_at
    return Review(case.case_id, resolution, _outcome(case), at, due_at, note_id, resolved_by)


def _told(
    locked: LockedCase, kept: Sequence[Review] | None, asked: OutcomeReviewRequested, now: datetime
) -> Transition:
    """Return what a request does to a case with the reviews `kept`; None: there is nothing to look at again in it."""
    if not kept:
        return heard(locked, "information_added", asked.at, now, note=asked.reason)
    review, after = kept[-1], domain.asked(locked.case, asked.at)
    event = CaseReviewRequested(**event_ids(after, now), team=after.team, outcome=review.outcome, due_at=review.due_at)
    says, personal = queries.facts_of(kept), {"note": asked.reason}
    return Transition(locked, after, "review_asked", REPORTER, says=says, personal=personal, events=[event])


def _outcome(case: Case) -> Outcome:
    """Return the outcome of a finished case; the table lets no case be finished without one."""
    if case.outcome is None:
        raise domain.NothingToReview
    return case.outcome
