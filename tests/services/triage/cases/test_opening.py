"""Reports become cases: a batch at a time, once each, with everything that a case needs."""

from collections import Counter
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import event, select, text

from services.triage.accounts.tables import KnownAccount
from services.triage.cases.queries import ids_of_report
from services.triage.cases.tables import CaseRow
from services.triage.deadlines.tables import DeadlineRow
from services.triage.reporters.handlers import open_for_reports
from services.triage.reports.tables import NamedAccount, Report
from services.triage.routing.queries import explain
from services.triage.routing.tables import StoredDecision
from shared.audit import chain
from shared.db.database import Database
from shared.events.intake import Person
from shared.events.vocabulary import Relation
from tests.services.triage.builders import BOOK, IDS, NOW, WRITER, envelope, open_cases, report

SERVICE = "triage"


async def one_case(database: Database, report_id: UUID) -> CaseRow:
    async with database.transaction() as session:
        return (await session.scalars(select(CaseRow).where(CaseRow.report_id == report_id))).one()


@pytest.mark.policy("S3")
async def test_a_report_becomes_one_case_of_smart_with_its_original_time(database: Database) -> None:
    told = report(submitted_at=NOW - timedelta(minutes=5))
    await open_cases(database, told)
    case = await one_case(database, told.report_id)
    assert (case.team, case.state, case.priority, case.reference) == ("smart", "new", "P3", told.reference)
    assert case.submitted_at == NOW - timedelta(minutes=5)
    async with database.transaction() as session:
        deadline = (await session.scalars(select(DeadlineRow).where(DeadlineRow.case_id == case.case_id))).one()
        decision = (await session.scalars(select(StoredDecision).where(StoredDecision.case_id == case.case_id))).one()
        activities = await chain.read(session, case.case_id)
    assert deadline.due_at == case.due_at == NOW + timedelta(hours=2, minutes=-5)
    assert (decision.rule, decision.clause) == ("abuse-of-a-user", "S3")
    assert [activity.action for activity in activities] == ["opened"]


async def test_the_same_report_delivered_twice_is_one_case(database: Database) -> None:
    told = report()
    await open_cases(database, told)
    await open_cases(database, told)
    await one_case(database, told.report_id)


async def test_a_batch_takes_a_handful_of_statements(database: Database) -> None:
    batch = [envelope(report(handles=(f"someone_{i}",))) for i in range(200)]
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    async with database.transaction() as session:
        await open_for_reports(session, batch, NOW, rulebook=lambda: BOOK, writer=WRITER)
    assert len(statements) <= 15
    async with database.transaction() as session:
        assert await session.scalar(text('select count(*) from "case"')) == 200


@pytest.mark.policy("C-c")
async def test_abuse_with_risk_to_the_department_opens_a_linked_case_for_sirt(database: Database) -> None:
    told = report(also_affects=("dwp_information",))
    await open_cases(database, told)
    async with database.transaction() as session:
        cases = (await session.scalars(select(CaseRow).order_by(CaseRow.link_number))).all()
        events = (await session.execute(text("select type, subject from outbox order by id"))).all()
    assert [(case.team, case.reference) for case in cases] == [
        ("smart", told.reference),
        ("sirt", f"{told.reference}-2"),
    ]
    assert [(kind, subject) for kind, subject in events] == [
        (kind, case.case_id) for case in cases for kind in ("case.opened.v1", "case.routed.v1")
    ]


@pytest.mark.parametrize("suffix", ["", "-2"])
async def test_any_reference_of_a_report_finds_all_its_cases(database: Database, suffix: str) -> None:
    told = report(also_affects=("dwp_information",))
    await open_cases(database, told, report())
    async with database.transaction() as session:
        found = await ids_of_report(session, told.reference + suffix)
        explained = await explain(session, list(found.values()))
        assert await ids_of_report(session, str(IDS.reference())) == {}
    assert [(name, explained[case_id].team) for name, case_id in found.items()] == [
        (told.reference, "smart"),
        (f"{told.reference}-2", "sirt"),
    ]


async def test_facts_know_the_class_of_the_account_that_a_link_names(database: Database) -> None:
    async with database.transaction() as session:
        session.add(
            KnownAccount(
                account_id=IDS.uuid(),
                platform="x",
                handle="some_union",
                account_class="union",
                status="live",
                sequence=1,
            )
        )
    told = report(urls=("https://x.com/some_union/status/1",))
    await open_cases(database, told)
    async with database.transaction() as session:
        decision = (await session.scalars(select(StoredDecision))).one()
    assert decision.rule == "abuse-from-a-union-account"
    assert decision.facts["account_classes"] == ["union"]


async def test_a_link_to_a_server_names_an_account_if_the_register_has_it(database: Database) -> None:
    official = KnownAccount(
        account_id=IDS.uuid(),
        platform="mastodon",
        handle="dept@social.example.net",
        account_class="official",
        status="live",
        sequence=1,
    )
    async with database.transaction() as session:
        session.add(official)
    links = [f"https://social.example.net/@{name}/1" for name in ("dept", "dept", "someone", "someone")]
    for number, link in enumerate(links):
        await open_cases(database, report(platform="other", urls=(link,)), now=NOW + timedelta(minutes=number))
    async with database.transaction() as session:
        rows = (await session.scalars(select(StoredDecision).order_by(StoredDecision.decided_at))).all()
    assert [row.facts["account_classes"] for row in rows if row.facts["account_classes"]] == [["official"]] * 2
    told = [row.facts["earlier_reports"] for row in rows]
    assert Counter(told) == {0: 3, 1: 1}


async def test_earlier_reports_of_the_same_account_are_counted(database: Database) -> None:
    for number in range(4):
        await open_cases(database, report(handles=("troll",)), now=NOW + timedelta(minutes=number))
    async with database.transaction() as session:
        rows = (await session.scalars(select(StoredDecision).order_by(StoredDecision.decided_at))).all()
    assert [row.facts["earlier_reports"] for row in rows] == [0, 1, 2, 3]
    assert [row.shadow for row in rows] == [[], [], [], ["repeated-account"]]


async def test_pages_of_a_platform_are_no_account_that_is_reported_again_and_again(database: Database) -> None:
    links = [f"https://www.instagram.com/share/{name}" for name in ("reel/BA1", "p/BA2", "BA3", "reel/BA4")]
    links += [f"https://www.facebook.com/{name}" for name in ("share/p/1/", "share/p/2/", "share/r/3/", "watch/?v=4")]
    await open_cases(database, *(report(urls=(link,)) for link in links))
    async with database.transaction() as session:
        rows = (await session.scalars(select(StoredDecision))).all()
        assert await session.scalar(text("select count(*) from named_account")) == 0
    assert {(row.facts["earlier_reports"], *row.shadow) for row in rows} == {(0,)}


async def test_a_post_and_a_handle_on_a_mastodon_server_name_one_account(database: Database) -> None:
    at = "social.example.net"
    by_link = report(platform="mastodon", urls=(f"https://{at}/@bad/1",))
    await open_cases(database, by_link, report(platform="mastodon", handles=(f"@bad@{at}", f"https://{at}/users/bad")))
    async with database.transaction() as session:
        named = (await session.execute(text("select account, count(*) from named_account group by 1"))).all()
    assert named == [(f"mastodon:bad@{at}", 2)]


async def test_reports_of_the_same_account_in_one_batch_are_counted_too(database: Database) -> None:
    await open_cases(database, *(report(handles=("troll",)) for _ in range(4)))
    async with database.transaction() as session:
        rows = (await session.scalars(select(StoredDecision))).all()
    assert {row.facts["earlier_reports"] for row in rows} == {0, 1, 2, 3}


async def test_nothing_that_somebody_wrote_or_is_called_is_in_a_decision_or_an_event(database: Database) -> None:
    canary = "canary-7f3a"
    told = report(
        narrative=canary,
        handles=(canary,),
        urls=(f"https://x.com/{canary}",),
        platform_name=canary,
        evidence_note=canary,
        suspected=(Person(relation=Relation.COLLEAGUE, name=canary, staff_id=canary, handle=canary),),
    )
    await open_cases(database, told)
    async with database.transaction() as session:
        facts = await session.scalar(text("select decision::text from decision"))
        outgoing = await session.scalar(
            text("select string_agg(convert_from(value, 'utf8') || headers, '') from outbox")
        )
        chained = await session.scalar(text("select string_agg(activity::text, '') from activity"))
    assert canary not in f"{facts}{outgoing}{chained}"


async def test_a_report_is_stored_as_it_was_given(database: Database) -> None:
    told = report(urls=("https://x.com/troll/status/1",), evidence_note="Screenshots", content_state="online")
    await open_cases(database, told)
    async with database.transaction() as session:
        stored = await session.get_one(Report, told.report_id)
        named = (await session.scalars(select(NamedAccount))).one()
    assert (stored.narrative, stored.evidence_note) == (told.narrative, "Screenshots")
    assert (stored.reporter_staff_id, stored.affected) == ("S1001", [{"relation": "self"}])
    assert (named.account, named.submitted_at) == ("x:troll", told.submitted_at)
