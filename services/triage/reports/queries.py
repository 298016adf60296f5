"""Reads one report as submitted, and how often an account or a person was named before."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    RowMapping,
    ScalarSelect,
    Select,
    Subquery,
    Text,
    Uuid,
    and_,
    any_,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from services.triage.accounts.domain import Handle
from services.triage.reports.domain import HISTORY_DAYS, HISTORY_LIMIT, REPEAT_DAYS, Evidence, TriageReport, kept_from
from services.triage.reports.tables import SAID_LATER, EvidenceItem, NamedAccount, NamedSubject, Report
from shared.audit.chain import fingerprint
from shared.events.intake import Person, Subject
from shared.events.vocabulary import AddedBy

_PROVED = tuple(column.name for column in Report.table().c if column.info != SAID_LATER)


async def earlier_reports(session: AsyncSession, handles: Iterable[Handle], now: datetime) -> Mapping[Handle, int]:
    """Count recent reports that name each of `handles`, up to the limit, in one statement."""
    by_text = {str(handle): handle for handle in sorted(set(handles))}
    since = now - timedelta(days=HISTORY_DAYS)
    counted = await _counted(session, list(by_text), NamedAccount.account, NamedAccount.submitted_at, since)
    return {by_text[text]: count for text, count in counted.items()}


async def repeats(session: AsyncSession, keys: Iterable[str], now: datetime) -> Mapping[str, int]:
    """Count earlier reports of misuse by each person, identified by `subject_keys`, in one statement."""
    since = now - timedelta(days=REPEAT_DAYS)
    return await _counted(session, sorted(set(keys)), NamedSubject.key, NamedSubject.submitted_at, since)


async def known_references(session: AsyncSession, references: Iterable[str]) -> set[str]:
    """Return those of `references` that belong to a known report."""
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


async def accounts_of_all(session: AsyncSession, report_ids: Collection[UUID]) -> dict[UUID, list[Handle]]:
    """Return the accounts that each report names, in one statement; nothing for those that name none."""
    named = select(NamedAccount.report_id, NamedAccount.account).where(_among(NamedAccount.report_id, report_ids))
    found: dict[UUID, list[Handle]] = {}
    for report_id, account in await session.execute(named):
        platform, _, handle = account.partition(":")
        found.setdefault(report_id, []).append(Handle(platform, handle))
    return found


def reporters() -> Subquery:
    """Return who submitted each report, by a key, to be joined by other capabilities; null if they did not say."""
    by = func.coalesce(func.lower(Report.reporter_staff_id), func.lower(Report.reporter_email))
    return select(Report.report_id, by.label("reporter")).subquery("reporters")


async def links_of(session: AsyncSession, report_id: UUID) -> list[str]:
    """Return the links that a report names, in its order."""
    return list(await session.scalar(select(Report.urls).where(Report.report_id == report_id)) or [])


async def related_reports(session: AsyncSession, report_id: UUID) -> list[UUID]:
    """Return the incident that this report says was not reported, and reports that say so about this one (C-i)."""
    mine, other = aliased(Report), aliased(Report)
    joined = or_(other.reference == mine.related_reference, other.related_reference == mine.reference)
    return list(await session.scalars(select(other.report_id).join(mine, joined).where(mine.report_id == report_id)))


async def keys_kept_from(session: AsyncSession, report_id: UUID) -> tuple[str, ...]:
    """Return keys of everyone who may never open a restricted case about a report: the accused and the reporter."""
    return tuple(kept_from(await read(session, report_id, content=False), restricted=True))


def fingerprint_of(row: Mapping[str, object]) -> str:
    """Return the fingerprint of a stored report, which the audit trail of its first case holds."""
    return fingerprint({name: row[name] for name in _PROVED})


async def fingerprints(session: AsyncSession, report_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the fingerprints of these reports as they are stored now."""
    table = Report.table()
    rows = await session.execute(select(table).where(table.c.report_id.in_(report_ids)))
    return {row["report_id"]: fingerprint_of(dict(row)) for row in rows.mappings()}


async def evidence(session: AsyncSession, ids: Collection[UUID]) -> list[Evidence]:
    """Return these pieces of evidence."""
    return await _evidence(session, EvidenceItem.evidence_id.in_(ids))


async def evidence_of(session: AsyncSession, report_id: UUID) -> list[Evidence]:
    """Return the evidence of a report, in the order in which it was added."""
    return await _evidence(session, EvidenceItem.report_id == report_id)


def evidence_count(report_id: InstrumentedAttribute[UUID], case_ids: Select[UUID]) -> ScalarSelect[int]:
    """Return how many pieces a report has that were not taken back, as a column of a statement that has `report_id`.

    What a responder added counts if it was added to one of the cases `case_ids`.
    """
    item = EvidenceItem
    seen = or_(item.added_by != AddedBy.TEAM, item.case_id.in_(case_ids))
    counted = select(func.count()).select_from(item).where(item.report_id == report_id, item.removed_at.is_(None), seen)
    return counted.correlate_except(item).scalar_subquery()


async def evidence_of_all(session: AsyncSession, report_ids: Collection[UUID]) -> list[Evidence]:
    """Return the evidence of reports that was not taken back, in one statement."""
    item = EvidenceItem
    return await _evidence(session, and_(_among(item.report_id, report_ids), item.removed_at.is_(None)))


async def evidence_after(session: AsyncSession, after: UUID | None, limit: int) -> list[Evidence]:
    """Return evidence of all reports that was not taken back, in the order of ids, from the one after `after`."""
    table = EvidenceItem.table()
    wanted = select(table).where(table.c.removed_at.is_(None)).order_by(table.c.evidence_id).limit(limit)
    rows = await session.execute(wanted.where(table.c.evidence_id > after) if after else wanted)
    return [Evidence(**row) for row in rows.mappings()]


async def evidence_fingerprints(session: AsyncSession, case_ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the fingerprint of the evidence that the activity record of each case proves; "" where there is none."""
    kept: dict[UUID, dict[str, object]] = {case_id: {} for case_id in case_ids}
    for item in await _evidence(session, EvidenceItem.case_id.in_(case_ids)):
        kept[item.case_id][str(item.evidence_id)] = fingerprint(asdict(item) | {"link": str(item.link)})
    return {case_id: fingerprint(items) if items else "" for case_id, items in kept.items()}


async def _evidence(session: AsyncSession, which: ColumnElement[bool]) -> list[Evidence]:
    table = EvidenceItem.table()
    rows = await session.execute(select(table).where(which).order_by(table.c.added_at, table.c.evidence_id))
    return [Evidence(**row) for row in rows.mappings()]


async def read(session: AsyncSession, report_id: UUID, *, content: bool) -> TriageReport:
    """Return a report; without `content`, what a person wrote is not even read from the database."""
    return (await read_all(session, [report_id], content=content))[report_id]


async def read_all(session: AsyncSession, report_ids: Collection[UUID], *, content: bool) -> dict[UUID, TriageReport]:
    """Return reports, as `read` does, in one statement."""
    table = Report.table()
    wanted = [column for column in table.c if content or column.name not in _CONTENT]
    rows = await session.execute(select(*wanted).where(_among(table.c.report_id, report_ids)))
    return {row["report_id"]: _report(row) for row in rows.mappings()}


def _report(found: RowMapping) -> TriageReport:
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}
    by_name = {name: value for name, value in values.items() if value is not None and name != "report_type"}
    people = {
        "affected": tuple(map(Person.model_validate, found["affected"])),
        "suspected": tuple(map(Person.model_validate, found["suspected"])),
        "subject": Subject.model_validate(found["subject"]) if found["subject"] else None,
    }
    return TriageReport(**{**by_name, **people, "form": found["report_type"]})


def _among(column: ColumnElement[UUID] | InstrumentedAttribute[UUID], ids: Collection[UUID]) -> ColumnElement[bool]:
    return column == any_(literal(list(ids), ARRAY(Uuid)))


_CONTENT = frozenset(
    column.key
    for column in (
        Report.narrative,
        Report.evidence_note,
        Report.asset_note,
        Report.business_case,
        Report.urls,
        Report.handles,
        Report.account_handle,
    )
)
