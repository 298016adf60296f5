"""What only SIRT does: confirm takeovers, watch the statutory deadline, see lateness and silence."""

from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text

from services.triage.accounts.tables import KnownAccount
from services.triage.cases.tables import CaseRow
from services.triage.deadlines.tables import DeadlineRow
from shared.auth.permissions import Role
from shared.events.triage import CaseCompromiseConfirmed
from tests.services.triage.builders import IDS, NOW, Submitted, incident, misuse, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
DAYS = timedelta(days=1)


async def page_of(triage: Triage, client: AsyncClient, told: Submitted) -> str:
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    assert (await press(client, page, f"{page}/claim")).status_code == 303
    return page


async def register(triage: Triage, handle: str) -> str:
    account = KnownAccount(
        account_id=IDS.uuid(), platform="x", handle=handle, account_class="official", status="live", sequence=1
    )
    async with triage.database.transaction() as session:
        session.add(account)
        await session.flush()
        return str(account.account_id)


@pytest.mark.policy("C-c", "D-official")
async def test_sirt_confirms_which_registered_accounts_are_taken_over(triage: Triage, maria: AsyncClient) -> None:
    official, other = await register(triage, "dwp"), await register(triage, "jobcentre")
    told = incident(account={"platform": "x", "handle": "@DWP", "taken_over": "yes"})
    page = await page_of(triage, maria, told)
    assert (await press(maria, page, f"{page}/confirm-taken-over")).status_code == 422
    assert (await press(maria, page, f"{page}/confirm-taken-over", account=other)).status_code == 409
    assert (await press(maria, page, f"{page}/confirm-taken-over", account=[official, other])).status_code == 303
    async with triage.database.transaction() as session:
        value = await session.scalar(
            text("select convert_from(value, 'utf8') from outbox where type = :type"),
            {"type": CaseCompromiseConfirmed.TYPE},
        )
    assert [str(one) for one in CaseCompromiseConfirmed.model_validate_json(value).account_ids] == [official]


async def test_smart_confirms_no_account(triage: Triage, sam: AsyncClient) -> None:
    account = await register(triage, "dwp")
    page = await page_of(triage, sam, report(handles=("dwp",)))
    assert "taken over" not in (await sam.get(page)).text
    assert (await press(sam, page, f"{page}/confirm-taken-over", account=account)).status_code == 409


@pytest.mark.policy("Sc-b")
async def test_72_hours_run_from_sirts_recorded_awareness_whatever_happens(triage: Triage, maria: AsyncClient) -> None:
    page = await page_of(triage, maria, incident(personal_data="unsure"))
    assert "Possible breach of personal data" in (await maria.get(page)).text
    triage.clock.move(timedelta(minutes=5))
    assert (await press(maria, page, f"{page}/breach", text="A list of names")).status_code == 303
    await press(maria, page, f"{page}/ask", text="How many?")
    triage.clock.move(timedelta(minutes=5))
    await press(maria, page, f"{page}/resolve", outcome="contained")
    assert "Possible breach" not in (await maria.get(page)).text
    async with triage.database.transaction() as session:
        clock = (await session.scalars(select(DeadlineRow).where(DeadlineRow.kind == "personal_data_breach"))).one()
        case = (await session.scalars(select(CaseRow))).one()
    assert (clock.started_at, clock.due_at) == (NOW + timedelta(minutes=5), NOW + 3 * DAYS + timedelta(minutes=5))
    assert (clock.paused_at, clock.met_at, case.due_at) == (None, None, clock.due_at)
    assert (await press(maria, page, f"{page}/breach-decided", text="The regulator is told")).status_code == 303
    async with triage.database.transaction() as session:
        decided = (await session.scalars(select(DeadlineRow).where(DeadlineRow.kind == "personal_data_breach"))).one()
        ended = (await session.scalars(select(CaseRow))).one()
    assert (decided.met_at, ended.due_at) == (NOW + timedelta(minutes=10), None)


@pytest.mark.policy("Sc-b")
async def test_no_other_team_starts_that_clock(triage: Triage, sam: AsyncClient) -> None:
    page = await page_of(triage, sam, report())
    assert (await press(sam, page, f"{page}/breach", text="Names")).status_code == 409


@pytest.mark.policy("C-i", "C-c")
async def test_lateness_is_seen_by_sirts_leads_alone_and_makes_no_case(triage: Triage, maria: AsyncClient) -> None:
    late, in_time = incident(discovered_at=NOW - 2 * DAYS), incident(discovered_at=NOW - timedelta(hours=23))
    await open_cases(triage.database, late, in_time)
    assert "2 days (late)" in (await maria.get(f"/cases/{late.reference}")).text
    assert "(late)" not in (await maria.get(f"/cases/{in_time.reference}")).text
    async with triage.client(Role.SIRT_RESPONDER, subject="S5001") as leo:
        assert "(late)" not in (await leo.get(f"/cases/{late.reference}")).text
    async with triage.database.transaction() as session:
        assert len((await session.scalars(select(CaseRow))).all()) == 2


@pytest.mark.policy("C-i")
async def test_a_failure_to_report_is_linked_to_its_incident_both_ways(triage: Triage, maria: AsyncClient) -> None:
    happened = incident()
    unsaid = misuse(behaviours=("failure_to_report",), related_reference=happened.reference.lower())
    await open_cases(triage.database, happened)
    await open_cases(triage.database, unsaid)
    linked = f"{unsaid.reference}-2"
    assert f'href="/cases/{happened.reference}"' in (await maria.get(f"/cases/{linked}")).text
    assert f'href="/cases/{linked}"' in (await maria.get(f"/cases/{happened.reference}")).text
    async with triage.client(Role.SIRT_RESPONDER, subject="S5001") as leo:
        assert linked not in (await leo.get(f"/cases/{happened.reference}")).text


@pytest.mark.policy("S1")
async def test_a_lead_of_smart_opens_a_linked_restricted_case_of_misuse(triage: Triage, aisha: AsyncClient) -> None:
    told = report(suspected=({"relation": "colleague", "staff_id": "S6001"},))
    page = await page_of(triage, aisha, told)
    assert (await press(aisha, page, f"{page}/open-misuse", text="In working time")).status_code == 303
    async with triage.database.transaction() as session:
        linked = (await session.scalars(select(CaseRow).where(CaseRow.link_number == 2))).one()
    assert (linked.team, linked.report_type, linked.restricted) == ("triage_desk", "misuse", True)
    async with triage.client(Role.TRIAGE_DESK, subject="S6001") as suspected:
        assert (await suspected.get(f"/cases/{linked.reference}")).status_code == 404
    async with triage.client(Role.TRIAGE_DESK, subject="S6009") as desk:
        assert (await desk.get(f"/cases/{linked.reference}")).status_code == 200


async def test_a_responder_of_smart_does_not(triage: Triage, sam: AsyncClient) -> None:
    page = await page_of(triage, sam, report())
    assert (await press(sam, page, f"{page}/open-misuse", text="In working time")).status_code == 409
