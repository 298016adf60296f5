"""Reads reports: the whole answers for a case page, and how often an account was named before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ARRAY, Text, func, literal, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from services.triage.accounts.domain import Handle
from services.triage.reports.domain import HISTORY_DAYS, HISTORY_LIMIT
from services.triage.reports.tables import NamedAccount, Report


async def earlier_reports(session: AsyncSession, handles: Iterable[Handle], now: datetime) -> Mapping[Handle, int]:
    """Count recent reports that name each of `handles`, up to the limit, in one statement."""
    by_text = {str(handle): handle for handle in sorted(set(handles))}
    if not by_text:
        return {}
    named = func.unnest(literal(list(by_text), ARRAY(Text))).table_valued("handle").render_derived()
    recent = (
        select(literal(1).label("one"))
        .where(
            NamedAccount.account == named.c.handle,
            NamedAccount.submitted_at > now - timedelta(days=HISTORY_DAYS),
        )
        .order_by(NamedAccount.submitted_at.desc())
        .limit(HISTORY_LIMIT)
        .lateral()
    )
    counted = select(named.c.handle, func.count(recent.c.one)).select_from(named).join(recent, true())
    rows = await session.execute(counted.group_by(named.c.handle))
    return {by_text[text]: count for text, count in rows}


@dataclass(frozen=True, slots=True)
class PersonNamed:
    """A person affected or suspected, as the report says."""

    relation: str
    name: str | None
    staff_id: str | None
    handle: str | None


@dataclass(frozen=True, slots=True)
class Content:
    """What somebody wrote; only there where it was asked for."""

    narrative: str
    evidence_note: str | None
    urls: tuple[str, ...]
    handles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """A report's answers as a case page shows them."""

    submitted_at: datetime
    occurred_at: datetime | None
    confidentiality: str
    reporter: PersonNamed
    reporter_kind: str | None
    safe_contact: str | None
    platform: str
    platform_name: str | None
    content_kind: str | None
    content_state: str | None
    behaviours: tuple[str, ...]
    also_affects: tuple[str, ...]
    found_by: str
    manager_alert: str
    affected: tuple[PersonNamed, ...]
    suspected: tuple[PersonNamed, ...]
    content: Content | None


async def answers(session: AsyncSession, report_id: UUID, *, content: bool) -> Answers:
    """Return a report's answers; what somebody wrote is not even read from the database without `content`."""
    written = () if content else (defer(Report.narrative), defer(Report.evidence_note))
    row = await session.get_one(Report, report_id, options=written)
    return Answers(
        submitted_at=row.submitted_at,
        occurred_at=row.occurred_at,
        confidentiality=row.confidentiality,
        reporter=PersonNamed("self", row.reporter_name, row.reporter_staff_id, None),
        reporter_kind=row.reporter_kind,
        safe_contact=row.safe_contact,
        platform=row.platform,
        platform_name=row.platform_name,
        content_kind=row.content_kind,
        content_state=row.content_state,
        behaviours=tuple(row.behaviours),
        also_affects=tuple(row.also_affects),
        found_by=row.found_by,
        manager_alert=row.manager_alert,
        affected=tuple(_person(person) for person in row.affected),
        suspected=tuple(_person(person) for person in row.suspected),
        content=_content(row) if content else None,
    )


def _content(row: Report) -> Content:
    return Content(row.narrative, row.evidence_note, tuple(row.urls), tuple(row.handles))


def _person(person: Mapping[str, str]) -> PersonNamed:
    return PersonNamed(person["relation"], person.get("name"), person.get("staff_id"), person.get("handle"))
