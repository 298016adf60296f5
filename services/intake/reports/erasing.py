"""Erases whom a report was about once the triage desk found that it is outside the policy (C-j)."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.reports.tables import MisuseReportRow, ReportAdditionRow, ReportRow
from shared.events.envelope import Envelope
from shared.events.triage import CaseResolved
from shared.events.vocabulary import Outcome

_NOBODY: Mapping[str, None] = {"name": None, "staff_id": None, "handle": None}


async def erase_exempt(session: AsyncSession, events: Sequence[Envelope[CaseResolved]], _now: datetime) -> None:
    """Erase the subjects of exempt reports and everything written about them; that a report came stays."""
    exempt = [event.data.report_id for event in events if event.data.outcome is Outcome.EXEMPT]
    if not exempt:
        return
    written: Mapping[str, object] = {
        "narrative": "",
        "evidence_note": None,
        "platform_name": None,
        "urls": [],
        "handles": [],
        "affected": [],
        "suspected": [],
    }
    await session.execute(update(ReportRow).where(ReportRow.id.in_(exempt)).values(**written))
    about = update(MisuseReportRow).where(MisuseReportRow.report_id.in_(exempt))
    await session.execute(about.values(subject=_NOBODY))
    added = update(ReportAdditionRow).where(ReportAdditionRow.report_id.in_(exempt))
    await session.execute(added.values(text=None))
