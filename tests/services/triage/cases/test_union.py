"""Possible trade union activity: the triage desk decides alone, and an exempt case keeps no trace of whom (C-j)."""

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text

from services.triage.cases.tables import CaseRow
from services.triage.reporters.handlers import add_information
from services.triage.reports.tables import NamedAccount, NamedSubject, Report
from shared.audit.verification import verify
from shared.auth.permissions import Role
from shared.events.intake import MisuseReportAmended, MisuseReportSubmitted
from shared.events.triage import CaseResolved
from tests.services.triage.builders import NOW, PRIYA, WRITER, envelope, misuse, open_cases
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.support.stuck import get_stuck, said

SERVICE = "triage"
DEV = PRIYA.model_copy(update={"staff_id": "S6001"})
CANARY = "canary-of-the-union"


async def asked(triage: Triage, **answers: object) -> MisuseReportSubmitted:
    told = misuse(
        **{
            "union_activity": "unsure",
            "subject": {"name": CANARY, "staff_id": CANARY, "handle": CANARY},
            "narrative": CANARY,
            "evidence_note": CANARY,
            "urls": (f"https://facebook.com/{CANARY}",),
            "handles": (CANARY,),
            **answers,
        }
    )
    await open_cases(triage.database, told)
    return told


async def row_of(triage: Triage) -> CaseRow:
    async with triage.database.transaction() as session:
        return (await session.scalars(select(CaseRow).where(CaseRow.link_number == 1))).one()


async def claimed(desk: AsyncClient, told: MisuseReportSubmitted) -> str:
    page = f"/cases/{told.reference}"
    assert (await press(desk, page, f"{page}/claim")).status_code == 303
    return page


@pytest.mark.policy("C-j")
async def test_what_is_exempt_is_closed_and_its_subject_is_erased_everywhere(triage: Triage, desk: AsyncClient) -> None:
    told = await asked(triage)
    page = await claimed(desk, told)
    await press(desk, page, f"{page}/note", text=f"I know {CANARY}")
    await press(desk, page, f"{page}/share", text=f"We look at {CANARY}")
    async with triage.database.transaction() as session:
        await session.execute(text("update outbox set published_at = now()"))
        await get_stuck(session, "triage", told.report_id, CANARY)
    await press(desk, page, f"{page}/share", text=f"It was {CANARY}")
    assert (await press(desk, page, f"{page}/exempt")).status_code == 303
    row = await row_of(triage)
    assert (row.state, row.outcome, row.kept_from) == ("closed", "exempt", [])
    async with triage.database.transaction() as session:
        assert (await session.scalars(select(NamedSubject))).all() == []
        assert (await session.scalars(select(NamedAccount))).all() == []
        for table in ("report", '"case"', "note", "activity", "decision"):
            rows = await session.scalar(text(f"select string_agg(t::text, ' ') from {table} t"))  # noqa: S608 - own tables
            assert CANARY not in (rows or ""), table
        sent = await session.scalars(text("select convert_from(value, 'utf8') from outbox where value is not null"))
        assert CANARY not in " ".join(sent)
        assert await said(session) == [f"case {told.report_id}"] * 2
        stored = await session.get_one(Report, told.report_id)
        assert not await verify(session)
    assert (stored.subject, stored.narrative) == (None, "")
    assert "Outside the policy" in (await desk.get(page)).text
    async with triage.client(Role.REPORTER, subject="S2001") as manager:
        assert (await manager.get(f"/cases/for-manager/{told.reference}")).status_code == 404


async def test_the_others_learn_how_it_ended_so_that_they_erase_too(triage: Triage, desk: AsyncClient) -> None:
    told = await asked(triage)
    page = await claimed(desk, told)
    await press(desk, page, f"{page}/exempt")
    row = await row_of(triage)
    async with triage.database.transaction() as session:
        query = text("select type, convert_from(value, 'utf8') as value from outbox where subject = :id order by id")
        events = (await session.execute(query, {"id": row.case_id})).all()
    assert [event.type for event in events][-2:] == ["case.resolved.v1", "case.closed.v1"]
    assert CaseResolved.model_validate_json(events[-2].value).outcome == "exempt"


@pytest.mark.policy("C-j")
@pytest.mark.parametrize("named", [{"subject": {"staff_id": "S6001"}}, {"reporter": DEV}, {}])
async def test_what_is_exempt_is_seen_by_nobody_but_whoever_decided_it(
    triage: Triage, desk: AsyncClient, named: dict[str, object]
) -> None:
    """The person it was about is erased, so nothing could hide it from them; who reported it still may not see it."""
    told = await asked(triage, **named)
    async with triage.client(Role.TRIAGE_DESK, subject="S6002") as colleague:
        page = await claimed(colleague, told)
        await press(colleague, page, f"{page}/exempt")
        assert told.reference in (await colleague.get("/cases?view=finished")).text
    assert (await desk.get(page)).status_code == 404
    assert told.reference not in (await desk.get("/cases?view=finished")).text
    assert (await desk.get("/cases/api/v1/cases")).json()["items"] == []


async def test_what_is_exempt_is_never_opened_again(triage: Triage, desk: AsyncClient) -> None:
    told = await asked(triage)
    page = await claimed(desk, told)
    await press(desk, page, f"{page}/exempt")
    assert "Reopen" not in (await desk.get(page)).text
    row = await row_of(triage)
    async with triage.client() as client:
        headers = {**triage.bearer(Role.TRIAGE_DESK, subject="S6001"), "If-Match": f'"{row.version}"'}
        again = await client.post(f"/cases/api/v1/cases/{row.case_id}/reopen", headers=headers)
    assert again.status_code == 409


@pytest.mark.policy("C-j")
async def test_what_its_reporter_adds_to_an_exempt_report_is_not_kept(triage: Triage, desk: AsyncClient) -> None:
    told = await asked(triage)
    page = await claimed(desk, told)
    await press(desk, page, f"{page}/exempt")
    more = MisuseReportAmended.model_validate({**told.model_dump(), "added_at": NOW, "text": CANARY})
    async with triage.database.transaction() as session:
        await add_information(session, [envelope(more, 2)], NOW, writer=WRITER)
    async with triage.database.transaction() as session:
        kept = await session.scalar(text("select string_agg(a::text, '') from activity a"))
        notes = await session.scalar(text("select count(*) from note"))
    assert notes == 0
    assert CANARY not in kept


@pytest.mark.policy("C-j", "R-d")
async def test_what_is_no_union_activity_goes_the_way_that_the_rules_say_then(
    triage: Triage, desk: AsyncClient
) -> None:
    told = await asked(triage, dwp_information="yes")
    page = await claimed(desk, told)
    sent = await press(desk, page, f"{page}/not-exempt", text="It is about a birthday")
    assert sent.status_code == 303
    row = await row_of(triage)
    assert (row.team, row.state, row.category, row.held_by) == (
        "line_manager", "new", "misuse", ["triage_desk", "line_manager"],
    )  # fmt: skip
    async with triage.database.transaction() as session:
        linked = (await session.scalars(select(CaseRow).where(CaseRow.link_number == 2))).one()
        told_of = await session.scalars(
            text("select type from outbox where subject = :id order by id"), {"id": row.case_id}
        )
        assert list(told_of)[-1] == "case.transferred.v1"
    assert (linked.team, linked.restricted, linked.kept_from) == ("sirt", True, row.kept_from)


@pytest.mark.policy("C-j")
async def test_nobody_hands_it_to_a_manager_before_that_is_decided(triage: Triage, desk: AsyncClient) -> None:
    told = await asked(triage)
    page = await claimed(desk, told)
    refused = await press(desk, page, f"{page}/transfer", team="line_manager", text="Theirs")
    assert refused.status_code == 422
    assert (await row_of(triage)).team == "triage_desk"


async def test_only_cases_about_union_activity_are_exempt(triage: Triage, desk: AsyncClient) -> None:
    told = misuse(behaviours=("other",))
    await open_cases(triage.database, told)
    page = await claimed(desk, told)
    assert "Close and erase" not in (await desk.get(page)).text
    assert (await press(desk, page, f"{page}/exempt")).status_code == 409
