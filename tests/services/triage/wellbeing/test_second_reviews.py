"""Some outcomes go to a second person, who decides without knowing the first decision; agreement is a figure."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from httpx import AsyncClient
from pydantic import ValidationError
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from services.triage.cases.access import Viewer
from services.triage.cases.tables import CaseRow
from services.triage.consumer import operations_handlers
from services.triage.exposure.domain import MOST_ITEMS
from services.triage.exposure.tables import ExposureRow
from services.triage.operations.queries import records
from services.triage.settings import TriageSettings
from services.triage.wellbeing import queries
from services.triage.wellbeing.domain import SecondReview, drawn
from services.triage.wellbeing.tables import SecondReviewRow
from shared.audit import chain
from shared.audit.verification import verify
from shared.auth.permissions import Role
from shared.events.envelope import Envelope
from shared.events.triage import CaseResolved
from shared.events.vocabulary import Team
from tests.services.triage.builders import (
    IDS,
    WRITER,
    Submitted,
    envelope,
    leads_asked,
    misuse,
    open_cases,
    report,
    viewer,
)
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.evidence.pieces import announce, piece, taken_back
from tests.services.triage.plans import plans_of

SERVICE = "triage"
URGENT = {"behaviours": ("doxing",), "content_state": "online"}
ALL, NONE = {"smart": 100, "sirt": 100}, {"smart": 0}


async def resolved(triage: Triage, client: AsyncClient, told: Submitted, outcome: str) -> Envelope[CaseResolved]:
    """Let the person of `client` resolve the case of a report that is open; return what is published."""
    page = f"/cases/{told.reference}"
    await press(client, page, f"{page}/claim")
    assert (await press(client, page, f"{page}/resolve", outcome=outcome)).status_code == 303
    case = await the_case(triage, told)
    about = {"case_id": case.case_id, "report_id": case.report_id, "reference": case.reference, "team": case.team}
    event = CaseResolved.model_validate({**about, "at": triage.clock.now(), "outcome": outcome})
    return replace(envelope(event), subject=str(case.case_id))


async def the_case(triage: Triage, told: Submitted) -> CaseRow:
    async with triage.database.transaction() as session:
        return (await session.scalars(select(CaseRow).where(CaseRow.reference == told.reference))).one()


async def reviews(triage: Triage) -> list[SecondReviewRow]:
    async with triage.database.transaction() as session:
        return list(await session.scalars(select(SecondReviewRow).order_by(SecondReviewRow.chosen_at)))


async def chosen(triage: Triage, *events: Envelope[CaseResolved], shares: dict[str, int]) -> list[SecondReviewRow]:
    async with triage.database.transaction() as session:
        await operations_handlers(shares, WRITER)[CaseResolved](session, events, triage.clock.now())
    return await reviews(triage)


@pytest.mark.parametrize(
    ("answers", "outcome", "shares", "why"),
    [
        ({}, "support_given", ALL, "sample"),
        ({}, "support_given", NONE, None),
        ({}, "no_violation_found", NONE, None),
        (URGENT, "no_violation_found", NONE, "p1_no_violation"),
        (URGENT, "support_given", NONE, None),
        ({}, "withdrawn", ALL, None),
        ({}, "duplicate", ALL, None),
    ],
)
async def test_a_share_of_outcomes_and_every_urgent_one_without_a_violation_is_chosen(
    triage: Triage, sam: AsyncClient, answers: dict[str, object], outcome: str, shares: dict[str, int], why: str | None
) -> None:
    told = report(**answers)
    await open_cases(triage.database, told)
    event = await resolved(triage, sam, told, outcome)
    found = await chosen(triage, event, shares=shares)
    assert [(one.why, one.outcome, one.resolved_by) for one in found] == ([(why, outcome, "S4001")] if why else [])
    assert len(await chosen(triage, event, shares=shares)) == len(found)  # the same event again adds nothing
    assert await leads_asked(triage.database) == [("smart", "second_review") for _ in found]


def test_a_draw_is_even_and_always_the_same() -> None:
    draws = [drawn(str(IDS.uuid())) for _ in range(2000)]
    assert 5 < sum(draw < 10 for draw in draws) / 20 < 15
    assert all(0 <= draw < 100 for draw in draws)
    assert drawn("a") == drawn("a") != drawn("b")


async def test_the_second_person_decides_without_knowing_the_first_decision(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report(**URGENT)
    await open_cases(triage.database, told)
    [review] = await chosen(triage, await resolved(triage, sam, told, "no_violation_found"), shares=NONE)
    page = f"/cases/second-reviews/{review.review_id}"
    assert page in (await aisha.get("/cases/second-reviews")).text
    assert page not in (await sam.get("/cases/second-reviews")).text
    blind = (await aisha.get(page)).text
    for tells in ("No violation found</dd>", "Sam Reid", "S4001", told.reference, told.narrative, "P1"):
        assert tells not in blind.replace("<option", "")
    assert "P1," not in (await aisha.get("/cases/second-reviews")).text, "most of them found no violation"
    assert told.narrative in (await press(aisha, page, f"{page}/show")).text
    answer = await press(aisha, page, page, reason=" ")
    assert answer.status_code == 422
    assert "Choose how it should end" in answer.text
    answer = await press(aisha, page, page, outcome="reported_to_platform", reason="It is a threat")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?done=decided")
    assert "The two people came to different outcomes" in (await aisha.get(page)).text
    case = await the_case(triage, told)
    assert (case.state, case.outcome) == ("resolved", "no_violation_found")  # a lead decides what follows
    seen = (await aisha.get("/cases/second-reviews")).text
    assert "0 of 1 second reviews came to the same outcome (0%)" in seen
    assert f"/cases/{told.reference}?from=list%3Dsecond-reviews" in seen
    line = "A second person came to another outcome: No violation found first, Reported to the platform second."
    assert line in (await aisha.get(f"/cases/{told.reference}")).text
    assert "A second person" not in (await sam.get(f"/cases/{told.reference}")).text, "that is for leads"
    assert told.reference not in (await sam.get("/cases/second-reviews")).text
    timeline = (await aisha.get(f"/cases/{told.reference}/timeline")).text
    assert "Second review: another person came to another outcome" in timeline
    again = await press(aisha, f"/cases/{told.reference}", page, outcome="no_violation_found", reason="I think again")
    assert again.status_code == 409
    async with triage.database.transaction() as session:
        assert (await chain.read(session, case.case_id))[-1].reason == "It is a threat"


async def test_only_leads_who_did_not_resolve_it_read_in_the_case_that_it_has_a_second_review(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    [review] = await chosen(triage, await resolved(triage, sam, told, "support_given"), shares=ALL)
    lead, responder = Role.SMART_LEAD, Role.SMART_RESPONDER

    async def read(*roles: Role, subject: str) -> str:
        """Return all that a person reads of it, by pages and by the API."""
        there = f"/cases/{told.reference}"
        async with triage.client(*roles, subject=subject) as client:
            pages = [await client.get(f"{there}/{tab}") for tab in ("timeline", "audit")]
            headers = triage.bearer(*roles, subject=subject)
            pages.append(await client.get(f"/cases/api/v1/cases/{review.case_id}", headers=headers))
        numbers = [one["position"] for one in pages[-1].json()["timeline"]]
        assert numbers == list(range(1, len(numbers) + 1)), "no number says that something is left out"
        return "".join(page.text for page in pages).lower()

    for subject in ("S4001", "S4003"):
        found = await read(responder, subject=subject)
        assert ("for a second review" in found, "second_review" in found) == (False, False)
    assert "second_review_chosen" in await read(lead, subject="S4002")
    async with triage.client() as script:
        script.headers.update(triage.bearer(responder, subject="S4055"))
        decision = {"outcome": "police_referral", "reason": "My colleague was careless"}
        answer = await script.post(f"/cases/api/v1/second-reviews/{review.review_id}", json=decision)
        assert answer.status_code == 200, answer.text
    for found in (await read(responder, subject="S4001"), await read(lead, subject="s4001")):
        for tells in ("for a second review", "second review:", "second_review", "s4055", "careless"):
            assert tells not in found, tells
    found = await read(lead, subject="S4002")
    for tells in ("second review: another person came", "second_review_differs", "s4055", "careless"):
        assert tells in found, tells


async def test_the_second_person_sees_the_evidence_and_neither_the_case_nor_who_opened_it(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report(**URGENT)
    await open_cases(triage.database, told)
    picture, gone = piece(told), piece(told)
    await announce(triage.database, picture, gone, taken_back(gone))
    there = f"/cases/{told.reference}/evidence"
    await press(sam, there, f"{there}/{picture.evidence_id}/preview", purpose="It was asked for")
    [review] = await chosen(triage, await resolved(triage, sam, told, "no_violation_found"), shares=NONE)
    page = f"/cases/second-reviews/{review.review_id}"
    blind = (await aisha.get(page)).text
    assert ("Picture" in blind, "signpost-preview__image" in blind, "Taken back" in blind) == (True, False, True)
    async with triage.database.transaction() as session:
        day = {"day": triage.clock.now().date(), "subject": "s4002", "team": "smart", "seconds": 0}
        session.add(ExposureRow(**day, items=MOST_ITEMS, last_at=triage.clock.now()))
    shown = await press(aisha, page, f"{page}/evidence/{picture.evidence_id}/preview", purpose="Second review")
    assert (shown.status_code, "signpost-preview__image" in shown.text) == (200, True)  # a P1 is never held up
    for tells in ("Sam Reid", "S4001", told.reference, "It was asked for", "/step-back"):
        assert tells not in blind + shown.text, tells
    assert (await press(aisha, page, f"{page}/ask-for-more")).headers["location"] == f"{page}#exposure"
    asked = {("smart", "second_review"), ("smart", "more_content"), ("triage_desk", "more_content")}
    assert set(await leads_asked(triage.database)) == asked  # the desk too, because she leads the team
    refused = await press(sam, there, f"{page}/evidence/{picture.evidence_id}/preview", purpose="Second review")
    assert refused.status_code == 409
    case = await the_case(triage, told)
    async with triage.database.transaction() as session:
        opened = [(one.actor, one.action) for one in await chain.read(session, case.case_id)][-1]
    assert opened == ("S4002", "evidence_opened")


async def test_who_resolved_it_and_who_may_not_see_the_case_do_not_decide(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient, maria: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    [review] = await chosen(triage, await resolved(triage, sam, told, "support_given"), shares=ALL)
    page = f"/cases/second-reviews/{review.review_id}"
    assert "You resolved this case" in (await sam.get(page)).text
    mine = await press(sam, f"/cases/{told.reference}", page, outcome="support_given", reason="Sure")
    assert (mine.status_code, "someone else has to look" in mine.text) == (409, True)
    assert (await maria.get(page)).status_code == 404
    await press(aisha, f"/cases/{told.reference}/step-back", f"/cases/{told.reference}/conflict")
    assert (await aisha.get(page)).status_code == 404
    assert page not in (await aisha.get("/cases/second-reviews")).text
    done = {"decided_by": "s4001", "decided_at": triage.clock.now(), "second_outcome": "support_given"}
    with pytest.raises(IntegrityError, match="decided_by_another"):
        async with triage.database.transaction() as session:
            await session.execute(update(SecondReviewRow).values(done))


async def test_cases_that_a_person_may_not_decide_take_no_place_in_the_list(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MOST_OFFERED", 1)
    restricted, open_again, plain = report(), report(), report()
    await open_cases(triage.database, restricted, open_again, plain)
    for told in (restricted, open_again, plain):
        await chosen(triage, await resolved(triage, sam, told, "support_given"), shares=ALL)
        triage.clock.move(timedelta(minutes=1))
    pages = [f"/cases/second-reviews/{one.review_id}" for one in await reviews(triage)]
    there = f"/cases/{open_again.reference}"
    await press(sam, there, f"{there}/reopen", text="A new post")
    triage.by_hand.add("case")
    async with triage.database.transaction() as session:
        wanted = CaseRow.reference == restricted.reference
        await session.execute(update(CaseRow).where(wanted).values(restricted=True))
    async with triage.client(Role.SMART_RESPONDER, subject="S4003") as third:
        assert pages[2] in (await third.get("/cases/second-reviews")).text
    async with triage.client(Role.SMART_RESPONDER, Role.SMART_LEAD, subject="S4003") as third:
        assert pages[0] in (await third.get("/cases/second-reviews")).text
        for told, page in zip((plain, restricted), (pages[2], pages[0]), strict=True):
            triage.clock.move(timedelta(minutes=1))
            assert (await press(third, page, page, outcome="police_referral", reason="It is")).status_code == 303
            assert f"/cases/{told.reference}" in (await aisha.get("/cases/second-reviews")).text
    await press(aisha, f"/cases/{restricted.reference}/step-back", f"/cases/{restricted.reference}/conflict")
    assert f"/cases/{plain.reference}" in (await aisha.get("/cases/second-reviews")).text


async def test_cases_that_took_over_an_outcome_are_one_decision(triage: Triage, sam: AsyncClient) -> None:
    main, merged = report(**URGENT), report(**URGENT)
    await open_cases(triage.database, main, merged)
    page = f"/cases/{merged.reference}/merge"
    await press(sam, page, page, into=main.reference)
    event = await resolved(triage, sam, main, "no_violation_found")
    case = await the_case(triage, merged)
    assert case.outcome == "no_violation_found"
    about = {"case_id": case.case_id, "report_id": case.report_id, "reference": case.reference}
    same = replace(event, id=str(IDS.uuid()), subject=str(case.case_id), data=event.data.model_copy(update=about))
    [review] = await chosen(triage, event, same, shares=ALL)
    assert review.case_id == event.data.case_id


async def lowered(client: AsyncClient, told: Submitted) -> None:
    """Let the person of `client` find that it is not as urgent as that."""
    page = f"/cases/{told.reference}"
    await press(client, page, f"{page}/claim")
    answer = await press(client, page, f"{page}/priority", priority="P3", text="Less bad than it seemed")
    assert answer.status_code == 303


async def test_a_lower_priority_before_the_end_spares_no_one_the_second_review(
    triage: Triage, sam: AsyncClient
) -> None:
    told = report(**URGENT)
    await open_cases(triage.database, told)
    await lowered(sam, told)
    [review] = await chosen(triage, await resolved(triage, sam, told, "no_violation_found"), shares=NONE)
    assert review.why == "p1_no_violation"


async def test_a_case_that_an_urgent_one_was_merged_into_goes_to_a_second_person(
    triage: Triage, sam: AsyncClient
) -> None:
    main, between, urgent = report(), report(), report(**URGENT)
    await open_cases(triage.database, main, between, urgent)
    await lowered(sam, urgent)
    for merged, into in ((urgent, between), (between, main)):
        page = f"/cases/{merged.reference}/merge"
        assert (await press(sam, page, page, into=into.reference)).status_code == 303
    event = await resolved(triage, sam, main, "no_violation_found")
    [review] = await chosen(triage, event, shares=NONE)
    assert (review.why, review.case_id) == ("p1_no_violation", event.data.case_id)


@pytest.mark.parametrize(
    ("answers", "outcome", "shares"), [(URGENT, "no_violation_found", NONE), ({}, "support_given", ALL)]
)
async def test_a_review_that_waits_does_not_end_by_a_lower_priority_or_the_same_outcome_again(
    triage: Triage,
    sam: AsyncClient,
    aisha: AsyncClient,
    answers: dict[str, object],
    outcome: str,
    shares: dict[str, int],
) -> None:
    told = report(**answers)
    await open_cases(triage.database, told)
    event = await resolved(triage, sam, told, outcome)
    [first] = await chosen(triage, event, shares=shares)
    await press(aisha, f"/cases/{told.reference}", f"/cases/{told.reference}/reopen", text="A new post")
    again = replace(event, id=str(IDS.uuid()))
    assert [one.review_id for one in await chosen(triage, again, shares=NONE)] == [first.review_id], "it waits"
    if answers:
        await lowered(aisha, told)
    [second] = await chosen(triage, await resolved(triage, aisha, told, outcome), shares=NONE)
    assert (second.why, second.resolved_by, second.resolution > first.resolution) == (first.why, "S4002", True)
    await press(aisha, f"/cases/{told.reference}", f"/cases/{told.reference}/reopen", text="A new post")
    assert await chosen(triage, await resolved(triage, aisha, told, "police_referral"), shares=NONE) == []


async def test_a_decision_about_an_outcome_that_was_replaced_meanwhile_is_refused(
    triage: Triage, sam: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = report()
    await open_cases(triage.database, told)
    [review] = await chosen(triage, await resolved(triage, sam, told, "support_given"), shares=ALL)
    get = queries.get

    async def overtaken(session: AsyncSession, viewer: Viewer, review_id: UUID) -> SecondReview:
        found = await get(session, viewer, review_id)
        async with triage.database.transaction() as other:
            await other.execute(delete(SecondReviewRow))
        return found

    monkeypatch.setattr(queries, "get", overtaken)
    triage.by_hand.add("second_review")
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SMART_RESPONDER, subject="S4003"))
        decision = {"outcome": "support_given", "reason": "Fair"}
        answer = await client.post(f"/cases/api/v1/second-reviews/{review.review_id}", json=decision)
    assert (answer.status_code, answer.json()["type"].rpartition(":")[2]) == (409, "second-review-decided")


async def test_a_case_that_is_resolved_again_is_reviewed_for_its_newest_outcome(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    [first] = await chosen(triage, await resolved(triage, sam, told, "support_given"), shares=ALL)
    await press(sam, page, f"{page}/reopen", text="A new post")
    there = f"/cases/second-reviews/{first.review_id}"
    assert there not in (await aisha.get("/cases/second-reviews")).text
    assert (await press(aisha, page, there, outcome="support_given", reason="Yes")).status_code == 409
    triage.clock.move(timedelta(minutes=1))
    [second] = await chosen(triage, await resolved(triage, aisha, told, "police_referral"), shares=ALL)
    assert (second.outcome, second.resolved_by) == ("police_referral", "S4002")
    await press(sam, page, f"{page}/reopen", text="They took it back")
    assert await chosen(triage, await resolved(triage, sam, told, "withdrawn"), shares=ALL) == []


async def test_agreement_leaves_out_cases_that_are_kept_from_the_lead(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient
) -> None:
    tolds = [report(), report()]
    await open_cases(triage.database, *tolds)
    for told in tolds:
        await chosen(triage, await resolved(triage, sam, told, "support_given"), shares=ALL)
    async with triage.client(Role.SMART_RESPONDER, subject="S4003") as third:
        for one in await reviews(triage):
            page = f"/cases/second-reviews/{one.review_id}"
            assert (await press(third, page, page, outcome="support_given", reason="Fair")).status_code == 303
    assert "2 of 2 second reviews" in (await aisha.get("/cases/second-reviews")).text
    page = f"/cases/{tolds[0].reference}"
    await press(aisha, f"{page}/step-back", f"{page}/conflict")
    assert "1 of 1 second reviews" in (await aisha.get("/cases/second-reviews")).text
    who, since = viewer(*Team), triage.clock.now() - queries.RECENT
    [plan] = await plans_of(triage.database, lambda session: queries.agreement(session, who, list(Team), since))
    assert ("ix_second_review_decided" in plan, "Seq Scan" in plan) == (True, False), plan
    assert "Limit" in plan, "so many of each team at the most"


async def test_scripts_list_what_waits_and_decide(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    [review] = await chosen(triage, await resolved(triage, sam, told, "support_given"), shares=ALL)
    there, decision = "/cases/api/v1/second-reviews", {"outcome": "support_given", "reason": "Fair"}
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SMART_RESPONDER))
        assert (await client.get(there)).json() == {"items": []}
        refused = await client.post(f"{there}/{review.review_id}", json=decision)
        assert (refused.status_code, refused.json()["type"].rpartition(":")[2]) == (409, "resolved-by-you")
        client.headers.update(triage.bearer(Role.SMART_RESPONDER, subject="S4003"))
        [item] = (await client.get(there)).json()["items"]
        assert item.keys() == {"review_id", "report_type", "team", "chosen_at"}
        done = (await client.post(f"{there}/{review.review_id}", json=decision)).json()
    assert done == {"outcome": "support_given", "second_outcome": "support_given", "agrees": True}


async def test_a_second_review_changed_by_hand_is_found(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    await chosen(triage, await resolved(triage, sam, told, "support_given"), shares=ALL)
    triage.by_hand.add("second_review")
    async with triage.database.transaction() as session:
        await session.execute(update(SecondReviewRow).values(outcome="no_violation_found"))
        [broken] = await verify(session, records=records)
    assert broken.fields == ("second_reviews",)


async def test_what_a_line_manager_decided_is_theirs(triage: Triage) -> None:
    told = misuse()
    await open_cases(triage.database, told)
    case = await the_case(triage, told)
    async with triage.database.transaction() as session:
        await session.execute(update(CaseRow).values(state="resolved", outcome="no_breach"))
    triage.by_hand.add("case")
    about = {"case_id": case.case_id, "report_id": case.report_id, "reference": case.reference, "team": case.team}
    event = CaseResolved.model_validate({**about, "at": triage.clock.now(), "outcome": "no_breach"})
    assert await chosen(triage, replace(envelope(event)), shares={Team.LINE_MANAGER: 100}) == []


@pytest.mark.parametrize("shares", ["smart=101", "smart", "nobody=5", "smart=-1"])
def test_a_share_is_of_a_team_and_from_0_to_100(shares: str) -> None:
    with pytest.raises(ValidationError, match="triage_second_reviews"):
        TriageSettings(triage_database_url="x", secret_key="s" * 40, triage_second_reviews=shares)  # type: ignore[arg-type] # as from the environment
