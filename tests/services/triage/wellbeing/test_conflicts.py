"""A responder who declares a conflict of interest sees nothing of the case, until a lead lets them in again."""

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text, update

from services.triage.cases.tables import CaseAccess, CaseRow
from services.triage.operations.queries import records
from shared.audit import chain
from shared.audit.verification import verify
from shared.auth.permissions import Role
from tests.services.triage.builders import incident, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
API = "/cases/api/v1/cases"


async def cases(triage: Triage) -> list[CaseRow]:
    async with triage.database.transaction() as session:
        return list(await session.scalars(select(CaseRow).order_by(CaseRow.reference)))


async def actions(triage: Triage, case: CaseRow) -> list[tuple[str, str]]:
    async with triage.database.transaction() as session:
        return [(one.action, one.actor) for one in await chain.read(session, case.case_id)]


async def test_who_declares_a_conflict_sees_nothing_of_the_case_or_its_linked_cases(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report(also_affects=("dwp_information",))
    await open_cases(triage.database, told, report())
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/claim")
    answer = await press(sam, f"{page}/step-back", f"{page}/conflict")
    assert (answer.status_code, answer.headers["location"]) == (303, "/cases/wellbeing?done=conflict")
    assert "You no longer see this case" in (await sam.get(answer.headers["location"])).text
    for there in (page, f"{page}/step-back", f"{page}/timeline", f"{page}/conversation", f"{page}/evidence"):
        assert (await sam.get(there)).status_code == 404
    assert told.reference not in (await sam.get("/cases")).text
    first, linked = [one for one in await cases(triage) if one.reference.startswith(told.reference)]
    listed = (await sam.get(API, headers=triage.bearer(Role.SMART_RESPONDER, Role.SIRT_LEAD))).json()["items"]
    assert {one["case_id"] for one in listed}.isdisjoint({str(first.case_id), str(linked.case_id)})
    assert (first.assignee, first.last_had_by) == (None, None)  # so that it is news for no one who left it
    assert ("conflict_declared", "S4001") in await actions(triage, linked)
    assert told.reference in (await aisha.get("/cases")).text
    assert "Declared a conflict of interest" in (await aisha.get(f"{page}/timeline")).text


async def test_whose_claim_ran_out_hears_no_more_of_the_case(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    async with triage.database.transaction() as session:
        await session.execute(update(CaseRow).values(last_had_by="s4001"))
    triage.by_hand.add("case")
    await press(sam, f"/cases/{told.reference}/step-back", f"/cases/{told.reference}/conflict")
    assert [one.last_had_by for one in await cases(triage)] == [None]


async def test_who_merged_a_case_that_they_claimed_can_still_step_back(triage: Triage, sam: AsyncClient) -> None:
    merged, main = report(), report()
    await open_cases(triage.database, merged, main)
    page = f"/cases/{merged.reference}"
    await press(sam, page, f"{page}/claim")
    assert (await press(sam, f"{page}/merge", f"{page}/merge", into=main.reference)).status_code == 303
    assert (await press(sam, f"{page}/step-back", f"{page}/conflict")).status_code == 303
    [case] = [one for one in await cases(triage) if one.reference == merged.reference]
    assert (case.state, case.merged_from, case.assignee) == ("merged", "new", None)
    assert case.kept_from == ["conflict:s4001"]


async def test_only_a_lead_who_sees_the_case_lets_them_in_again(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient, maria: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    [case], page = await cases(triage), f"/cases/{told.reference}"
    where = f"{API}/{case.case_id}/conflict"
    declared = [await sam.post(where, headers=triage.bearer(Role.SMART_RESPONDER)) for _ in range(2)]
    assert [one.status_code for one in declared] == [204, 404]
    for role, subject, status in (
        (Role.SMART_RESPONDER, "S4001", 404),
        (Role.SMART_RESPONDER, "S4003", 409),
        (Role.SIRT_LEAD, "S5002", 404),
        (Role.SMART_LEAD, "S4001", 404),  # a lead does not let themselves in
    ):
        async with triage.client() as client:
            client.headers.update(triage.bearer(role, subject=subject))
            answer = await client.post(f"{where}/end", json={"staff_id": "S4001"})
        assert answer.status_code == status
    assert "S4001" in (await aisha.get(f"{page}/step-back")).text
    by_aisha = {**triage.bearer(Role.SMART_LEAD, subject="S4002"), "If-Match": f'"{case.version}"'}
    async with triage.client() as client:  # nor is it given to them without their asking
        given = await client.post(f"{API}/{case.case_id}/assign", json={"assignee": "S4001"}, headers=by_aisha)
        task = {"title": "Ring the building", "assignee": "S4001"}
        asked = await client.post(f"{API}/{case.case_id}/tasks", json=task, headers=by_aisha)
    assert (given.status_code, asked.status_code) == (409, 409), given.text + asked.text
    async with triage.client(Role.SMART_RESPONDER, subject="S4003") as colleague:
        assert "Who has a conflict" not in (await colleague.get(f"{page}/step-back")).text
    answer = await press(aisha, f"{page}/step-back", f"{page}/step-back", staff_id="s4001")
    assert answer.status_code == 303
    assert (await sam.get(page)).status_code == 200
    again = await press(aisha, f"{page}/step-back", f"{page}/step-back", staff_id="S4001")
    assert (again.status_code, "has not declared" in again.text) == (409, True)
    assert "No one has declared one" in again.text
    said = [action for action, _ in await actions(triage, case)]
    assert said[-2:] == ["conflict_declared", "conflict_ended"]


async def test_a_linked_case_opened_later_is_kept_from_them_too(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(sam, f"{page}/step-back", f"{page}/conflict")
    await press(aisha, page, f"{page}/claim")
    assert (await press(aisha, page, f"{page}/open-misuse", text="A colleague did it")).status_code == 303
    async with triage.client(Role.TRIAGE_DESK, subject="S4001") as desk:
        assert (await desk.get(f"{page}-2")).status_code == 404
    async with triage.client(Role.TRIAGE_DESK, subject="S6001") as desk:
        assert (await desk.get(f"{page}-2")).status_code == 200


@pytest.mark.parametrize("named", [True, False])
async def test_a_case_that_only_leads_see_goes_to_the_desk_if_its_lead_steps_back(
    triage: Triage, aisha: AsyncClient, *, named: bool
) -> None:
    told = report()
    await open_cases(triage.database, told)
    [case], page = await cases(triage), f"/cases/{told.reference}"
    triage.by_hand.update({"case", "access"})
    async with triage.database.transaction() as session:
        await session.execute(update(CaseRow).values(restricted=True))
        session.add_all(CaseAccess(case_id=case.case_id, subject=one) for one in ["S4001"] * named + ["S4002"])
    warned = "the triage desk gets it" in (await aisha.get(f"{page}/step-back")).text
    await press(aisha, f"{page}/step-back", f"{page}/conflict")
    [after] = await cases(triage)
    assert (warned, after.team) == ((False, "smart") if named else (True, "triage_desk"))
    async with triage.client(Role.TRIAGE_DESK, subject="S6001") as desk:
        assert (await desk.get(page)).status_code == (404 if named else 200)
    async with triage.database.transaction() as session:
        due = await session.scalar(text("select count(*) from deadline where kind = 'take_over' and met_at is null"))
    assert due == (0 if named else 1)


@pytest.mark.parametrize("step", ["conflict", "hand-over"])
async def test_the_tasks_of_who_steps_back_are_for_who_has_the_case_next(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient, step: str
) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/claim")
    day = {f"follow_up-{name}": value for name, value in (("day", "30"), ("month", "11"), ("year", "2026"))}
    offered = await press(sam, f"{page}/tasks", f"{page}/tasks/support", support="offered", **day)
    assert offered.status_code == 303, offered.text
    assert (await press(sam, f"{page}/step-back", f"{page}/{step}")).status_code == 303
    await press(aisha, page, f"{page}/claim")
    assert "Ask the person affected how they are" in (await aisha.get("/cases/tasks")).text
    async with triage.database.transaction() as session:
        assert await verify(session, records=records) == []


async def test_a_conflict_that_is_taken_out_by_hand_is_found(triage: Triage, maria: AsyncClient) -> None:
    told = incident()
    await open_cases(triage.database, told)
    await press(maria, f"/cases/{told.reference}/step-back", f"/cases/{told.reference}/conflict")
    triage.by_hand.add("case")
    async with triage.database.transaction() as session:
        await session.execute(update(CaseRow).values(kept_from=[]))
        [broken] = await verify(session, records=records)
    assert broken.fields == ("case",)
