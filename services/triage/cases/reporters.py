"""What reporters say after they have sent a report: more, an answer, an agreement, or that they want it withdrawn."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases import domain, queries, turns
from services.triage.cases.queries import REPORTER
from services.triage.cases.recording import Recorder, Taken, record
from services.triage.cases.tables import CaseRow, Note
from services.triage.reports import handlers as reports
from shared.events.envelope import Envelope
from shared.events.intake import (
    AbuseReportAmended,
    AbuseReportWithdrawn,
    EnquiryAmended,
    EnquiryWithdrawn,
    MisuseReportAmended,
    MisuseReportWithdrawn,
    PolicyExceptionAmended,
    PolicyExceptionWithdrawn,
    SecurityIncidentAmended,
    SecurityIncidentWithdrawn,
)
from shared.events.vocabulary import ManagerAlert, Outcome

Question = EnquiryAmended | PolicyExceptionAmended
Amended = AbuseReportAmended | MisuseReportAmended | SecurityIncidentAmended | Question
Withdrawn = (
    AbuseReportWithdrawn
    | MisuseReportWithdrawn
    | SecurityIncidentWithdrawn
    | EnquiryWithdrawn
    | PolicyExceptionWithdrawn
)

_WITHDRAWN = "The reporter asks to withdraw the report. Decide whether work goes on: the report stays."


async def heard_more(
    session: AsyncSession, envelopes: Sequence[Envelope[Amended]], now: datetime, *, recorder: Recorder
) -> None:
    """Put what reporters added on every case of their reports, and go on with those that waited for it."""
    told = {envelope.data.report_id: envelope.data for envelope in envelopes}
    rows = await _rows(session, told)
    agreeing = [report_id for report_id, data in told.items() if _agrees(data)]
    agreed = set(await reports.note_agreement(session, agreeing, now)) if agreeing else set()
    said = [(row, told[row.report_id]) for row in rows]
    await _store_notes(session, [(row, data.text) for row, data in said if data.text], now, recorder)
    taken = [
        _more(row, data, agrees=row.report_id in agreed) for row, data in said if data.text or row.report_id in agreed
    ]
    await record(session, taken, now, recorder)


async def heard_withdrawal(
    session: AsyncSession, envelopes: Sequence[Envelope[Withdrawn]], now: datetime, *, recorder: Recorder
) -> None:
    """Flag the cases of reports that their reporters want withdrawn; the teams decide."""
    told = {envelope.data.report_id: envelope.data for envelope in envelopes}
    rows = await _rows(session, told)
    await reports.note_withdrawal(session, list(told), now)
    await _store_notes(session, [(row, _WITHDRAWN) for row in rows], now, recorder)
    taken = [
        Taken(row, turns.withdrawal_asked(queries.to_case(row), told[row.report_id].at), "withdrawal_asked", REPORTER)
        for row in rows
    ]
    await record(session, taken, now, recorder)


async def _rows(session: AsyncSession, told: Mapping[UUID, object]) -> list[CaseRow]:
    """Lock the cases of these reports; what was exempt has nothing left to be added to."""
    rows = await queries.lock_reports(session, list(told))
    return [row for row in rows if row.outcome != Outcome.EXEMPT]


def _agrees(data: Amended) -> bool:
    return not isinstance(data, Question) and data.manager_alert is ManagerAlert.YES


def _more(row: CaseRow, data: Amended, *, agrees: bool) -> Taken:
    action = "information_added" if data.text else "manager_agreed"
    return Taken(
        row,
        turns.informed(queries.to_case(row)) if data.text else domain.following(queries.to_case(row)),
        action,
        REPORTER,
        says={"manager_may_be_told": "yes"} if agrees else {},
        personal={"note": data.text} if data.text else {},
    )


async def _store_notes(
    session: AsyncSession, texts: Sequence[tuple[CaseRow, str]], now: datetime, recorder: Recorder
) -> None:
    """Store what the reporter said as a note that they may read, on each case, in one statement."""
    notes = [
        {
            "note_id": recorder.ids.uuid(),
            "case_id": row.case_id,
            "at": now,
            "author": REPORTER,
            "author_name": "The reporter",
            "shared": True,
            "text": text,
        }
        for row, text in texts
    ]
    if notes:
        await session.execute(insert(Note.table()), notes)
