"""A report that is found to be outside the policy keeps nothing about the person it was about (C-j)."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.intake.conversation.handlers import send_message
from services.intake.reports.handlers import erase_exempt
from services.intake.reports.kinds import submitted
from services.intake.reports.queries import lock_report, reports_of
from shared.events.envelope import Envelope
from shared.events.intake import MessageSent, MisuseReportSubmitted
from shared.events.triage import CaseResolved
from shared.events.vocabulary import Outcome, ReportType, Team
from shared.ids import RandomIds, Reference
from shared.messaging.outbox import Outbox
from tests.services.intake.conftest import START, Intake
from tests.services.intake.reports.bodies import MISUSE
from tests.services.intake.reports.test_api import the_report
from tests.support.stuck import get_stuck, said

CANARY = "canary-of-the-union"
OUTBOX = Outbox("intake", RandomIds())
BODY = {
    **MISUSE.body,
    "subject": {"name": CANARY, "staff_id": CANARY, "handle": CANARY},
    "urls": [f"https://facebook.com/{CANARY}"],
    "union_activity": "unsure",
    "narrative": CANARY,
}


@pytest.mark.policy("C-j")
@pytest.mark.parametrize(("outcome", "kept"), [(Outcome.EXEMPT, False), (Outcome.NO_BREACH, True)])
async def test_only_what_is_exempt_is_erased_from_every_table(
    intake: Intake, client: AsyncClient, outcome: Outcome, kept: bool
) -> None:
    """Its first event is published, and what the reporter added still waits."""
    answer = await client.post(MISUSE.address, json=BODY, headers=intake.token())
    assert answer.status_code == 201, answer.text
    report = await the_report(intake)
    async with intake.database.transaction() as session:
        await session.execute(text("update outbox set published_at = now()"))
        [key] = await reports_of(session, "S1001")
        await send_message(session, key, CANARY, START, RandomIds(), OUTBOX)
        assert CANARY in await dumped(session)
    other = uuid4()
    async with intake.database.transaction() as session:
        await get_stuck(session, "intake", report.id, CANARY)
        await get_stuck(session, "intake", other, "another")
        await erase_exempt(session, [ended(report.id, report.reference, outcome)], START, outbox=OUTBOX)
    async with intake.database.transaction() as session:
        assert (CANARY in await dumped(session)) is kept
        stuck = [f"case {report.id}", f"case {other}"] * 2 + ["another"] * 3 + [CANARY] * 3 * kept
        assert await said(session) == sorted(stuck)
        stored = await lock_report(session, report.id)
        again = submitted(report.id, Reference(report.reference), stored.report, START)
        waits = text("select type, sequence, value from outbox where type = 'message.sent.v1'")
        [waiting] = (await session.execute(waits)).all()
        published = await session.scalar(text("select value from outbox where type = 'misuse_report.submitted.v1'"))
    assert isinstance(again, MisuseReportSubmitted)
    assert again.reporter.staff_id == "S1001"
    assert (published is not None) is kept
    assert (waiting.type, waiting.sequence) == ("message.sent.v1", 2)
    assert MessageSent.model_validate_json(waiting.value).text == CANARY * kept


def ended(report_id: UUID, reference: str, outcome: Outcome) -> Envelope[CaseResolved]:
    """Return triage's event that the case of a report of misuse ended."""
    data = CaseResolved(
        case_id=uuid4(),
        report_id=report_id,
        reference=reference,
        at=START + timedelta(hours=1),
        team=Team.TRIAGE_DESK,
        outcome=outcome,
        report_type=ReportType.MISUSE,
    )
    return Envelope(str(uuid4()), "/signpost/triage", str(data.case_id), 1, START, data)


async def dumped(session: AsyncSession) -> str:
    """Return all that the database holds as text, bytes decoded."""
    names = await session.scalars(text("select tablename from pg_tables where schemaname = 'public'"))
    query = "select string_agg(t::text, ' ') from {} t"
    tables = [await session.scalar(text(query.format(name))) or "" for name in names.all()]
    values = await session.scalars(text("select convert_from(value, 'utf8') from outbox where value is not null"))
    return " ".join([*tables, *values])
