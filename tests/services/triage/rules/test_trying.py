"""A candidate book, pasted and tried on past reports."""

import asyncio
import threading
from datetime import datetime, timedelta

import pytest
from httpx import AsyncClient, Response

from services.triage.routing.domain import RuleBook
from services.triage.routing.rulebook import RuleBookRefused, parse
from services.triage.rules.domain import Backtest, Window
from services.triage.rules.handlers import replay
from shared.auth.permissions import Role
from shared.ids import Reference
from tests.services.triage.builders import BOOK, NOW, enquiry, exception, incident, misuse, open_cases, report, viewer
from tests.services.triage.conftest import Triage
from tests.services.triage.rules.books import (
    EVERYTHING_TO_THE_DESK,
    RECORDINGS_TO_SIRT,
    RULE_WITH_A_TYPO,
    book_with,
)
from tests.services.triage.rules.test_pages import change, said_by
from tests.support.web import csrf_token

SERVICE = "triage"
RECORDING = {"behaviours": ("unauthorised_recording",)}
SINCE = Window(NOW - timedelta(days=30), NOW + timedelta(minutes=1))


async def attempt(client: AsyncClient, book: str) -> Response:
    token = csrf_token((await client.get("/cases/rules/try")).text)
    return await client.post("/cases/rules/try", data={"csrftoken": token, "book": book})


async def test_the_book_that_decides_is_offered_to_be_changed(aisha: AsyncClient) -> None:
    page = await aisha.get("/cases/rules/try")
    assert "impact:\n  - level: high" in page.text
    assert "What would have been different" not in page.text


async def test_what_would_differ_is_shown_by_rule_and_team_with_examples(triage: Triage, aisha: AsyncClient) -> None:
    told = report(**RECORDING)
    await open_cases(triage.database, told, report())
    triage.clock.move(timedelta(minutes=1))
    page = await attempt(aisha, book_with(RECORDINGS_TO_SIRT))
    said = said_by(page)
    assert page.status_code == 200
    assert "Reports that would be decided differently 1 of 2" in said
    assert "unauthorised-recording unauthorised-recording 1" in said
    assert "Social Media Abuse Response Team (SMART) Security Incident Response Team (SIRT) 1" in said
    assert f'href="/cases/rules?reference={told.reference}"' in page.text
    assert "All decisions of the last 30 days were decided again" in said


async def test_the_same_book_differs_nowhere_and_an_empty_past_says_so(triage: Triage, aisha: AsyncClient) -> None:
    assert "No decision to try it on" in said_by(await attempt(aisha, book_with()))
    await open_cases(triage.database, report())
    triage.clock.move(timedelta(minutes=1))
    assert "Nothing would have been different" in said_by(await attempt(aisha, book_with()))


async def test_a_restricted_case_is_counted_and_never_named(triage: Triage) -> None:
    told = misuse(found_by="monitoring")
    await open_cases(triage.database, told)
    triage.clock.move(timedelta(minutes=1))
    async with triage.client(Role.SIRT_LEAD) as client:
        page = await attempt(client, book_with(EVERYTHING_TO_THE_DESK))
    assert "misuse-found-by-monitoring desk-first 1 None that may be named here" in said_by(page)
    assert told.reference not in page.text


async def test_mistakes_are_said_with_their_place_and_the_text_is_kept(aisha: AsyncClient) -> None:
    text = book_with(RULE_WITH_A_TYPO, ("impact:\n", "# <script>alert(1)</script>\nimpact:\n"))
    page = await attempt(aisha, text)
    line = text.partition("eerlier")[0].count("\n") + 1
    assert page.status_code == 422
    assert f"Rule repeated-account, line {line}, column 37: undeclared reference to 'eerlier_reports'" in said_by(page)
    assert 'href="#book"' in page.text
    assert "when: report_type == 'abuse' &amp;&amp; eerlier_reports" in page.text.replace("&#39;", "'")
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>alert(1)" not in page.text


BAD: dict[str, tuple[str, str]] = {
    "nothing": (" \n ", "Paste a rule book"),
    "no book": ("hello", "The file, line 1, column 1: "),
    "a hidden character": ("policy: a\x00b", "A hidden character (U+0000 NULL) was taken out"),
    "a long line": (f"policy: {'x' * 5000}\nrules: [", "The file, line 2"),
    "nested too deeply": ("[" * 3000, "is nested too deeply"),
}


async def test_a_paste_that_is_no_book_is_refused_kindly(aisha: AsyncClient) -> None:
    for name, (text, said) in BAD.items():
        page = await attempt(aisha, text)
        assert page.status_code == 422, name
        assert said in said_by(page), name


async def test_a_long_book_is_taken_and_a_huge_one_is_not(aisha: AsyncClient) -> None:
    long = book_with() + "# a comment\n" * 5_000
    assert (await attempt(aisha, long)).status_code == 200
    large = await attempt(aisha, "#" * (200 * 1024 + 1))
    assert (large.status_code, "200 KB or smaller" in said_by(large)) == (422, True)
    assert (await attempt(aisha, "#" * (1024 * 1024 + 1))).status_code == 413


async def test_one_book_is_tried_at_a_time_and_the_text_of_another_is_kept(
    aisha: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def slowly(text: str) -> RuleBook:
        begun.set()
        assert goes_on.wait(60)
        return parse(text)

    monkeypatch.setattr("services.triage.rules.pages.parse", slowly)
    first = asyncio.create_task(attempt(aisha, book_with()))
    assert await asyncio.to_thread(begun.wait, 60)
    second = await attempt(aisha, "# mine")
    goes_on.set()
    assert (second.status_code, "# mine" in second.text) == (503, True)
    assert "Another rule book is being tried out" in said_by(second)
    assert (await first).status_code == 200
    assert (await attempt(aisha, book_with())).status_code == 200


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 40_000, "- " * 60_000, "? " * 50_000], ids="[{-?")
def test_deep_nesting_is_refused_before_a_loader_follows_it(text: str) -> None:
    with pytest.raises(RuleBookRefused, match="nested too deeply"):
        parse(text)


async def test_every_kind_of_report_is_replayed_in_batches_without_a_difference(triage: Triage) -> None:
    await open_cases(triage.database, report(), report(also_affects=("dwp_information",)), misuse())
    await open_cases(triage.database, incident(), enquiry(), exception())
    await open_cases(triage.database, report(), now=NOW - timedelta(days=31))
    result = Backtest()
    heard: list[datetime] = []
    async with triage.database.transaction() as session:
        await replay(session, BOOK, SINCE, result, progress=heard.append, batch=2)
    assert (result.replayed, result.differing, result.complete) == (6, 0, True)
    assert heard
    cut = Backtest()
    async with triage.database.transaction() as session:
        window = Window(SINCE.since, SINCE.until, at_most=4)
        await replay(session, parse(book_with(EVERYTHING_TO_THE_DESK)), window, cut, batch=3)
    assert (cut.replayed, cut.differing, cut.complete) == (4, 4, False)


async def test_what_people_moved_and_what_they_linked_is_told_apart(triage: Triage) -> None:
    moved, left, linked = report(**RECORDING), report(**RECORDING), report(also_affects=("dwp_information",))
    await open_cases(triage.database, moved, left, linked)
    await change(triage, moved.reference, team="sirt", transfers=1)
    result = Backtest()
    async with triage.database.transaction() as session:
        await replay(session, parse(book_with(RECORDINGS_TO_SIRT)), SINCE, result)
    assert (result.moved, result.would_have_gone_there, result.would_no_longer_go_there) == (1, 1, 1)
    assert not result.opened_also + result.not_opened_also
    assert sorted(result.examples["unauthorised-recording", "unauthorised-recording"]) == sorted(
        [moved.reference, left.reference]
    )
    assert Reference(linked.reference).linked(2) not in str(result.examples)


async def test_a_case_kept_from_somebody_is_not_replayed_for_them(triage: Triage) -> None:
    await open_cases(triage.database, misuse(subject={"name": "Sam Reid", "staff_id": "S4001"}), report())
    counted = []
    for who in (viewer(subject="S4001"), None):
        result = Backtest()
        async with triage.database.transaction() as session:
            await replay(session, BOOK, SINCE, result, viewer=who)
        counted.append(result.replayed)
    assert counted == [1, 2]
