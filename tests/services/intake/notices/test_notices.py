"""The notices in the footer are there for everyone, and say what is so."""

import json
import re
from datetime import timedelta

import pytest
from httpx import AsyncClient

from services.intake.forms.domain import LIFETIME, SENT_LIFETIME
from services.triage.search.domain import SEARCHES_KEPT
from shared.auth.ended_sessions import REMEMBERED_FOR
from shared.messaging.retention import CONTENT_LIVES
from tests.architecture import kept_data
from tests.architecture.source import ROOT
from tests.services.intake.conftest import Intake

NOTICES = {"/privacy": "Privacy", "/cookies": "Cookies", "/accessibility": "Accessibility statement"}
_COOKIE = re.compile(r'(?:COOKIE\w* = |\bCookie\()"(\w+)"')


@pytest.mark.parametrize("path", NOTICES)
async def test_everyone_finds_each_notice_from_the_footer(client: AsyncClient, path: str) -> None:
    assert f'href="{path}"' in (await client.get("/")).text
    page = await client.get(path)
    assert page.status_code == 200
    assert f"<title>{NOTICES[path]} - Signpost</title>" in page.text


async def test_every_cookie_that_the_code_sets_is_named_and_no_other(client: AsyncClient) -> None:
    sources = [path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")]
    set_by_code = {name for path in sources for name in _COOKIE.findall(path.read_text("utf-8"))}
    page = (await client.get("/cookies")).text
    assert set(re.findall(r'signpost-unbroken">(\w+)</th>', page)) == set_by_code
    assert (timedelta(hours=24), timedelta(hours=1)) == (LIFETIME, SENT_LIFETIME)
    assert "after 24 hours, or 7 days after you saved them, and what was sent after 60 minutes" in page


async def test_the_privacy_notice_lists_all_that_the_databases_mark(intake: Intake, client: AsyncClient) -> None:
    written = kept_data.PAGE.read_text("utf-8")
    assert written == kept_data.page(), "run `make docs` and commit the file"
    page = (await client.get("/privacy")).text
    marks = [mark for of_class in json.loads(written).values() for mark in of_class]
    assert len(marks) > 50
    assert f"Each part also remembers it for {REMEMBERED_FOR // timedelta(hours=1)} hours" in page
    kept_in_logs = CONTENT_LIVES + timedelta(days=2)  # a day each for segments of the log and for sweeps
    assert f"up to {kept_in_logs.days} days where it has personal data. If you sign out everywhere" in page
    assert "For a year. What they searched for is not kept." in page
    assert timedelta(days=365) == SEARCHES_KEPT
    assert [mark for mark in marks if mark not in page.replace("&#39;", "'")] == []
