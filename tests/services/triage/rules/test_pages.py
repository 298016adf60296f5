"""The rules page, its exports, and why one report was routed as it was."""

import csv
import html
import io
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import update

from services.triage.cases.tables import CaseRow
from services.triage.rules.reload import RuleParts, RunningBook
from shared.auth.permissions import ROLE_PERMISSIONS, Permission, Role
from shared.policy import version
from shared.runtime import parts_in
from tests.services.triage.builders import NOW, misuse, open_cases, report
from tests.services.triage.conftest import Triage
from tests.services.triage.rules.books import EVERYTHING_TO_THE_DESK, RULE_WITH_A_TYPO, book_with

SERVICE = "triage"
JSON = "/cases/api/v1/rules"
PAGES = ("/cases/rules", "/cases/rules/try", JSON, f"{JSON}.csv")


async def change(triage: Triage, reference: str, **columns: object) -> None:
    """Change a case as an edge would have done by now."""
    async with triage.database.transaction() as session:
        await session.execute(update(CaseRow).where(CaseRow.reference == reference).values(**columns))
    triage.by_hand.add("case")


async def hits(client: AsyncClient, query: str = "") -> dict[str, tuple[int, int]]:
    """Return the hits and later moves of every rule that has any."""
    items = (await client.get(f"{JSON}{query}")).json()["items"]
    return {one["id"]: (one["hits"], one["moved"]) for one in items if one["hits"] or one["moved"]}


def said_by(page: Response) -> str:
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)))


async def test_only_who_may_see_the_rules_sees_them(triage: Triage) -> None:
    for role in sorted(Role):
        expected = 200 if Permission.SEE_RULES in ROLE_PERMISSIONS[role] else 403
        async with triage.client(role) as client:
            assert {(await client.get(page)).status_code for page in PAGES} == {expected}, role
            assert (await client.post("/cases/rules/try")).status_code == 403, "without the form's token"


async def test_nobody_sees_the_rules_without_signing_in(triage: Triage) -> None:
    async with triage.client() as client:
        assert [(await client.get(page)).status_code for page in PAGES] == [303, 303, 401, 401]


@pytest.mark.policy("R-a")
async def test_the_book_is_read_as_sentences_in_its_order(aisha: AsyncClient) -> None:
    page = await aisha.get("/cases/rules")
    said = said_by(page)
    assert said.index("misuse-about-union-activity") < said.index("abuse-of-a-user") < said.index("anything-else")
    assert f"social-media-policy/{version()}" in said
    assert "By matrix" in said
    assert "also SIRT ( Compliance c )" in said
    assert "not followed" in said
    assert 'href="/policy#S3"' in page.text
    assert "refused" not in said
    assert 'href="/cases/rules"' in (await aisha.get("/cases")).text


async def test_hits_are_reports_and_moves_are_cases_of_the_last_30_days(triage: Triage, aisha: AsyncClient) -> None:
    told = [report(), report(also_affects=("dwp_information",)), report(behaviours=("unauthorised_recording",))]
    await open_cases(triage.database, *told, report())
    await open_cases(triage.database, report(), now=NOW - timedelta(days=31))
    await change(triage, told[0].reference, transfers=1, team="sirt", held_by=["smart", "sirt"])
    triage.clock.move(timedelta(minutes=1))
    assert await hits(aisha) == {
        "abuse-of-a-user": (2, 1),
        "abuse-with-risk-to-the-department": (1, 0),
        "unauthorised-recording": (1, 0),
    }


async def test_a_rule_being_tried_out_shows_what_it_would_have_caught(triage: Triage, aisha: AsyncClient) -> None:
    same = {"urls": ("https://x.com/some_account/status/1",)}
    for _ in range(4):
        await open_cases(triage.database, report(**same))
    triage.clock.move(timedelta(minutes=1))
    assert await hits(aisha, "?state=shadow") == {"repeated-account": (1, 0)}
    assert "1 would have matched" in said_by(await aisha.get("/cases/rules?state=shadow"))


async def test_a_case_about_somebody_is_not_even_counted_for_them(triage: Triage) -> None:
    about = misuse(subject={"name": "Sam Reid", "staff_id": "S4001"})
    await open_cases(triage.database, about)
    triage.clock.move(timedelta(minutes=1))
    for subject, expected in (("S4001", {}), ("S4002", {"misuse-by-a-colleague": (1, 0)})):
        async with triage.client(Role.TRIAGE_DESK, subject=subject) as client:
            assert await hits(client) == expected


async def test_filters_are_the_address_of_page_and_exports(aisha: AsyncClient) -> None:
    query = "?team=sirt&clause=R-c&state=live"
    page = await aisha.get(f"/cases/rules{query}")
    shown = re.findall(r'<tr class="govuk-table__row" id="([^"]+)"', page.text)
    assert shown == ["misuse-with-risk-to-the-department"]
    assert f'href="{JSON}.csv?team=sirt&amp;clause=R-c&amp;state=live"' in page.text
    assert [one["id"] for one in (await aisha.get(f"{JSON}{query}")).json()["items"]] == shown
    none = await aisha.get("/cases/rules?team=sirt&state=retired")
    assert "No rule matches" in said_by(none)


async def test_an_address_that_makes_no_sense_is_the_book(aisha: AsyncClient) -> None:
    for query in ("?team=%00", "?clause=Z9", "?state=", "?team=smart&team=sirt&nothing=1"):
        assert "misuse-with-risk-to-the-department" in (await aisha.get(f"/cases/rules{query}")).text


async def test_the_exports_say_the_same(triage: Triage, aisha: AsyncClient) -> None:
    await open_cases(triage.database, report())
    triage.clock.move(timedelta(minutes=1))
    found = (await aisha.get(JSON)).json()
    answer = await aisha.get(f"{JSON}.csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert [(row["id"], row["team"], row["hits"]) for row in rows] == [
        (item["id"], item["team"], str(item["hits"])) for item in found["items"]
    ]
    assert rows[0]["when"].startswith("report_type == 'misuse'")
    assert (len(found["rulebook"]), found["policy"]) == (64, f"social-media-policy/{version()}")


async def test_a_cell_that_a_spreadsheet_would_run_is_made_harmless(triage: Triage, tmp_path: Path) -> None:
    running = book_on_disk(tmp_path, book_with(EVERYTHING_TO_THE_DESK, ("A person reads", "=HYPERLINK(1) reads")))
    triage.app.state.parts = replace(parts_in(triage.app, RuleParts), rules=running)
    async with triage.client(Role.POLICY_OWNER) as client:
        first = next(csv.DictReader(io.StringIO((await client.get(f"{JSON}.csv")).text)))
    assert first["sentence"].startswith("'=HYPERLINK")


async def test_a_decision_is_explained_by_its_reference(triage: Triage, aisha: AsyncClient) -> None:
    told = report(behaviours=("doxing",))
    await open_cases(triage.database, told)
    page = await aisha.get(f"/cases/rules?reference={told.reference.lower().replace('-', ' ')}&team=smart")
    said = said_by(page)
    assert page.status_code == 200
    assert "Sent to SMART by rule abuse-of-a-user because of statement 3." in said
    assert "Behaviours doxing" in said
    assert "Rules that matched abuse-of-a-user, anything-else" in said
    assert f'href="/cases/{told.reference}"' in page.text
    assert '<input type="hidden" name="team" value="smart">' in page.text


async def test_a_case_that_one_may_not_see_is_not_explained(triage: Triage) -> None:
    abuse, restricted = report(), misuse(found_by="monitoring")
    await open_cases(triage.database, abuse, restricted)
    for role, reference in (
        (Role.SIRT_LEAD, abuse.reference),
        (Role.POLICY_OWNER, abuse.reference),
        (Role.OPERATIONS, abuse.reference),
        (Role.SIRT_LEAD, restricted.reference),
        (Role.SIRT_LEAD, "SP-0000-0000"),
    ):
        async with triage.client(role) as client:
            page = await client.get(f"/cases/rules?reference={reference}")
        assert page.status_code == 404
        assert "No case that you may see here has this reference" in said_by(page)
        assert "Sent to" not in said_by(page)


async def test_what_is_no_reference_is_said_beside_the_box(aisha: AsyncClient) -> None:
    page = await aisha.get("/cases/rules", params={"reference": f"\x00<script>{'x' * 5000}"})
    assert page.status_code == 404
    assert 'href="#reference"' in page.text
    assert "Enter a reference like SP-7K3M-Q9XC" in said_by(page)
    assert "&lt;script&gt;" in page.text


def book_on_disk(folder: Path, text: str) -> RunningBook:
    file = folder / "book.yaml"
    file.write_text(text, "utf-8")
    return RunningBook(file, NOW)


async def test_a_refused_file_is_said_with_the_book_that_still_decides(
    triage: Triage, aisha: AsyncClient, tmp_path: Path
) -> None:
    running = book_on_disk(tmp_path, book_with())
    triage.app.state.parts = replace(parts_in(triage.app, RuleParts), rules=running)
    (tmp_path / "book.yaml").write_text(broken := book_with(RULE_WITH_A_TYPO), "utf-8")
    triage.clock.move(timedelta(minutes=10))
    said = said_by(await aisha.get("/cases/rules"))
    line = broken.partition("eerlier")[0].count("\n") + 1
    assert f"refused at 23 November 2026 at 10:10am: Rule repeated-account, line {line}, column 37: undeclared" in said
    assert "still decided by the book of 23 November 2026 at 10:00am" in said
    (tmp_path / "book.yaml").write_text(book_with(EVERYTHING_TO_THE_DESK), "utf-8")
    said = said_by(await aisha.get("/cases/rules"))
    assert "refused" not in said
    assert "1. A person reads every report first." in said
