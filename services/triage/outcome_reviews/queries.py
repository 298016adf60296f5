"""Reads requests to look at outcomes again."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import ARRAY, Uuid, any_, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.outcome_reviews.domain import Review
from services.triage.outcome_reviews.tables import OutcomeReview
from shared.audit import chain
from shared.audit.chain import Activity
from shared.events.vocabulary import CaseState

_REVIEW = TypeAdapter(Review)


async def of_case(session: AsyncSession, case_id: UUID) -> list[Review]:
    """Return the reviews of a case, oldest first."""
    return (await of_cases(session, [case_id]))[case_id]


async def of_cases(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, list[Review]]:
    """Return the reviews of each case, oldest first, in one statement."""
    table = OutcomeReview.table()
    wanted = select(table).where(table.c.case_id == any_(literal(list(case_ids), ARRAY(Uuid))))
    found: dict[UUID, list[Review]] = {case_id: [] for case_id in case_ids}
    for row in (await session.execute(wanted.order_by(table.c.case_id, table.c.resolution))).mappings():
        found[row["case_id"]].append(_REVIEW.validate_python(dict(row)))
    return found


async def resolution(session: AsyncSession, case_id: UUID) -> tuple[int, str | None]:
    """Return where the record of a finished case says that it was resolved last, and by whom; 0 if it does not say."""
    ended = _resolutions(await chain.read(session, case_id))
    return (ended[-1].position, _by(ended[-1])) if ended else (0, None)


def resolved_by(done: Iterable[Activity]) -> set[str]:
    """Return who ever resolved a case, as its record says."""
    return {_by(one) for one in _resolutions(done)}


def _resolutions(done: Iterable[Activity]) -> list[Activity]:
    return [one for one in done if one.after.get("state") == CaseState.RESOLVED]


def _by(resolution: Activity) -> str:
    return resolution.personal.get("manager") or resolution.actor


def facts_of(reviews: Iterable[Review]) -> dict[str, str]:
    """Return what the activity record of a case says of its reviews: a fingerprint, with nothing to erase in it."""
    values = {f"{one.resolution} {name}": value for one in reviews for name, value in asdict(one).items()}
    return {"reviews": chain.fingerprint(values) if values else ""}


async def facts(session: AsyncSession, case_ids: Collection[UUID]) -> Mapping[UUID, Mapping[str, str]]:
    """Return what the activity record of each case says of its reviews, for `verify`."""
    return {case_id: facts_of(reviews) for case_id, reviews in (await of_cases(session, case_ids)).items()}
