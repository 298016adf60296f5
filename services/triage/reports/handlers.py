"""Stores reports as they arrive, a batch at a time, and records what their reporters say later."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from sqlalchemy import ARRAY, String, Uuid, any_, bindparam, delete, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.accounts.domain import Handle
from services.triage.reports.domain import Evidence, TriageReport, subject_keys
from services.triage.reports.queries import evidence, fingerprint_of
from services.triage.reports.tables import EvidenceItem, NamedAccount, NamedSubject, Report
from shared.db.bulk import copy_in
from shared.events.intake import Person, Subject
from shared.events.vocabulary import ManagerAlert

_OTHERWISE = frozenset({"report_type", "affected", "suspected", "subject"})
"""Columns whose name or shape differs from the report's."""
_BY_NAME = tuple(column.name for column in Report.table().c if column.name not in _OTHERWISE)
_NULL_IF_EMPTY = frozenset(
    column.name for column in Report.table().c if column.nullable and isinstance(column.type, String)
)


async def store_reports(
    session: AsyncSession, reports: Sequence[tuple[TriageReport, Sequence[Handle]]]
) -> dict[UUID, str]:
    """Store those of `reports` that are new, with the people and accounts that they name; return their fingerprints.

    If two processes store the same report at once, the second one's batch fails and is retried.
    """
    ids = literal([report.report_id for report, _ in reports], ARRAY(Uuid))
    known = set(await session.scalars(select(Report.report_id).where(Report.report_id == any_(ids))))
    new = {report.report_id: (report, accounts) for report, accounts in reports if report.report_id not in known}
    rows = [_row(report) for report, _ in new.values()]
    await copy_in(session, Report.table(), rows)
    if named := [_named(report, account) for report, accounts in new.values() for account in accounts]:
        await copy_in(session, NamedAccount.table(), named)
    if subjects := [_subject(report, key) for report, _ in new.values() for key in subject_keys(report)]:
        await copy_in(session, NamedSubject.table(), subjects)
    return {report_id: fingerprint_of(row) for report_id, row in zip(new, rows, strict=True)}


async def note_agreement(session: AsyncSession, report_ids: Sequence[UUID], now: datetime) -> list[UUID]:
    """Record that reporters agree that a manager may be told; return the reports for which that is new."""
    agreed = (
        update(Report)
        .where(Report.report_id.in_(report_ids), Report.manager_alert != ManagerAlert.YES)
        .values(manager_alert=ManagerAlert.YES, manager_agreed_at=now)
        .returning(Report.report_id)
    )
    return list(await session.scalars(agreed))


async def note_withdrawal(session: AsyncSession, report_ids: Sequence[UUID], now: datetime) -> None:
    """Record that reporters ask to withdraw."""
    await session.execute(update(Report).where(Report.report_id.in_(report_ids)).values(withdrawn_at=now))


async def add_evidence(session: AsyncSession, items: Sequence[Evidence]) -> None:
    """Store pieces of evidence, in one statement."""
    await copy_in(session, EvidenceItem.table(), [asdict(item) for item in items])


async def note_removed(session: AsyncSession, removed: Mapping[UUID, datetime]) -> list[Evidence]:
    """Record that reporters took evidence back; return what is no longer there."""
    return await _change(session, removed, "removed_at")


async def note_scanned(session: AsyncSession, scans: Mapping[UUID, str]) -> list[Evidence]:
    """Record what the virus scanner says; return what it says something about."""
    return await _change(session, scans, "scan")


async def _change(session: AsyncSession, values: Mapping[UUID, object], column: str) -> list[Evidence]:
    table = EvidenceItem.table()
    change = update(table).where(table.c.evidence_id == bindparam("item")).values({column: bindparam("value")})
    await session.execute(change, [{"item": item, "value": value} for item, value in values.items()])
    return await evidence(session, values)


async def erase_subject(session: AsyncSession, report_id: UUID) -> set[UUID]:
    """Erase who an exempt report was about, and all texts and evidence that may identify them (C-j).

    Return the cases whose activity records proved some of the evidence.
    """
    nothing: Mapping[str, object] = {
        "subject": None,
        "handles": [],
        "urls": [],
        "affected": [],
        "suspected": [],
        "narrative": "",
        "evidence_note": None,
        "platform_name": None,
    }
    await session.execute(update(Report).where(Report.report_id == report_id).values(**nothing))
    await session.execute(delete(NamedAccount).where(NamedAccount.report_id == report_id))
    await session.execute(delete(NamedSubject).where(NamedSubject.report_id == report_id))
    gone = delete(EvidenceItem).where(EvidenceItem.report_id == report_id).returning(EvidenceItem.case_id)
    return set(await session.scalars(gone))


def _row(report: TriageReport) -> dict[str, object]:
    values = vars(report)
    row = {name: values[name] for name in _BY_NAME}
    row |= {name: values[name] or None for name in _NULL_IF_EMPTY}
    return row | {
        "report_type": report.form,
        "affected": [_person(person) for person in report.affected],
        "suspected": [_person(person) for person in report.suspected],
        "subject": _person(report.subject) if report.subject else None,
    }


def _named(report: TriageReport, account: Handle) -> dict[str, object]:
    return {"report_id": report.report_id, "account": str(account), "submitted_at": report.submitted_at}


def _subject(report: TriageReport, key: str) -> dict[str, object]:
    return {"report_id": report.report_id, "key": key, "submitted_at": report.submitted_at}


def _person(person: Person | Subject) -> dict[str, str]:
    return {name: str(value) for name, value in person if value is not None}
