"""POST /report/api/v1/abuse-reports."""

import asyncio

import pytest
from httpx import AsyncClient
from sqlalchemy import func, select, text

from services.intake.ledger.tables import LedgerRow
from services.intake.reports.tables import ReportRow
from shared.auth.permissions import Role
from tests.services.intake.conftest import Intake, small_body

ADDRESS = "/report/api/v1/abuse-reports"


async def the_report(intake: Intake) -> ReportRow:
    async with intake.database.transaction() as session:
        return (await session.scalars(select(ReportRow))).one()


async def how_many(intake: Intake) -> tuple[int, int, int]:
    """Return how many reports, ledger rows and events there are."""
    async with intake.database.transaction() as session:
        reports = await session.scalar(select(func.count()).select_from(ReportRow))
        ledger = await session.scalar(select(func.count()).select_from(LedgerRow))
        events = await session.scalar(text("select count(*) from outbox"))
        return reports or 0, ledger or 0, events or 0


@pytest.mark.policy("S3")
async def test_the_small_body_works_with_a_token_and_the_manager_is_told_by_default(
    intake: Intake, client: AsyncClient
) -> None:
    answer = await client.post(ADDRESS, json=small_body(), headers=intake.token())
    assert answer.status_code == 201, answer.text
    assert answer.json()["status_url"].endswith(f"/report/track/{answer.json()['reference']}")
    assert "receipt_code" not in answer.json()
    report = await the_report(intake)
    assert (report.confidentiality, report.manager_alert) == ("named", "yes")
    assert (report.reporter_staff_id, report.reporter_email) == ("S1001", "priya.shah@example.org")
    assert await how_many(intake) == (1, 1, 1)


async def test_the_small_body_works_without_a_token_and_keeps_nobody(intake: Intake, client: AsyncClient) -> None:
    answer = await client.post(ADDRESS, json=small_body())
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["receipt_code"]) == 24
    report = await the_report(intake)
    assert (report.confidentiality, report.manager_alert) == ("anonymous", "no")
    kept = {column.name: getattr(report, column.name) for column in ReportRow.__table__.columns}
    assert [name for name, value in kept.items() if name.startswith("reporter_") and value is not None] == []
    assert answer.json()["receipt_code"].encode() not in (report.receipt_hash or b"")
