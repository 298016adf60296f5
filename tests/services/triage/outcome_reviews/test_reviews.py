"""An outcome is looked at again once, in time, by someone else than who resolved the case."""

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from services.triage.cases.domain import OUTCOMES
from services.triage.cases.handlers import warn_of_deadlines
from services.triage.cases.tables import CaseRow, Note
from services.triage.deadlines.tables import DeadlineRow
from services.triage.managers.handlers import manager_acted, manager_assigned
from services.triage.operations.queries import records
from services.triage.outcome_reviews.handlers import ask
from services.triage.outcome_reviews.tables import OutcomeReview
from shared.audit import chain
from shared.audit.verification import verify
from shared.auth.permissions import Role
from shared.events.intake import OutcomeReviewRequested
from shared.events.notifier import ManagerActionRecorded, ManagerAssigned
from shared.events.triage import CaseDeadlineMissed, CaseReopened, CaseReviewed, CaseReviewRequested
from tests.services.triage.builders import (
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
SOON = timedelta(minutes=10)
REASON = "You did not look at the second post."
API = "/cases/api/v1/cases"


async def request(triage: Triage, told: Submitted, reason: str = REASON, at: datetime | None = None) -> None:
    """Ask for the outcome of a report to be looked at again, as intake says it."""
    now = at or triage.clock.now()
    wanted = OutcomeReviewRequested(report_id=told.report_id, reference=told.reference, at=now, reason=reason)
    async with triage.database.transaction() as session:
        await ask(session, [envelope(wanted, 2)], now, writer=WRITER)


async def resolved(triage: Triage, client: AsyncClient, told: Submitted) -> str:
    """Open the case of `told` and resolve it as the person of `client`; return its page."""
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(client, page, f"{page}/claim")
    kind = (await one_case(triage)).report_type
    outcome = next(str(one) for type_, fit in OUTCOMES.items() if type_ == kind for one in sorted(fit))
    assert (await press(client, page, f"{page}/resolve", outcome=outcome)).status_code == 303
    return page


async def one_case(triage: Triage) -> CaseRow:
    async with triage.database.transaction() as session:
        return (await session.scalars(select(CaseRow).order_by(CaseRow.link_number))).first() or CaseRow()


async def reviews(triage: Triage) -> list[OutcomeReview]:
    async with triage.database.transaction() as session:
        return list(await session.scalars(select(OutcomeReview).order_by(OutcomeReview.resolution)))


async def published(triage: Triage, kind: str) -> list[bytes]:
    async with triage.database.transaction() as session:
        rows = await session.scalars(text("select value from outbox where type = :kind order by id"), {"kind": kind})
        return list(rows)


async def decide(triage: Triage, subject: str, read: int, result: str, role: Role = Role.SMART_RESPONDER) -> Response:
    """Decide by the API, as a person who read version `read`."""
    case = await one_case(triage)
    async with triage.client() as client:
        client.headers.update(triage.bearer(role, subject=subject))
        body: Mapping[str, str] = {"result": result, "reason": "The second post breaks the rules"}
        return await client.post(f"{API}/{case.case_id}/review", json=body, headers={"If-Match": f'"{read}"'})


@pytest.mark.parametrize("closed", [False, True])
async def test_a_review_that_is_late_is_at_risk_though_its_case_is_finished(
    triage: Triage, sam: AsyncClient, closed: bool
) -> None:
    told = report()
    page = await resolved(triage, sam, told)
    if closed:
        await press(sam, page, f"{page}/close")
    await request(triage, told)

    async def at_risk() -> tuple[bool, bool, int]:
        """Return whether the page lists the case, whether as missed, and how many cases the API lists."""
        async with triage.client(Role.SMART_LEAD, subject="S4002") as aisha:
            page = (await aisha.get("/cases?view=at-risk")).text
            listed = await aisha.get(f"{API}?view=at-risk", headers=triage.bearer(Role.SMART_LEAD, subject="S4002"))
        return told.reference in page, "Missed by" in page, len(listed.json()["items"])

    assert await at_risk() == (False, False, 0)
    triage.clock.move(timedelta(days=7))
    assert await at_risk() == (True, True, 1)
    version = (await one_case(triage)).version
    assert (await decide(triage, "S4002", version, "uphold", Role.SMART_LEAD)).status_code == 200
    assert await at_risk() == (False, False, 0)


@pytest.mark.policy("R-c")
async def test_another_responder_lets_an_outcome_stand(triage: Triage, sam: AsyncClient, aisha: AsyncClient) -> None:
    told = report()
    page = await resolved(triage, sam, told)
    await press(aisha, page, f"{page}/close")
    triage.clock.move(SOON)
    await request(triage, told)
    assert "asked for this outcome to be looked at again" in (await sam.get(page)).text
    assert told.reference in (await aisha.get("/cases?view=reviews")).text
    assert REASON not in (await aisha.get(f"{page}/review")).text
    assert REASON in (await press(aisha, f"{page}/review", f"{page}/review/show")).text
    for tab in ("", "/timeline", "/audit"):
        assert REASON not in (await aisha.get(f"{page}{tab}")).text
    answer = await press(aisha, f"{page}/review", f"{page}/review", result="upheld", reason="Both posts were read")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?done=review-upheld")
    case, [review] = await one_case(triage), await reviews(triage)
    assert (case.state, case.review_asked_at, case.due_at) == ("closed", None, None)
    assert (review.result, review.resolved_by, review.decided_by) == ("upheld", "S4001", "S4002")
    [asked], [done] = await published(triage, CaseReviewRequested.TYPE), await published(triage, CaseReviewed.TYPE)
    assert CaseReviewRequested.model_validate_json(asked).due_at == review.due_at
    assert CaseReviewed.model_validate_json(done).result == "upheld"
    assert told.reference not in (await aisha.get("/cases?view=reviews")).text
    assert "Both posts were read" in (await aisha.get(f"{page}/timeline")).text
    assert "it stands" in (await aisha.get(f"{page}/review")).text


async def test_reviewers_find_what_waits_in_the_queue_and_by_script(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    for told in (report(), report()):
        await resolved(triage, sam, told)
    assert ">Asked to look again <span" not in (await aisha.get("/cases")).text
    assert "No outcome is to be looked at again" in (await aisha.get("/cases?view=reviews")).text
    await request(triage, told)
    page = (await aisha.get("/cases?view=reviews")).text
    assert f"/cases/{told.reference}" in page
    assert re.search(r'>Asked to look again <span class="signpost-count">1<', page)
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SMART_RESPONDER, subject="S4002"))
        [item] = (await client.get(API, params={"view": "reviews"})).json()["items"]
        assert item["reference"] == told.reference
        assert {one["kind"] for one in item["deadlines"] if one["met_at"] is None} == {"review"}
        assert (await client.get(f"{API}/{item['case_id']}")).json()["review_asked_at"]
        client.headers.update(triage.bearer(Role.SIRT_RESPONDER, subject="S5001"))
        assert (await client.get(API, params={"view": "reviews"})).json()["items"] == []


async def test_an_outcome_that_does_not_stand_reopens_the_case(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await resolved(triage, sam, told)
    await request(triage, told)
    read = (await one_case(triage)).version
    answer = await decide(triage, "S4002", read, "change")
    assert (answer.status_code, answer.json()["state"], answer.json()["assignee"]) == (200, "in_progress", "S4002")
    assert answer.headers["etag"] == f'"{read + 1}"'
    assert len(await published(triage, CaseReopened.TYPE)) == 1
    case = await one_case(triage)
    assert (case.outcome, case.review_asked_at) == (None, None)
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SMART_RESPONDER))
        [item] = (await client.get(f"{API}/{case.case_id}/review")).json()["items"]
    assert (item["result"], item["resolved_by"], item["decided_by"]) == ("changed", "S4001", "S4002")


async def test_who_resolved_it_is_refused_with_words_in_any_spelling(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    page = await resolved(triage, sam, told)
    await request(triage, told)
    read = (await one_case(triage)).version
    for subject in ("S4001", "s4001"):
        answer = await decide(triage, subject, read, "uphold")
        assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "resolved-by-you")
        assert "someone else has to look at its outcome again" in answer.json()["title"]
    seen = (await sam.get(f"{page}/review")).text
    assert "You resolved this case" in seen
    assert "Record the decision" not in seen
    answer = await press(sam, f"{page}/review", f"{page}/review", version=str(read), result="upheld", reason="Fine")
    assert answer.status_code == 409
    assert "someone else has to look at its outcome again" in answer.text
    assert (await one_case(triage)).review_asked_at is not None


async def test_the_database_refuses_the_same_person_too(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await resolved(triage, sam, told)
    await request(triage, told)
    done = {"decided_by": "s4001", "decided_at": NOW, "result": "upheld"}
    with pytest.raises(IntegrityError, match="decided_by_another"):
        async with triage.database.transaction() as session:
            await session.execute(update(OutcomeReview).values(done))


async def test_a_lead_who_resolved_a_colleagues_case_does_not_look_at_it_again(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/claim")
    await press(aisha, page, f"{page}/resolve", outcome="support_given")
    await request(triage, told)
    read = (await one_case(triage)).version
    assert (await decide(triage, "S4002", read, "uphold", Role.SMART_LEAD)).status_code == 409
    assert (await decide(triage, "S4001", read, "uphold")).status_code == 200


async def test_each_outcome_is_looked_at_once(triage: Triage, sam: AsyncClient, aisha: AsyncClient) -> None:
    told = report()
    page = await resolved(triage, sam, told)
    await request(triage, told)
    await request(triage, told, "And another thing")
    assert len(await reviews(triage)) == 1
    read = (await one_case(triage)).version
    assert (await decide(triage, "S4002", read, "uphold")).status_code == 200
    await request(triage, told, "I do not agree")
    assert (await one_case(triage)).review_asked_at is None
    answer = await decide(triage, "S4002", (await one_case(triage)).version, "change")
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "nothing-to-review")
    async with triage.database.transaction() as session:
        notes = set(await session.scalars(select(Note.text)))
    assert notes == {REASON, "And another thing", "I do not agree"}  # what was said reaches the team all the same
    await press(aisha, page, f"{page}/reopen", text="A new post")
    await press(aisha, page, f"{page}/resolve", outcome="support_given")
    await request(triage, told, "Again")
    [_, second] = await reviews(triage)
    assert (second.resolved_by, second.outcome) == ("S4002", "support_given")


async def test_of_two_who_decide_at_once_one_is_told_what_changed(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await resolved(triage, sam, told)
    await request(triage, told)
    read = (await one_case(triage)).version
    answers = await asyncio.gather(*(decide(triage, who, read, "uphold") for who in ("S4002", "S4003")))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert len(await published(triage, CaseReviewed.TYPE)) == 1


async def test_reopening_ends_a_waiting_review_with_words(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    page = await resolved(triage, sam, told)
    await request(triage, told)
    assert "That ends when work continues" in (await sam.get(page)).text
    await press(sam, page, f"{page}/reopen", text="They are right")
    assert "That has ended, because work continues" in (await sam.get(f"{page}/timeline")).text
    assert "opened again before someone looked" in (await sam.get(f"{page}/review")).text
    async with triage.database.transaction() as session:
        clock = (await session.scalars(select(DeadlineRow).where(DeadlineRow.kind == "review"))).one()
    assert clock.met_at is not None
    read = (await one_case(triage)).version
    assert (await decide(triage, "S4002", read, "uphold")).status_code == 409


async def test_a_request_that_meets_an_open_case_is_read_all_the_same(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    page = await resolved(triage, sam, told)
    await press(sam, page, f"{page}/reopen", text="They are right")
    await request(triage, told)
    assert await reviews(triage) == []
    assert REASON in (await press(sam, page, f"{page}/show")).text


async def test_it_has_five_working_days_of_its_own_and_a_lead_is_warned(triage: Triage, sam: AsyncClient) -> None:
    told = report(behaviours=("doxing",))
    page = await resolved(triage, sam, told)
    await request(triage, told)
    [review] = await reviews(triage)
    assert review.due_at == OFFICE.add(NOW, 5 * OFFICE.day)
    assert (await one_case(triage)).due_at == review.due_at
    await press(sam, page, f"{page}/close")  # which meets every other deadline
    await press(sam, page, f"{page}/share", text="We have your request")
    assert (await one_case(triage)).due_at == review.due_at
    triage.clock.time = review.due_at
    async with triage.database.transaction() as session:
        await warn_of_deadlines(session, triage.clock.now(), writer=WRITER)
    [missed] = await published(triage, CaseDeadlineMissed.TYPE)
    assert CaseDeadlineMissed.model_validate_json(missed).kind == "review"


@pytest.mark.parametrize("told", [report(), incident(), enquiry(), exception()], ids=lambda told: told.TYPE)
async def test_every_kind_of_report_has_it(triage: Triage, told: Submitted) -> None:
    of_all_teams = (Role.SMART_LEAD, Role.SIRT_LEAD, Role.ADVICE_CENTRE, Role.POLICY_STANDARDS)
    async with triage.client(*of_all_teams, subject="S4009") as client:
        await resolved(triage, client, told)
        await request(triage, told)
    async with triage.client(*of_all_teams, subject="S4002") as other:
        page = f"/cases/{told.reference}/review"
        assert (await press(other, page, page, result="changed", reason="Not so")).status_code == 303
    assert (await one_case(triage)).state == "in_progress"


async def test_each_finished_case_of_the_report_is_looked_at_by_its_team(triage: Triage) -> None:
    told = report(also_affects=("dwp_information",))
    await open_cases(triage.database, told)
    for role, reference, outcome in (
        (Role.SMART_LEAD, told.reference, "support_given"),
        (Role.SIRT_LEAD, f"{told.reference}-2", "contained"),
    ):
        async with triage.client(role, subject="S4009") as client:
            page = f"/cases/{reference}"
            await press(client, page, f"{page}/claim")
            offered = (await client.get(page)).text
            fits = outcome if f'value="{outcome}"' in offered else "support_given"
            assert (await press(client, page, f"{page}/resolve", outcome=fits)).status_code == 303
    await request(triage, told)
    assert len(await reviews(triage)) == 2
    assert len(await published(triage, CaseReviewRequested.TYPE)) == 2


async def test_the_triage_desk_looks_at_the_outcome_of_a_line_manager(triage: Triage, desk: AsyncClient) -> None:
    told = misuse()
    await open_cases(triage.database, told)
    case = await one_case(triage)
    ids = {"case_id": case.case_id, "report_id": case.report_id, "at": NOW}
    given = ManagerAssigned.model_validate({**ids, "manager": "S6001", "reason": "subjects_manager"})
    acted = {**ids, "manager": "S6001", "action": "advice_given", "acted_on": NOW.date()}
    async with triage.database.transaction() as session:
        await manager_assigned(session, [envelope(given)], NOW, writer=WRITER)
        await manager_acted(session, [envelope(ManagerActionRecorded.model_validate(acted), 2)], NOW, writer=WRITER)
    await request(triage, told)
    assert (await reviews(triage))[0].resolved_by == "S6001"
    page = f"/cases/{told.reference}"
    assert "You resolved this case" in (await desk.get(f"{page}/review")).text  # this member of the desk is the manager
    async with triage.client(Role.TRIAGE_DESK, subject="S6002") as another:
        answer = await press(another, f"{page}/review", f"{page}/review", result="upheld", reason="Fair")
    assert answer.status_code == 303


async def test_an_exempt_case_cannot_be_looked_at_again(triage: Triage, desk: AsyncClient) -> None:
    told = misuse(union_activity="yes")
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(desk, page, f"{page}/claim")
    assert (await press(desk, page, f"{page}/exempt")).status_code == 303
    await request(triage, told)
    assert await reviews(triage) == []
    async with triage.database.transaction() as session:
        assert list(await session.scalars(select(Note))) == []


async def test_a_case_that_turns_out_to_be_exempt_keeps_nothing_of_the_reason(
    triage: Triage, desk: AsyncClient
) -> None:
    told = misuse(union_activity="yes")
    page = await resolved(triage, desk, told)
    await request(triage, told)
    async with triage.client(Role.TRIAGE_DESK, subject="S6002") as another:
        await press(another, f"{page}/review", f"{page}/review", result="changed", reason="It is about a union")
        assert (await press(another, page, f"{page}/exempt")).status_code == 303
    async with triage.database.transaction() as session:
        activities = await chain.read(session, (await one_case(triage)).case_id)
        assert list(await session.scalars(select(Note))) == []
    assert all(not one.personal for one in activities)  # the chain verifies: see the fixture


async def test_what_is_missing_or_wrong_is_said_beside_the_field(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    page = await resolved(triage, sam, told)
    await request(triage, told)
    async with triage.client(Role.SMART_LEAD, subject="S4002") as aisha:
        answer = await press(aisha, f"{page}/review", f"{page}/review", reason=" ")
        assert answer.status_code == 422
        assert "Choose whether the outcome stands" in answer.text
        assert "Say why" in answer.text
        long = await press(aisha, f"{page}/review", f"{page}/review", result="upheld", reason="a" * 2_001)
        assert long.status_code == 422
        stale = await press(
            aisha, f"{page}/review", f"{page}/review", version="1", result="upheld", reason="Kept words"
        )
        assert stale.status_code == 412
        assert "Kept words" in stale.text
    case = await one_case(triage)
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SMART_RESPONDER, subject="S4002"))
        for body in ({"result": "maybe", "reason": "x"}, {"result": "uphold"}, {"result": "uphold", "reason": ""}):
            wrong = await client.post(f"{API}/{case.case_id}/review", json=body, headers={"If-Match": "*"})
            assert wrong.status_code in {422, 428}
        client.headers.update(triage.bearer(Role.SIRT_RESPONDER, subject="S5001"))
        assert (await client.get(f"{API}/{case.case_id}/review")).status_code == 404


async def test_a_review_changed_by_hand_is_found(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await resolved(triage, sam, told)
    await request(triage, told)

    triage.by_hand.add("outcome_review")
    async with triage.database.transaction() as session:
        await session.execute(update(OutcomeReview).values(resolved_by="S4999"))
        [broken] = await verify(session, records=records)
    assert broken.fields == ("reviews",)
