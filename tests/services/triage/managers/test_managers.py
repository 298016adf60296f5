"""Misuse is worked by the subject's manager: chosen by notifier, followed here (R-d)."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from uuid import UUID

import pytest
from httpx import AsyncClient
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.tables import CaseRow
from services.triage.managers.handlers import manager_acted, manager_assigned, referred
from shared.audit import chain
from shared.audit.verification import verify
from shared.auth.permissions import Role
from shared.db.database import Database
from shared.events.envelope import Envelope, Event
from shared.events.intake import AbuseReportSubmitted, MisuseReportSubmitted
from shared.events.notifier import ManagerActionRecorded, ManagerAssigned, SirtReferralRequested
from shared.events.vocabulary import Team
from tests.services.triage.builders import IDS, NOW, WRITER, misuse, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.support.people import announce

SERVICE = "triage"
MANAGER = "S2001"
LATER = NOW + timedelta(hours=1)
Said = ManagerAssigned | ManagerActionRecorded | SirtReferralRequested
HANDLERS: Mapping[type[Said], Callable[..., Awaitable[None]]] = {
    ManagerAssigned: manager_assigned,
    ManagerActionRecorded: manager_acted,
    SirtReferralRequested: referred,
}


async def say(database: Database, said: Said) -> None:
    async with database.transaction() as session:
        await hear(session, said)


async def hear(session: AsyncSession, said: Said) -> None:
    told: Envelope[Event] = Envelope(str(IDS.uuid()), "/signpost/notifier", str(said.case_id), None, LATER, said)
    await HANDLERS[type(said)](session, [told], LATER, writer=WRITER)


async def rows(database: Database) -> list[CaseRow]:
    async with database.transaction() as session:
        return list(await session.scalars(select(CaseRow).order_by(CaseRow.link_number)))


async def told_of(database: Database, case_id: UUID) -> list[str]:
    async with database.transaction() as session:
        query = text("select type from outbox where subject = :case order by id")
        return list(await session.scalars(query, {"case": case_id}))


async def assigned(database: Database, manager: str | None = MANAGER, **answers: object) -> CaseRow:
    await open_cases(database, misuse(**answers))
    [case] = await rows(database)
    reason = "subjects_manager" if manager else "fallback_no_manager_known"
    about = {"case_id": case.case_id, "report_id": case.report_id, "at": LATER, "manager": manager, "reason": reason}
    await say(database, ManagerAssigned.model_validate(about))
    return (await rows(database))[0]


def action(case: CaseRow, kind: str = "informal_action") -> ManagerActionRecorded:
    about = {"case_id": case.case_id, "report_id": case.report_id, "at": LATER, "manager": MANAGER}
    return ManagerActionRecorded.model_validate({**about, "action": kind, "acted_on": date(2026, 11, 20)})


def referral(case: CaseRow) -> SirtReferralRequested:
    return SirtReferralRequested(case_id=case.case_id, report_id=case.report_id, at=LATER, manager=MANAGER)


@pytest.mark.policy("R-d")
async def test_a_managers_action_ends_the_case_with_that_outcome(database: Database) -> None:
    case = await assigned(database)
    assert (case.team, case.manager, case.restricted) == ("line_manager", MANAGER, True)
    await say(database, action(case))
    [ended] = await rows(database)
    assert (ended.state, ended.outcome, ended.due_at) == ("resolved", "informal_action", None)
    assert (await told_of(database, case.case_id))[-1] == "case.resolved.v1"
    async with database.transaction() as session:
        last = (await chain.read(session, case.case_id))[-1]
        assert not await verify(session)
    assert (last.after["action"], last.after["acted_on"]) == ("informal_action", "2026-11-20")


async def test_an_action_recorded_twice_ends_the_case_once(database: Database) -> None:
    case = await assigned(database)
    await say(database, action(case))
    await say(database, action(case, "advice_given"))
    assert (await rows(database))[0].outcome == "informal_action"
    assert (await told_of(database, case.case_id)).count("case.resolved.v1") == 1


async def test_an_action_that_cannot_be_read_is_for_the_triage_desk(database: Database) -> None:
    case = await assigned(database)
    await say(database, action(case, "something new"))
    [moved] = await rows(database)
    assert (moved.team, moved.state, moved.manager) == ("triage_desk", "new", None)


@pytest.mark.policy("R-d")
async def test_a_case_for_which_there_is_no_manager_goes_to_the_triage_desk(database: Database) -> None:
    case = await assigned(database, manager=None)
    assert (case.team, case.manager, case.transfers) == ("triage_desk", None, 1)
    assert (await told_of(database, case.case_id))[-1] == "case.transferred.v1"


async def test_two_referrals_at_once_open_one_case(database: Database) -> None:
    case = await assigned(database)
    async with database.transaction() as session:
        await hear(session, referral(case))
        other = asyncio.create_task(say(database, referral(case)))
        async with database.transaction() as watch:
            while not other.done() and not await watch.scalar(text("select count(*) from pg_locks where not granted")):
                await asyncio.sleep(0.01)
    await other
    assert [row.reference[-2:] for row in await rows(database)][1:] == ["-2"]


@pytest.mark.policy("R-c")
async def test_a_referral_opens_a_linked_restricted_case_of_sirt_and_the_manager_keeps_theirs(
    database: Database,
) -> None:
    case = await assigned(database)
    await say(database, referral(case))
    await say(database, referral(case))
    first, linked = await rows(database)
    assert (first.team, first.state) == ("line_manager", "new")
    assert (linked.team, linked.reference, linked.restricted) == ("sirt", f"{first.reference}-2", True)
    assert linked.kept_from == first.kept_from
    assert linked.due_at
    assert await told_of(database, linked.case_id) == ["case.opened.v1", "case.routed.v1"]


async def test_a_referral_beside_a_case_that_sirt_has_opens_no_second_one_and_is_recorded_there(
    database: Database,
) -> None:
    await open_cases(database, misuse(dwp_information="yes"))
    await say(database, referral((await rows(database))[0]))
    of_the_manager, of_sirt = await rows(database)
    assert (of_the_manager.team, of_sirt.team) == ("line_manager", "sirt")
    async with database.transaction() as session:
        for case in (of_the_manager, of_sirt):
            assert (await chain.read(session, case.case_id))[-1].action == "referred_to_sirt"


@pytest.mark.policy("R-d")
async def test_the_manager_sees_the_allegation_and_never_who_reported(triage: Triage) -> None:
    case = await assigned(triage.database, narrative="They post as if they were us", evidence_note="A screenshot")
    page = f"/cases/for-manager/{case.reference}"
    await announce(triage.database, NOW, S1001="Priya Shah", S7001="Dana Wolf")
    async with triage.client(Role.REPORTER, subject=MANAGER) as grace:
        seen = (await grace.get(page)).text
        shown = await press(grace, page, page)
    assert "Dana Wolf" in seen
    assert "Speaks for DWP without permission" in seen
    for what in ("action", "refer"):
        assert f'href="/alerts/my-team/cases/{case.case_id}/{what}"' in seen
    assert "They post as if they were us" not in seen
    assert "They post as if they were us" in shown.text
    assert "A screenshot" in shown.text
    assert "Act by 24 November 2026" in seen
    assert seen.index("What you do") < seen.index('id="evidence"')
    await say(triage.database, referral(case))
    async with triage.client(Role.REPORTER, subject=MANAGER) as grace:
        later = (await grace.get(page)).text
    assert "You referred the case to the Security Incident Response Team (SIRT) on" in later
    assert f"{case.case_id}/refer" not in later
    for word in ("Priya", "priya.shah", "S1001", "Reported by"):
        assert word not in seen + shown.text
    async with triage.database.transaction() as session:
        actions = [(one.action, one.actor) for one in await chain.read(session, case.case_id)]
    assert ("manager_looked", MANAGER) in actions
    assert ("content_shown", MANAGER) in actions


@pytest.mark.policy("R-d")
@pytest.mark.parametrize(
    "as_affected",
    [{"relation": "self", "name": "Priya Shah"}, {"relation": "colleague", "staff_id": "S1001", "name": "P Shah"}],
)
async def test_the_manager_never_learns_that_whoever_is_affected_reported_it(
    triage: Triage, as_affected: dict[str, str]
) -> None:
    others = {"relation": "colleague", "name": "Tom Evans"}
    told = misuse(abuse_behaviours=("harassment",), affected=(as_affected, others))
    seen = await _as_its_manager_sees_it(triage, told)
    assert "Tom Evans" in seen
    for word in ("Priya", "Shah", "S1001", "The reporter"):
        assert word not in seen


@pytest.mark.policy("R-d")
async def test_the_manager_never_learns_of_the_incident_that_it_is_linked_to(triage: Triage) -> None:
    told = misuse(behaviours=("failure_to_report",), related_reference="SP-7K3M-Q9XC")
    seen = await _as_its_manager_sees_it(triage, told)
    assert "Did not report an incident" in seen
    assert "SP-7K3M" not in seen


@pytest.mark.policy("R-d", "S1")
async def test_the_manager_reads_whom_abuse_names_where_misuse_is_seen_beside_it(triage: Triage) -> None:
    suspected = {"relation": "colleague", "name": "Dana Wolf"}
    seen = await _as_its_manager_sees_it(triage, report(suspected=(suspected,)))
    assert "Dana Wolf" in seen
    assert "Harassment" in seen
    assert "The reporter" not in seen


async def _as_its_manager_sees_it(triage: Triage, told: AbuseReportSubmitted | MisuseReportSubmitted) -> str:
    """Give the first case of a report to a manager, and return their page."""
    await open_cases(triage.database, told)
    async with triage.database.transaction() as session:
        row = (await session.scalars(select(CaseRow).where(CaseRow.link_number == 1))).one()
        row.team, row.manager = Team.LINE_MANAGER, MANAGER
    triage.by_hand.add("case")
    async with triage.client(Role.REPORTER, subject=MANAGER) as grace:
        page = await grace.get(f"/cases/for-manager/{told.reference}")
    assert page.status_code == 200
    return page.text


@pytest.mark.parametrize("subject", ["S2009", "S1001", "S7001"])
async def test_nobody_but_the_assigned_manager_opens_that_page(triage: Triage, subject: str) -> None:
    case = await assigned(triage.database)
    async with triage.client(Role.REPORTER, subject=subject) as other:
        assert (await other.get(f"/cases/for-manager/{case.reference}")).status_code == 404
    async with triage.client() as stranger:
        assert (await stranger.get(f"/cases/for-manager/{case.reference}")).status_code == 303


async def test_the_page_is_gone_once_the_manager_has_acted(triage: Triage) -> None:
    case = await assigned(triage.database)
    await say(triage.database, action(case))
    async with triage.client(Role.REPORTER, subject=MANAGER) as grace:
        assert (await grace.get(f"/cases/for-manager/{case.reference}")).status_code == 404


async def test_the_page_is_gone_once_the_case_left_the_manager(triage: Triage, desk: AsyncClient) -> None:
    case = await assigned(triage.database)
    moved = await press(
        desk, f"/cases/{case.reference}", f"/cases/{case.reference}/transfer", team="triage_desk", text="On leave"
    )
    assert moved.status_code == 303
    async with triage.client(Role.REPORTER, subject=MANAGER) as grace:
        assert (await grace.get(f"/cases/for-manager/{case.reference}")).status_code == 404
