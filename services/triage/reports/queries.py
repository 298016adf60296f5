"""Reads reports: the whole answers for a case page, and how often an account was named before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Text, func, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased, defer

from services.triage.accounts.domain import Handle
from services.triage.reports.domain import HISTORY_DAYS, HISTORY_LIMIT, REPEAT_DAYS
from services.triage.reports.tables import NamedAccount, NamedSubject, Report
from shared.events.parts import Person
from shared.events.people_keys import identity_keys, keys_of_named
from shared.events.vocabulary import Relation


async def earlier_reports(session: AsyncSession, handles: Iterable[Handle], now: datetime) -> Mapping[Handle, int]:
    """Count recent reports that name each of `handles`, up to the limit, in one statement."""
    by_text = {str(handle): handle for handle in sorted(set(handles))}
    since = now - timedelta(days=HISTORY_DAYS)
    counted = await _counted(session, list(by_text), NamedAccount.account, NamedAccount.submitted_at, since)
    return {by_text[text]: count for text, count in counted.items()}


async def repeats(session: AsyncSession, keys: Iterable[str], now: datetime) -> Mapping[str, int]:
    """Count earlier reports of misuse by each person, known by the keys of `subject_keys`, in one statement."""
    since = now - timedelta(days=REPEAT_DAYS)
    return await _counted(session, sorted(set(keys)), NamedSubject.key, NamedSubject.submitted_at, since)


async def known_references(session: AsyncSession, references: Iterable[str]) -> set[str]:
    """Return those of `references` under which a report is known."""
    wanted = sorted(set(references))
    if not wanted:
        return set()
    return set(await session.scalars(select(Report.reference).where(Report.reference.in_(wanted))))


async def _counted(
    session: AsyncSession,
    texts: list[str],
    column: InstrumentedAttribute[str],
    at: InstrumentedAttribute[datetime],
    since: datetime,
) -> dict[str, int]:
    if not texts:
        return {}
    named = func.unnest(literal(texts, ARRAY(Text))).table_valued("text").render_derived()
    recent = (
        select(literal(1).label("one"))
        .where(column == named.c.text, at > since)
        .order_by(at.desc())
        .limit(HISTORY_LIMIT)
        .lateral()
    )
    counted = select(named.c.text, func.count(recent.c.one)).select_from(named).join(recent, true())
    rows = await session.execute(counted.group_by(named.c.text))
    return {text: count for text, count in rows}  # noqa: C416 - a row is no pair to a type checker


async def accounts_of(session: AsyncSession, report_id: UUID) -> list[Handle]:
    """Return the accounts that a report names."""
    texts = await session.scalars(select(NamedAccount.account).where(NamedAccount.report_id == report_id))
    return [Handle(platform, handle) for platform, _, handle in (text.partition(":") for text in texts)]


async def related_reports(session: AsyncSession, report_id: UUID) -> list[UUID]:
    """Return the incident that a report says was not reported, and reports that say so of this one (C-i)."""
    mine, other = aliased(Report), aliased(Report)
    joined = or_(other.reference == mine.related_reference, other.related_reference == mine.reference)
    return list(await session.scalars(select(other.report_id).join(mine, joined).where(mine.report_id == report_id)))


async def keys_kept_from(session: AsyncSession, report_id: UUID) -> tuple[str, ...]:
    """Return keys of everybody who may never open a restricted case about a report: accused and reporter."""
    row = await session.get_one(Report, report_id, options=tuple(map(defer, _WRITTEN)))
    accused = [*row.suspected, *([row.subject] if row.subject else [])]
    keys = {key for person in accused for key in keys_of_named(Person.model_validate({**_SOMEBODY, **person}))}
    keys |= identity_keys(staff_id=row.reporter_staff_id, email=row.reporter_email)
    return tuple(sorted(keys))


_SOMEBODY: Mapping[str, str] = {"relation": Relation.UNKNOWN}
_WRITTEN = (Report.narrative, Report.evidence_note, Report.asset_note, Report.business_case)


@dataclass(frozen=True, slots=True)
class PersonNamed:
    """A person affected or suspected, or the subject, as the report says."""

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
    asset_note: str | None = None
    business_case: str | None = None


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
    manager_alert: str | None
    manager_agreed_at: datetime | None
    withdrawn_at: datetime | None
    affected: tuple[PersonNamed, ...]
    suspected: tuple[PersonNamed, ...]
    form: str
    reference: str
    subject: PersonNamed | None
    misuse: tuple[str, ...]
    union_activity: str | None
    account_kind: str | None
    device: str | None
    own_time: str | None
    dwp_information: str | None
    related_reference: str | None
    channel: str | None
    effects: tuple[str, ...]
    circumstances: tuple[str, ...]
    asset_owner: str | None
    discovered_at: datetime | None
    still_happening: str | None
    personal_data: str | None
    people_affected: int | None
    own_mistake: bool
    taken_over: str | None
    about: str | None
    exception_kind: str | None
    wanted_until: date | None
    content: Content | None


_AS_THEY_ARE = (
    "submitted_at",
    "occurred_at",
    "confidentiality",
    "reporter_kind",
    "safe_contact",
    "platform",
    "platform_name",
    "content_kind",
    "content_state",
    "found_by",
    "manager_alert",
    "manager_agreed_at",
    "withdrawn_at",
    "reference",
    "union_activity",
    "account_kind",
    "device",
    "own_time",
    "dwp_information",
    "related_reference",
    "channel",
    "asset_owner",
    "discovered_at",
    "still_happening",
    "personal_data",
    "people_affected",
    "own_mistake",
    "taken_over",
    "about",
    "exception_kind",
    "wanted_until",
)
_LISTS = ("behaviours", "also_affects", "misuse", "effects", "circumstances")


async def answers(session: AsyncSession, report_id: UUID, *, content: bool) -> Answers:
    """Return a report's answers; what somebody wrote is not even read from the database without `content`."""
    written = () if content else tuple(map(defer, _WRITTEN))
    row = await session.get_one(Report, report_id, options=written)
    told: dict[str, Any] = {name: getattr(row, name) for name in _AS_THEY_ARE}
    told |= {name: tuple(getattr(row, name)) for name in _LISTS}
    return Answers(
        **told,
        form=row.report_type,
        reporter=PersonNamed("self", row.reporter_name, row.reporter_staff_id, None),
        subject=_person(row.subject) if row.subject else None,
        affected=tuple(_person(person) for person in row.affected),
        suspected=tuple(_person(person) for person in row.suspected),
        content=_content(row) if content else None,
    )


def _content(row: Report) -> Content:
    return Content(
        row.narrative,
        row.evidence_note,
        tuple(row.urls),
        tuple(row.handles) + ((row.account_handle,) if row.account_handle else ()),
        row.asset_note,
        row.business_case,
    )


def _person(person: Mapping[str, str]) -> PersonNamed:
    return PersonNamed(
        person.get("relation", "colleague"), person.get("name"), person.get("staff_id"), person.get("handle")
    )
