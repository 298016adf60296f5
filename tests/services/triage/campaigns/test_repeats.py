"""People who are targeted again: what a case says of it, and the list, for what its reader may see."""

from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import event, select, update

from services.triage.campaigns import pages, repeats
from services.triage.campaigns.domain import told_again
from services.triage.cases.tables import CaseRow
from shared.auth.permissions import Role
from shared.events.intake import AbuseReportSubmitted, Person
from shared.events.vocabulary import Relation, Team
from tests.services.triage.builders import NOW, misuse, open_cases, viewer
from tests.services.triage.campaigns.test_suggestions import swept, told
from tests.services.triage.conftest import Triage
from tests.services.triage.plans import plans_of

SERVICE = "triage"
LIST = "/cases/repeat"


def about(name: str, days: int, staff_id: str | None = None, **changes: object) -> AbuseReportSubmitted:
    """Return a report about a person, of so many days ago."""
    person = Person(relation=Relation.COLLEAGUE, name=name, staff_id=staff_id)
    return told(affected=(person,), submitted_at=NOW - timedelta(days=days), **changes)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (0, 0, ""),
        (2, 0, "Third report about the same person in 30 days"),
        (1, 2, "Second report about the same person in 30 days; 2 more came since"),
        (0, 1, "1 report about the same person came in the 30 days after it"),
        (10, 0, "11th report about the same person in 30 days"),
        (21, 0, "22nd report about the same person in 30 days"),
        (100, 100, "More than 99 reports about the same person in 30 days; more than 99 more came since"),
        (0, 100, "More than 99 reports about the same person came in the 30 days after it"),
    ],
)
def test_how_often_a_person_was_targeted_is_said_in_words(before: int, after: int, said: str) -> None:
    assert told_again(before, after, 99) == said


async def test_a_case_says_that_its_person_is_targeted_again_and_lists_what_came_before(
    triage: Triage, sam: AsyncClient
) -> None:
    old, first, second = about("Grace Okafor", 45), about("Grace Okafor", 20), about("okafor, grace", 10, "S8001")
    third, other = about("Gracie O", 1, "s8001"), about("Dana Wolf", 1)
    elsewhere = misuse(affected=second.affected, submitted_at=NOW - timedelta(days=5))
    kept = about("Grace Okafor", 3, suspected=(Person(relation=Relation.COLLEAGUE, name="Sam Reid", staff_id="S4001"),))
    await open_cases(triage.database, old, first, second, third, other, elsewhere, kept)
    await swept(triage.database)
    for case, said in (
        (first, "Second report about the same person in 30 days; 1 more came since"),
        (second, "Second report about the same person in 30 days; 1 more came since"),
        (third, "Second report about the same person in 30 days"),
        (other, None),
    ):
        page = (await sam.get(f"/cases/{case.reference}")).text
        assert (f">{said}</a>" in page) if said else ("about the same person" not in page), case.reference
    assert f'id="{third.reference}" href="/cases/{third.reference}?from=list%3Drepeat"' in (await sam.get(LIST)).text
    related = (await sam.get(f"/cases/{second.reference}/related")).text
    earlier = related.partition('id="earlier"')[2].partition("Other cases that share")[0]
    assert (str(first.reference) in earlier, str(old.reference) in earlier) == (True, True)
    assert str(third.reference) not in earlier
    for hidden in (elsewhere, kept):
        assert str(hidden.reference) not in related
    async with triage.database.transaction() as session:
        case_id = await session.scalar(select(CaseRow.case_id).where(CaseRow.report_id == second.report_id))
    async with triage.client() as client:
        whole = (await client.get(f"/cases/api/v1/cases/{case_id}", headers=triage.bearer(Role.SMART_RESPONDER))).json()
    assert whole["same_person"] == {"before": 1, "after": 1}
    assert {one["reference"] for one in whole["related"]} == {str(one.reference) for one in (old, first, third)}


async def test_the_list_has_each_person_once_and_only_by_what_its_reader_may_see(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "No one here is targeted again" in (await sam.get(LIST)).text
    grace = [about("Grace Okafor", days, "S8001") for days in (1, 2, 12)]
    femi = [about("Femi Ade Bello", days) for days in (3, 30)]
    once = [about("Dana Wolf", 2), about("Dana Wolf", 40)]
    lee = about("Lee Marsh", 4)
    before_lee = misuse(affected=lee.affected, submitted_at=NOW - timedelta(days=9))
    after_grace = misuse(affected=grace[0].affected)
    await open_cases(triage.database, *grace, *femi, *once, lee, before_lee, after_grace)
    await swept(triage.database)
    seen = (await sam.get(LIST)).text
    assert seen.count("reports in 30 days") == 2
    assert seen.index("3 reports in 30 days") < seen.index("Ade Bello Femi") < seen.index("2 reports in 30 days")
    assert all(str(one.reference) in seen for one in (*grace, *femi))
    assert not any(str(one.reference) in seen for one in (*once, lee))
    monkeypatch.setattr(pages, "PAGE_SIZE", 1)
    first = (await sam.get(LIST)).text
    cursor = first.partition("cursor=")[2].partition('"')[0]
    assert ("Femi" in first, bool(cursor)) == (False, True)
    theirs = update(CaseRow).where(CaseRow.report_id.in_([one.report_id for one in grace]))
    async with triage.database.transaction() as session:  # meanwhile he may not see the cases of the first page
        await session.execute(theirs.values(team=Team.SIRT))
    later = (await sam.get(f"{LIST}?cursor={cursor}")).text
    assert ("Femi" in later, str(grace[0].reference) in later, "cursor=" in later) == (True, False, False)
    async with triage.database.transaction() as session:
        await session.execute(theirs.values(team=Team.SMART))
    async with triage.client(Role.SIRT_RESPONDER, subject="S5001") as leo:
        assert "No one here is targeted again" in (await leo.get(LIST)).text


async def test_older_people_are_found_behind_many_others_and_a_place_holds_when_its_case_goes(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeats, "MOST_WALKED", 4)
    monkeypatch.setattr(repeats, "ROUNDS", 1)
    others = [about(f"Femi Bello {word}", days) for days, word in enumerate("abcdef", start=1)]
    grace = [about("Grace Okafor", days) for days in (12, 20)]
    await open_cases(triage.database, *others, *grace)
    await swept(triage.database)
    page, read = (await sam.get(LIST)).text, 1
    while "Grace" not in page:
        assert "No one here is targeted again" not in page
        assert "This page looked at reports since" in page
        cursor = page.partition("cursor=")[2].partition('"')[0]
        page, read = (await sam.get(f"{LIST}?cursor={cursor}")).text, read + 1
    assert read == 3
    assert "No one" in (await sam.get(f"{LIST}?cursor=1.{'0' * 32}")).text
    for wrong in ("x", str(grace[0].report_id), f"1.{'g' * 32}"):
        assert (await sam.get(f"{LIST}?cursor={wrong}")).status_code in {400, 404, 422}


async def test_the_list_takes_few_statements_and_uses_its_indexes(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, *(about(f"Femi Bello {n % 5}", n % 7) for n in range(20)))
    await swept(triage.database)
    statements: list[str] = []
    event.listen(triage.database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    await sam.get(LIST)
    assert len(statements) <= 5, statements
    plan, *_ = await plans_of(
        triage.database,
        lambda session: repeats.again(session, viewer(Team.SMART), NOW, None, 20),
        without="sort",
    )
    assert "ix_case_key_person" in plan, plan
