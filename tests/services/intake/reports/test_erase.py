"""A report that is found to be outside the policy keeps nothing about the person it was about (C-j)."""

from datetime import timedelta
from uuid import uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from services.intake.reports.handlers import erase_exempt
from services.intake.reports.kinds import submitted
from services.intake.reports.queries import lock_report
from shared.events.envelope import Envelope
from shared.events.intake import MisuseReportSubmitted
from shared.events.triage import CaseResolved
from shared.events.vocabulary import Outcome, ReportType, Team
from shared.ids import Reference
from tests.services.intake.conftest import START, Intake
from tests.services.intake.reports.bodies import MISUSE
from tests.services.intake.reports.test_api import the_report

CANARY = "canary-of-the-union"
BODY = {
    **MISUSE.body,
    "subject": {"name": CANARY, "staff_id": CANARY, "handle": CANARY},
    "urls": [f"https://facebook.com/{CANARY}"],
    "union_activity": "unsure",
    "narrative": CANARY,
}


@pytest.mark.policy("C-j")
@pytest.mark.parametrize(("outcome", "kept"), [(Outcome.EXEMPT, False), (Outcome.NO_BREACH, True)])
async def test_only_what_is_exempt_is_erased(intake: Intake, client: AsyncClient, outcome: Outcome, kept: bool) -> None:
    answer = await client.post(MISUSE.address, json=BODY, headers=intake.token())
    assert answer.status_code == 201, answer.text
    report = await the_report(intake)
    ended = CaseResolved(
        case_id=uuid4(),
        report_id=report.id,
        reference=report.reference,
        at=START + timedelta(hours=1),
        team=Team.TRIAGE_DESK,
        outcome=outcome,
        report_type=ReportType.MISUSE,
    )
    async with intake.database.transaction() as session:
        told = Envelope(str(uuid4()), "/signpost/triage", str(ended.case_id), 1, START, ended)
        await erase_exempt(session, [told], START)
    async with intake.database.transaction() as session:
        rows = [await session.scalar(text(f"select t::text from {name} t")) for name in ("report", "misuse_report")]  # noqa: S608 - own tables
        stored = await lock_report(session, report.id)
        again = submitted(report.id, Reference(report.reference), stored.report, START)
    assert (CANARY in "".join(rows)) is kept
    assert isinstance(again, MisuseReportSubmitted)
    assert again.reporter.staff_id == "S1001"
