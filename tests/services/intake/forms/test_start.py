"""The start page: one question, and every answer leads somewhere."""

import re

import pytest
from httpx import AsyncClient

from services.intake.app import FORMS
from tests.services.intake.conftest import Intake

CHOICES = ["/report/abuse", "/report/misuse", "/report/incident", "/accounts/lookup", "/report/advice"]


@pytest.mark.policy("P1", "Sc-b", "X1")
async def test_five_choices_lead_on_and_danger_comes_with_999(client: AsyncClient) -> None:
    page = (await client.get("/")).text
    assert re.findall(r'govuk-!-font-weight-bold" href="([^"]+)"', page) == CHOICES
    assert page.index("In immediate danger? Call 999.") < page.index(CHOICES[0])
    assert page.count('href="/report/track"') == 1


@pytest.mark.parametrize("form", sorted(form.name for form in FORMS))
async def test_every_form_can_be_begun(intake: Intake, form: str) -> None:
    async with intake.client(**intake.session()) as client:
        first = await client.get(f"/report/{form}", follow_redirects=True)
        assert first.status_code == 200
        assert "<h1" in first.text


async def test_the_form_for_exceptions_is_found_from_the_form_for_advice(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        assert 'href="/report/exception"' in (await client.get("/report/advice/topic")).text
