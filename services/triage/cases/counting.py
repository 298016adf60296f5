"""Cases as operations counts them, and which of them somebody's figures leave out."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, any_, literal, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.domain import FINISHED
from services.triage.cases.tables import CaseRow
from shared.events.vocabulary import CaseState


@dataclass(frozen=True, slots=True)
class CountableCase:
    """A case as it is now."""

    case_id: UUID
    report_id: UUID
    first: bool
    """Whether it is the report's first case and not a linked one."""
    team: str
    platform: str | None
    behaviours: tuple[str, ...]
    submitted_at: datetime
    opened_at: datetime
    finished: bool


async def of_cases(session: AsyncSession, case_ids: Collection[UUID]) -> list[CountableCase]:
    """Return those of the cases that there are, in one statement."""
    row = CaseRow
    columns = (row.case_id, row.report_id, row.link_number, row.team, row.platform, row.behaviours)
    moments = (row.submitted_at, row.opened_at, row.state)
    wanted = row.case_id == any_(literal(sorted(case_ids), ARRAY(Uuid)))
    rows = await session.execute(select(*columns, *moments).where(wanted))
    return [
        CountableCase(
            case_id=found.case_id,
            report_id=found.report_id,
            first=found.link_number == 1,
            team=found.team,
            platform=found.platform,
            behaviours=tuple(found.behaviours),
            submitted_at=found.submitted_at,
            opened_at=found.opened_at,
            finished=CaseState(found.state) in FINISHED,
        )
        for found in rows
    ]


class KeptCase(NamedTuple):
    """A case that somebody's figures leave out."""

    case_id: UUID
    report_id: UUID
    first: bool


async def cases_kept_from(session: AsyncSession, keys: Collection[str]) -> list[KeptCase]:
    """Return the cases that are kept from somebody with any of `keys`, and the exempt ones: they are nobody's (C-j).

    When a case is found exempt, whom it was about is erased; were it counted from then on, it would be for them too.
    """
    some = text("kept_from <> '{}'")  # the same words as in the partial indexes, or they would not be used
    exempt = text("outcome = 'exempt'")
    kept = CaseRow.kept_from.overlap(literal(sorted(keys), ARRAY(Text)))
    columns = select(CaseRow.case_id, CaseRow.report_id, CaseRow.link_number)
    rows = await session.execute(union_all(columns.where(kept, some), columns.where(exempt)))
    return sorted({KeptCase(case_id, report_id, number == 1) for case_id, report_id, number in rows})
