"""The form, from the first question to the confirmation."""

from httpx import AsyncClient
from sqlalchemy import select

from services.intake.reports.tables import ReportRow
from tests.services.intake.abuse_form.walking import BASE, fill, send
from tests.services.intake.conftest import Intake


async def test_a_whole_form_becomes_one_report(intake: Intake, client: AsyncClient) -> None:
    await fill(client)
    page = await send(client)
    assert page.status_code == 200
    assert "receipt-code" in page.text
    async with intake.database.transaction() as session:
        report = (await session.scalars(select(ReportRow))).one()
    assert report.confidentiality == "anonymous"
    assert report.reference in page.text
