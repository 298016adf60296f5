"""The layout, and what every page has."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from shared.auth.guard import Anyone, requires
from shared.auth.permissions import LEADS, QUEUES, ROLE_NAMES, Permission, Principal, Role, roles_with
from shared.web import static_files
from shared.web.forms import FormErrors, FormReader
from shared.web.pages import navigation, render, work_of
from shared.web.times import ago, uk_date, uk_time
from tests.architecture.source import ROOT
from tests.support.web import START, WebForTests, browsing, person

PAGE = """{% extends "layout.html" %}{% from "components.html" import error_summary, exit_this_page, priority %}
{% set casework = casework_page %}
{% block page_title %}Test - {{ service_name }}{% endblock %}
{% block exit_this_page %}{{ exit_this_page() }}{% endblock %}
{% block content %}{{ error_summary(errors) }}<p>{{ text }}</p>{{ now | uk_time }}{{ priority("P1") }}{% endblock %}
"""
router = APIRouter()


@router.get("/report/page")
def page(request: Request, principal: Anyone, wrong: bool = False, casework: bool = False) -> Response:
    errors = FormErrors({"narrative": "Say what <happened>"} if wrong else {})
    return render(request, "page.html", text="<script>alert(1)</script>", errors=errors, casework_page=casework)


@router.get("/report/for-leads", dependencies=[requires(Permission.SEE_OPERATIONS)])
def for_leads() -> None: ...


@pytest.fixture
async def client(web: WebForTests, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    async with browsing(web.app(router, static_files.router, templates=[tmp_path])) as opened:
        yield opened


async def test_what_is_shown_is_escaped(client: httpx.AsyncClient) -> None:
    page = (await client.get("/report/page?wrong=1")).text
    assert "<script>alert" not in page
    assert "Say what &lt;happened&gt;" in page


async def test_an_error_is_in_the_title_and_linked_from_the_summary(client: httpx.AsyncClient) -> None:
    assert "<title>Test - Signpost</title>" in (await client.get("/report/page")).text
    wrong = (await client.get("/report/page?wrong=1")).text
    assert "<title>Error: Test - Signpost</title>" in wrong
    assert '<a href="#narrative">' in wrong


async def test_no_script_and_no_style_is_in_the_page_itself(client: httpx.AsyncClient) -> None:
    page = (await client.get("/report/page")).text
    assert page.count("<script") == page.count("<script src=") + page.count('<script type="module" src=')
    assert "<style" not in page
    assert "style=" not in page
    assert "onclick" not in page


async def test_everything_a_page_needs_comes_from_here(client: httpx.AsyncClient) -> None:
    page = (await client.get("/report/page?casework=1")).text
    sources = [part.split('"', 1)[0] for part in page.split('src="')[1:]]
    links = [part.split('href="', 1)[1].split('"', 1)[0] for part in page.split("<link ")[1:]]
    assert all(address.startswith("/assets/") for address in sources + links)
    assert any("moj/" in address for address in links)
    assert not any("moj/" in part for part in (await client.get("/report/page")).text.split("<link ")[1:])


async def test_a_page_has_its_landmarks(client: httpx.AsyncClient) -> None:
    page = (await client.get("/report/page")).text
    for landmark in (
        '<html lang="en"',
        'class="govuk-skip-link"',
        '<main class="govuk-main-wrapper" id="main-content">',
    ):
        assert landmark in page
    for link in ('href="/policy"', 'href="/report/track"', 'href="/sign-in?next=/report/page"'):
        assert link in page
    assert "Exit this page" in page


@pytest.mark.parametrize(
    ("public_url", "chosen", "branded"),
    [
        ("http://127.0.0.1:8000", None, False),
        ("https://signpost.example.org", None, False),
        ("https://notgov.uk", None, False),
        ("https://signpost.service.gov.uk", None, True),
        ("https://signpost.service.gov.uk", False, False),
        ("https://signpost.internal.example", True, True),
    ],
)
async def test_crown_logo_and_copyright_are_for_govuk_alone(
    web: WebForTests, tmp_path: Path, public_url: str, chosen: bool | None, branded: bool
) -> None:
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    settings = web.settings(public_url=public_url, govuk_brand=chosen)
    async with browsing(web.app(router, templates=[tmp_path], settings=settings), address=public_url) as client:
        page = (await client.get("/report/page")).text
    marks = ("govuk-logo-crown", "Crown copyright", "Open Government Licence", "images/favicon")
    assert [mark in page or "govuk-header__logotype" in page for mark in marks] == [branded] * len(marks)
    assert ("Run by the Department for Work and Pensions" in page) is not branded
    assert ("unbranded.css" in page) is not branded


async def test_the_banner_asks_what_people_think_where_there_is_an_address(web: WebForTests, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    settings = web.settings(feedback_url="mailto:feedback@example.org")
    async with browsing(web.app(router, templates=[tmp_path], settings=settings)) as client:
        page = (await client.get("/report/page")).text
    assert 'href="mailto:feedback@example.org"' in page
    with pytest.raises(ValidationError, match="feedback"):
        web.settings(feedback_url="javascript:alert(1)")


async def test_who_may_not_reads_who_may_and_how_to_ask(web: WebForTests, tmp_path: Path) -> None:
    settings = web.settings(help_contact="desk@example.org")
    cookie = web.session_cookie(Role.REPORTER)
    async with browsing(web.app(router, settings=settings), cookies=cookie) as client:
        page = await client.get("/report/for-leads")
    assert page.status_code == 403
    for words in ("SMART’s leads", "operations team", "request that role from desk@example.org"):
        assert words in page.text
    assert set(ROLE_NAMES) == set(Role)
    assert roles_with(Permission.ADMINISTER) == [Role.ADMINISTRATOR]


async def test_the_header_says_who_is_signed_in(web: WebForTests, client: httpx.AsyncClient) -> None:
    client.cookies.update(web.session_cookie(Role.SMART_RESPONDER))
    page = (await client.get("/report/page")).text
    assert "Signed in as Priya Shah" in page
    assert 'href="/cases"' in page


def shown(principal: Principal | None) -> list[object]:
    return [entry["text"] for entry in navigation(principal, "/")]


def test_navigation_shows_what_one_may_open() -> None:
    assert shown(None) == ["Report", "Is it official?"]
    assert "Queue" not in shown(person(Role.REPORTER))
    assert {"Queue", "Accounts"} <= set(shown(person(Role.SMART_RESPONDER)))


WORK = {
    Role.REPORTER: [],
    Role.ACCOUNT_OPERATOR: ["Accounts"],
    Role.APPROVER: ["Accounts"],
    Role.POLICY_OWNER: ["Rules"],
    Role.SUPPLIER: ["Report an incident as a supplier"],
    Role.INSPECTOR: ["Accounts"],
    Role.OPERATIONS: ["Operations", "Dead letters", "Rules"],
    Role.ADMINISTRATOR: ["Sessions"],
    Role.SMART_RESPONDER: ["Queue", "Accounts"],
    Role.POLICY_STANDARDS: ["Queue", "Rules", "Accounts"],
}


def test_the_start_page_names_what_a_role_opens_and_what_one_can_do_there() -> None:
    assert {role: [entry.text for entry in work_of(person(role))] for role in WORK} == WORK
    assert work_of(None) == []
    assert [entry.text for role in WORK for entry in work_of(person(role)) if not entry.about] == []


def test_every_permission_is_asked_for_somewhere() -> None:
    """A link in the menu asks for nothing: the page behind it does."""
    paths = {path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")}
    texts = [path.read_text("utf-8") for path in paths - {ROOT / "shared" / "web" / "pages.py"}]
    asked = {Permission[name] for text in texts for name in re.findall(r"\bPermission\.([A-Z_]+)", text)}
    assert set(Permission) - asked - {*QUEUES.values(), *LEADS.values()} <= {Permission.ADMINISTER}


def test_navigation_says_where_one_is() -> None:
    responder = person(Role.SMART_RESPONDER)

    def here(path: str) -> list[tuple[object, bool]]:
        return [(e["text"], bool(e["current"])) for e in navigation(responder, path) if e["current"] or e["active"]]

    assert here("/cases") == [("Queue", True)]
    assert here("/cases/SP-1234-5678") == [("Queue", False)]
    assert here("/accounts/lookup") == [("Is it official?", True)]
    assert here("/report/abuse/where") == [("Report", False)]
    operator = navigation(person(Role.OPERATIONS), "/alerts/operations/dead-letters")
    assert [entry["text"] for entry in operator if entry["active"]] == ["Dead letters"]
    assert here("/casesandmore") == []
    assert here("/") == []


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (START, "23 November 2026 at 10:42am"),
        (datetime(2026, 7, 1, 11, 5, tzinfo=UTC), "1 July 2026 at 12:05pm"),
        (datetime(2026, 3, 29, 1, 0, tzinfo=UTC), "29 March 2026 at 2:00am"),
        (datetime(2026, 12, 31, 23, 59, tzinfo=UTC), "31 December 2026 at 11:59pm"),
        (datetime(2026, 8, 31, 23, 30, tzinfo=UTC), "1 September 2026 at 12:30am"),
    ],
)
def test_times_are_uk_local_time(moment: datetime, text: str) -> None:
    assert uk_time(moment) == text


def test_dates_have_no_leading_zero() -> None:
    assert uk_date(date(2026, 5, 3)) == "3 May 2026"
    assert uk_date(datetime(2026, 5, 3, 23, 30, tzinfo=UTC)) == "4 May 2026"


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=2), "2 hours ago"),
        (timedelta(days=1, hours=3), "1 day ago"),
    ],
)
def test_how_long_ago_is_said_in_one_unit(passed: timedelta, text: str) -> None:
    assert ago(START, START + passed) == text


def test_the_first_error_of_a_field_stays() -> None:
    errors = FormErrors()
    errors.add("b", "first")
    errors.add("a", "second")
    errors.add("b", "third")
    assert errors.summary() == [{"text": "first", "href": "#b"}, {"text": "second", "href": "#a"}]
    assert (errors.message("b"), errors.message("c")) == ({"text": "first"}, None)


def test_a_control_character_is_an_error_of_its_field_and_the_rest_is_kept() -> None:
    form = FormReader({"a": ["x\x00y"], "b": ["z"]})
    assert form.typed == {"a": ["xy"], "b": ["z"]}
    assert list(form.errors) == ["a"]


async def test_an_asset_is_kept_for_ever_under_its_fingerprint(client: httpx.AsyncClient) -> None:
    address = static_files.asset_url("signpost.css")
    marked = await client.get(address)
    assert marked.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert marked.headers["content-type"].startswith("text/css")
    plain = await client.get("/assets/signpost.css?v=of-another-day")
    assert plain.headers["cache-control"] == "public, max-age=3600"
    unchanged = await client.get(address, headers={"if-none-match": marked.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_scripts_are_served_as_scripts(client: httpx.AsyncClient) -> None:
    assert (await client.get("/assets/components.mjs")).headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["nothing.css", "../pages.py", "%2e%2e/pages.py", "..%2fpages.py", "a%00b", ""])
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(f"/assets/{path}")).status_code == 404
