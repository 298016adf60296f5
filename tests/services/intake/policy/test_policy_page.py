"""The page that shows what each clause asks and what Signpost does about it."""

import re
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import AsyncClient

from services.intake.policy import pages
from services.intake.policy.clauses_yaml import the_policy
from services.intake.policy.domain import IDS, PARTS, State
from shared.auth.permissions import Role
from tests.support.web import WebForTests, browsing


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with browsing(_app(WebForTests(tmp_path))) as client:
        yield client


def _app(web: WebForTests) -> FastAPI:
    fields = web.fields(templates=[Path(pages.__file__).parent / "templates"])
    return web.app(
        pages.router, parts=pages.PolicyParts(**fields, policy_url="https://policy.example.org/social-media")
    )


def clauses_on(page: str) -> list[str]:
    return re.findall(r'<details id="([\w-]+)"', page)


@pytest.mark.policy("P2")
async def test_anybody_can_read_what_is_done_about_each_clause(client: AsyncClient) -> None:
    response = await client.get("/policy")
    assert response.status_code == 200
    assert clauses_on(response.text) == list(IDS)


@pytest.mark.parametrize("state", State)
async def test_the_page_can_be_narrowed_to_a_state_by_its_address(client: AsyncClient, state: State) -> None:
    shown = clauses_on((await client.get("/policy", params={"state": state})).text)
    assert shown == [clause.id for clause in the_policy().in_state(state)]
    assert shown


async def test_what_the_policy_asks_and_what_we_chose_stand_apart(client: AsyncClient) -> None:
    page = (await client.get("/policy")).text
    assert _rows(page, "S3", "S4") == ["State", "The policy asks", "Signpost", "Our choice"]
    assert _rows(page, "C-b", "C-c") == ["State", "The policy asks", "Signpost", "So far"]


async def test_it_is_folded_with_its_contents_first_and_leads_to_the_policy_itself(client: AsyncClient) -> None:
    page = (await client.get("/policy")).text
    contents = re.findall(r'<a class="govuk-link" href="#([\w-]+)"', page)
    assert contents == re.findall(r'<h2 class="govuk-heading-l" id="([\w-]+)"', page)
    assert len(contents) == len(PARTS)
    assert 'href="https://policy.example.org/social-media"' in page
    assert " open>" not in page


@pytest.mark.parametrize(("role", "shown"), [(None, False), (Role.REPORTER, False), (Role.OPERATIONS, True)])
async def test_only_operations_reads_where_in_the_code_a_clause_is_served(
    tmp_path: Path, role: Role | None, shown: bool
) -> None:
    web = WebForTests(tmp_path)
    async with browsing(_app(web), cookies=web.session_cookie(role) if role else None) as client:
        page = (await client.get("/policy")).text
    assert ("intake/reports" in page, "<dt" in page and "Where" in page) == (shown, shown)


@pytest.mark.policy("R-a")
async def test_the_page_says_who_is_responsible_for_the_policy_and_when_its_review_is_due(client: AsyncClient) -> None:
    page = " ".join((await client.get("/policy")).text.split())
    assert "The Chief Security Officer is responsible for the policy" in page
    assert "The next review is due by 29 July 2027" in page
    assert "The review is overdue" not in page


@pytest.mark.policy("R-a")
@pytest.mark.parametrize(("day", "is_overdue"), [(date(2027, 7, 29), False), (date(2027, 7, 30), True)])
def test_a_review_is_late_from_the_day_after(day: date, is_overdue: bool) -> None:
    assert the_policy().is_overdue(day) is is_overdue


def _rows(page: str, clause: str, following: str) -> list[str]:
    card = page[page.index(f'id="{clause}"') : page.index(f'id="{following}"')]
    return re.findall(r"<dt[^>]*>\s*(.*?)\s*</dt>", card)


async def test_a_state_that_there_is_not_is_refused(client: AsyncClient) -> None:
    response = await client.get("/policy", params={"state": "<script>"}, headers={"accept": "text/html"})
    assert response.status_code == 422
    assert "<script>alert" not in response.text
    assert "&lt;script&gt;" not in response.text
