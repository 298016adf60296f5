"""Reports of every kind become cases: typed answers kept, each published once, read on one page."""

from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import event, select, text

from services.triage.accounts.tables import KnownAccount
from services.triage.cases.tables import CaseRow
from services.triage.cases.writer import CaseWriter
from services.triage.deadlines.domain import DeadlinePolicy, Timekeeper
from services.triage.reporters.handlers import open_for_reports
from services.triage.reports.domain import TriageReport
from services.triage.reports.normalise import normalise
from services.triage.reports.tables import NamedSubject, Report
from services.triage.routing.tables import StoredDecision
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events.triage import CaseRouted
from shared.events.vocabulary import ReportType
from shared.messaging.outbox import Outbox
from tests.services.triage.builders import (
    BOOK,
    IDS,
    NOW,
    OFFICE,
    WRITER,
    Submitted,
    enquiry,
    envelope,
    exception,
    incident,
    misuse,
    open_cases,
    report,
)
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
SATURDAY = NOW + timedelta(days=5, hours=10)


async def routed(database: Database) -> list[CaseRouted]:
    async with database.transaction() as session:
        query = text("select convert_from(value, 'utf8') from outbox where type = :type order by id")
        values = await session.scalars(query, {"type": CaseRouted.TYPE})
        return [CaseRouted.model_validate_json(value) for value in values]


@pytest.mark.parametrize(
    ("told", "kind", "team", "happened"),
    [
        (report(), "abuse", "smart", ["harassment"]),
        (misuse(), "misuse", "line_manager", ["speaks_for_department"]),
        (incident(effects=("loss", "access")), "security_incident", "sirt", ["loss", "access"]),
        (enquiry(about="training"), "enquiry", "advice_centre", ["training"]),
        (exception(kind="notice"), "policy_exception", "policy_standards", ["notice"]),
        (incident(behaviours=("doxing",), asset_owner="unsure"), "abuse", "smart", ["doxing"]),
        (misuse(behaviours=("harassment",)), "abuse", "smart", ["harassment"]),
    ],
)
async def test_each_kind_becomes_a_case_of_what_it_is(
    database: Database, told: Submitted, kind: str, team: str, happened: list[str]
) -> None:
    await open_cases(database, told)
    async with database.transaction() as session:
        case = (await session.scalars(select(CaseRow))).one()
        stored = await session.get_one(Report, told.report_id)
    assert (case.report_type, case.team, case.behaviours) == (kind, team, happened)
    assert (case.reference, case.submitted_at, stored.narrative) == (told.reference, told.submitted_at, told.narrative)


async def test_the_answers_of_each_form_are_kept_as_they_were_given(database: Database) -> None:
    lost = incident(
        asset_note="A blue laptop", people_affected=12, own_mistake=True, account={"platform": "x", "handle": "dwp"}
    )
    seen = misuse(account_kind="official", device="dwp", own_time="no", dwp_information="unsure")
    asked = exception(business_case="A campaign", wanted_until="2027-01-31", platform="x")
    await open_cases(database, lost)
    await open_cases(database, seen)
    await open_cases(database, asked)
    async with database.transaction() as session:
        of_lost, of_seen, of_asked = [await session.get_one(Report, one.report_id) for one in (lost, seen, asked)]
    assert (of_lost.asset_note, of_lost.people_affected, of_lost.own_mistake) == ("A blue laptop", 12, True)
    assert (of_lost.account_handle, of_lost.platform, of_lost.discovered_at) == ("dwp", "x", lost.discovered_at)
    assert of_seen.subject == {"name": "Dana Wolf", "staff_id": "S7001"}
    assert (of_seen.account_kind, of_seen.device, of_seen.own_time) == ("official", "dwp", "no")
    assert (of_seen.dwp_information, of_seen.union_activity) == ("unsure", "no")
    assert (of_asked.business_case, str(of_asked.wanted_until), of_asked.manager_alert) == (
        "A campaign", "2027-01-31", None,
    )  # fmt: skip


@pytest.mark.policy("S3")
async def test_what_is_told_of_a_route_says_form_category_priority_and_who_is_at_work(database: Database) -> None:
    told = incident(behaviours=("harassment",), effects=("disclosure",), submitted_at=SATURDAY)
    await open_cases(database, told, now=SATURDAY)
    first, linked = await routed(database)
    assert (first.team, first.form, first.report_type, first.misdirected) == (
        "smart", ReportType.SECURITY_INCIDENT, ReportType.ABUSE, True,
    )  # fmt: skip
    assert (first.category, first.priority, first.restricted, first.linked, first.staffed) == (
        "abuse", "P3", False, False, False,
    )  # fmt: skip
    assert (linked.team, linked.report_type, linked.misdirected, linked.linked, linked.staffed) == (
        "sirt", ReportType.SECURITY_INCIDENT, False, True, True,
    )  # fmt: skip


@pytest.mark.policy("R-c")
async def test_misuse_by_the_same_person_or_account_is_a_repeat(database: Database) -> None:
    subjects = [
        {"staff_id": "S7001", "name": "Dana Wolf"},
        {"staff_id": "s7001 "},
        {"name": "Dana Wolf"},
        {"handle": "@Dana_W"},
        {"handle": "dana_w", "staff_id": "S7002"},
        {"handle": "https://www.facebook.com/pg/eee.five/"},
        {"handle": "https://www.facebook.com/pg/fff.six/"},
        {"handle": "https://www.facebook.com/share/p/1/"},
        {"handle": "https://www.facebook.com/share/p/2/"},
    ]
    for number, subject in enumerate(subjects):
        platform = "facebook" if "facebook" in subject.get("handle", "") else "x"
        await open_cases(database, misuse(subject=subject, platform=platform), now=NOW + timedelta(minutes=number))
    async with database.transaction() as session:
        decisions = select(StoredDecision).join(CaseRow, CaseRow.case_id == StoredDecision.case_id)
        first = decisions.where(CaseRow.link_number == 1).order_by(StoredDecision.decided_at)
        repeats = [row.facts["repeats"] for row in await session.scalars(first)]
        keys = {row.key for row in await session.scalars(select(NamedSubject))}
    pages = {"account:facebook:eeefive", "account:facebook:fffsix"}
    assert repeats == [0, 1, 0, 0, 1, 0, 0, 0, 0]
    assert keys == {"id:s7001", "account:x:dana_w", "id:s7002"} | pages


@pytest.mark.policy("R-c")
async def test_what_is_a_repeat_does_not_depend_on_who_came_in_the_same_batch(database: Database) -> None:
    again = misuse(subject={"staff_id": "S7001"})
    await open_cases(database, misuse(), misuse(subject={"staff_id": "S7002"}), again, *(misuse() for _ in range(11)))
    async with database.transaction() as session:
        decisions = select(StoredDecision).join(CaseRow, CaseRow.case_id == StoredDecision.case_id)
        rows = await session.scalars(decisions.where(CaseRow.link_number == 1))
        repeats = sorted(int(str(row.facts["repeats"])) for row in rows)
        teams = set(await session.scalars(select(CaseRow.team).where(CaseRow.report_id == again.report_id)))
    assert repeats == [0, 0, *range(1, 10), 10, 10, 10]
    assert teams == {"line_manager", "sirt"}


async def test_facts_know_what_the_register_sanctions(database: Database) -> None:
    async with database.transaction() as session:
        session.add(
            KnownAccount(
                account_id=IDS.uuid(),
                platform="linkedin",
                handle="in/dana",
                account_class="linkedin",
                status="live",
                official_use=True,
                sequence=1,
            )
        )
    await open_cases(database, misuse(platform="linkedin", urls=("https://www.linkedin.com/in/dana",)))
    async with database.transaction() as session:
        decisions = (await session.scalars(select(StoredDecision))).all()
    assert {row.facts["sanctioned"] for row in decisions} == {True}
    assert {row.team for row in decisions} == {"line_manager", "sirt"}


@pytest.mark.policy("C-c")
async def test_a_possible_takeover_of_a_registered_account_calls_out_who_is_not_at_work(database: Database) -> None:
    nobody_at_night = CaseWriter(DeadlinePolicy(Timekeeper(OFFICE), frozenset()), IDS, Outbox("triage", IDS))
    async with database.transaction() as session:
        official = {"platform": "x", "handle": "sampledept", "account_class": "official", "status": "live"}
        session.add(KnownAccount(account_id=IDS.uuid(), sequence=1, **official))
    accounts = [("sampledept", "no"), ("sampledept", "unsure"), ("sampledept", "yes"), ("someone", "unsure")]
    told = [
        incident(account={"platform": "x", "handle": handle, "taken_over": answer}, submitted_at=SATURDAY)
        for handle, answer in accounts
    ]
    async with database.transaction() as session:
        batch = [envelope(one) for one in told]
        await open_for_reports(session, batch, SATURDAY, rulebook=lambda: BOOK, writer=nobody_at_night)
    cases = {case.report_id: case for case in await routed(database)}
    assert [cases[one.report_id].priority for one in told] == ["P3", "P2", "P1", "P3"]
    assert {(case.team, case.staffed) for case in cases.values()} == {("sirt", False)}


@pytest.mark.parametrize("make", [misuse, incident, enquiry], ids=["misuse", "incident", "enquiry"])
async def test_a_batch_of_any_kind_takes_a_handful_of_statements(
    database: Database, make: Callable[[], Submitted]
) -> None:
    batch = [envelope(make()) for _ in range(100)]
    statements: list[str] = []
    event.listen(database.engine.sync_engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
    async with database.transaction() as session:
        await open_for_reports(session, batch, NOW, rulebook=lambda: BOOK, writer=WRITER)
    assert len(statements) <= 16


PAGES = [
    (
        Role.SIRT_LEAD,
        incident(own_mistake=True, personal_data="yes"),
        ["Something was lost or stolen", "By accident", "Thank them"],
    ),
    (Role.SIRT_RESPONDER, misuse(account_kind="official", taken_over="yes"), ["Someone else controls", "Dana Wolf"]),
    (Role.ADVICE_CENTRE, enquiry(about="training"), ["Training", "Priya Shah"]),
    (Role.POLICY_STANDARDS, exception(kind="notice"), ["Notice of an activity"]),
    (Role.TRIAGE_DESK, misuse(behaviours=("other",), account_kind="personal"), ["Dana Wolf", "Personal", "Facebook"]),
    (Role.SMART_LEAD, incident(behaviours=("doxing",), asset_owner="unsure"), ["Doxing", "sent using another form"]),
]


@pytest.mark.policy("C-e", "X1", "C-c")
@pytest.mark.parametrize(("role", "told", "words"), PAGES, ids=[role for role, _, _ in PAGES])
async def test_the_team_of_each_kind_reads_its_answers_and_ends_its_case(
    triage: Triage, role: Role, told: Submitted, words: list[str]
) -> None:
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    async with triage.client(role, subject="S9001") as responder:
        assert told.reference in (await responder.get("/cases")).text
        seen = "".join([(await responder.get(f"{page}{tab}")).text for tab in ("", "/timeline", "/routing", "/audit")])
        for word in words:
            assert word in seen
        assert told.narrative not in seen
        await press(responder, page, f"{page}/claim")
        [outcome] = await first_outcomes(responder, page)
        assert (await press(responder, page, f"{page}/resolve", outcome=outcome)).status_code == 303


async def first_outcomes(client: AsyncClient, page: str) -> list[str]:
    options = (await client.get(page)).text.partition('id="resolve-outcome"')[2].split('<option value="')
    return [options[2].partition('"')[0]]


async def test_a_queue_is_filtered_by_kind(triage: Triage, maria: AsyncClient) -> None:
    lost, found = incident(), misuse(found_by="monitoring")
    await open_cases(triage.database, lost)
    await open_cases(triage.database, found)
    assert lost.reference not in (await maria.get("/cases?type=misuse")).text
    page = (await maria.get("/cases?type=misuse&behaviour=speaks_for_department")).text
    assert found.reference in page
    assert "Misuse: speaks for DWP without permission" in page
    assert "Restricted" in page


async def test_an_outcome_of_another_kind_is_refused(triage: Triage, maria: AsyncClient) -> None:
    told = incident()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(maria, page, f"{page}/claim")
    assert (await press(maria, page, f"{page}/resolve", outcome="removed_by_platform")).status_code == 422
    assert (await press(maria, page, f"{page}/transfer", team="line_manager", text="Theirs")).status_code == 422


IN_ANOTHER_SHAPE = {"reporter", "abuse_behaviours", "account", "kind"}
"""Fields of events whose answers the model keeps under other names."""
FOR_OTHERS = {"manager_email"}
"""Fields that triage does not use."""


@pytest.mark.parametrize("told", [report(), misuse(), incident(), enquiry(), exception()], ids=lambda told: told.TYPE)
def test_no_answer_of_an_event_is_lost_on_the_way_into_the_one_model(told: Submitted) -> None:
    known = {field.name for field in fields(TriageReport)} | IN_ANOTHER_SHAPE | FOR_OTHERS
    assert set(type(told).model_fields) <= known
    assert normalise(told).report_id == told.report_id
