"""Cases that are merged: each reporter is told as if alone, nothing is lost, and it can be undone."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from services.triage.cases.handlers import warn_of_deadlines
from services.triage.reporters.handlers import hear
from shared.auth.permissions import Role
from shared.events.intake import AbuseReportSubmitted, MessageSent, Person
from shared.events.vocabulary import Relation
from tests.services.triage.builders import (
    IDS,
    NOW,
    WRITER,
    enquiry,
    envelope,
    misuse,
    open_cases,
    report,
)
from tests.services.triage.conftest import Triage
from tests.services.triage.merges.desk import Desk, announced, desk

MINUTE = timedelta(minutes=1)
A_LINK = "https://x.com/someone/status/1"


@pytest.fixture
async def client(triage: Triage) -> AsyncIterator[AsyncClient]:
    async with triage.client() as client:
        yield client


@pytest.fixture
def sam(triage: Triage, client: AsyncClient) -> Desk:
    """A responder of SMART."""
    return desk(triage, client, Role.SMART_RESPONDER)


@pytest.fixture
def aisha(triage: Triage, client: AsyncClient) -> Desk:
    """Who leads SMART."""
    return desk(triage, client, Role.SMART_LEAD, Role.SIRT_LEAD, subject="S4002")


async def three(triage: Triage) -> tuple[AbuseReportSubmitted, AbuseReportSubmitted, AbuseReportSubmitted]:
    """Open three cases about the same."""
    first, second, third = report(), report(), report()
    await open_cases(triage.database, first, second, third)
    return first, second, third


async def writes(triage: Triage, sent: AbuseReportSubmitted) -> None:
    """Let a reporter write to the team."""
    said = {"report_id": sent.report_id, "reference": sent.reference, "at": triage.clock.now()}
    message = MessageSent.model_validate({**said, "message_id": IDS.uuid(), "kind": "more", "text": "And this"})
    async with triage.database.transaction() as session:
        await hear(session, [envelope(message)], triage.clock.now(), writer=WRITER)


async def rows(triage: Triage, question: str) -> list[tuple[object, ...]]:
    async with triage.database.transaction() as session:
        return [tuple(row) for row in await session.execute(text(question))]


async def test_what_happens_to_the_main_case_happens_to_the_merged_ones_each_as_if_alone(
    triage: Triage, sam: Desk, aisha: Desk
) -> None:
    first, second, third = await three(triage)
    await sam.do("merge", third, into=second.reference, reason="The same post")
    await sam.do("merge", second, into=str((await sam.read(first))["case_id"]).upper())
    assert [(await sam.read(one))["state"] for one in (first, second, third)] == ["new", "merged", "merged"]
    everyone = [str(one.report_id) for one in (first, second, third)]

    await sam.do("claim", first)
    await sam.do("notes", first, text=f"We asked for {first.reference} to be taken down.", shared=True)
    await sam.do("notes", first, text="Only we read this.")
    told = await announced(triage, "reporter_update.shared")
    assert told == dict.fromkeys((("reporter_update.shared", one) for one in everyone), 1)
    said = await rows(triage, 'select reference, text from note join "case" using (case_id) where shared')
    own = [one.reference for one in (first, second, third)]
    assert sorted(said) == sorted((one, f"We asked for {one} to be taken down.") for one in own)
    await sam.do("transfer", first, team="sirt", reason="It is theirs")
    assert {(await aisha.read(one))["team"] for one in (first, second, third)} == {"sirt"}
    await aisha.do("claim", first)
    await aisha.do("resolve", first, outcome="removed_by_platform")
    assert {(await aisha.read(one))["outcome"] for one in (first, second, third)} == {"removed_by_platform"}
    await aisha.do("close", first)
    await aisha.do("reopen", first, reason="It is back")
    assert [(await aisha.read(one))["state"] for one in (first, second, third)] == ["in_progress", "merged", "merged"]
    ended = await announced(triage, "case.transferred", "case.resolved", "case.closed", "case.reopened")
    assert set(ended.values()) == {1}
    assert len(ended) == 4 * 3


async def test_a_merged_case_keeps_its_clock_which_a_message_to_the_main_case_meets(triage: Triage, sam: Desk) -> None:
    first, second, _ = await three(triage)
    before = (await sam.read(second))["deadlines"]
    await sam.do("merge", second, into=first.reference)
    assert (await sam.read(second))["deadlines"] == before
    triage.clock.move(5 * MINUTE)
    await sam.do("notes", first, text="The platform has it.", shared=True)
    met = [one["met_at"] for one in (await sam.read(second))["deadlines"] if one["kind"] == "respond"]
    assert [moment is not None for moment in met] == [True]


async def test_a_reply_to_a_merged_case_is_unread_there_and_marks_the_main_case(triage: Triage, sam: Desk) -> None:
    first, second, _ = await three(triage)
    await sam.do("merge", second, into=first.reference)
    await sam.do("claim", first)
    await writes(triage, second)
    assert (await sam.read(second))["replied_at"]
    assert (await sam.read(first))["replied_at"]
    await writes(triage, second)
    news = await announced(triage, "case.reporter_replied")
    assert news == {("case.reporter_replied", str(first.report_id)): 1}


async def test_a_merge_is_undone_field_by_field_by_who_made_it_for_ten_minutes_and_later_by_a_lead(
    triage: Triage, client: AsyncClient, sam: Desk, aisha: Desk
) -> None:
    first, second, third = await three(triage)
    await sam.do("claim", second)
    every = "select to_jsonb(c) - 'version' from \"case\" c order by case_id"
    before = await rows(triage, every)
    clocks = await rows(triage, "select * from deadline order by case_id, kind")
    await sam.do("merge", second, into=first.reference)
    leo = desk(triage, client, Role.SMART_RESPONDER, subject="S5001")
    assert await leo.refused("unmerge", second) == "not-yours-to-undo"
    await sam.do("unmerge", second)
    assert await rows(triage, every) == before
    assert await rows(triage, "select * from deadline order by case_id, kind") == clocks
    assert await sam.refused("unmerge", second) == "not-merged"

    await sam.do("merge", third, into=first.reference)
    triage.clock.move(11 * MINUTE)
    assert await sam.refused("unmerge", third) == "not-yours-to-undo"
    await aisha.do("unmerge", third)
    assert (await sam.read(third))["state"] == "new"
    assert await announced(triage, "case.unmerged") == {
        ("case.unmerged", str(second.report_id)): 1,
        ("case.unmerged", str(third.report_id)): 1,
    }


async def test_an_urgent_case_is_not_lost_in_the_one_it_is_merged_into_and_all_is_put_back(
    triage: Triage, sam: Desk, aisha: Desk
) -> None:
    main, urgent, other = report(), report(), report(submitted_at=NOW - 30 * MINUTE)
    await open_cases(triage.database, main, urgent, other)
    for told, priority in ((urgent, "P1"), (other, "P2")):
        await aisha.do("priority", told, priority=priority, reason="They know the address")
    every = "select to_jsonb(c) - 'version' from \"case\" c order by case_id"
    before, clocks = await rows(triage, every), await rows(triage, "select * from deadline order by case_id, kind")
    alone = await seen(sam, main)
    assert alone == ("P3", "2026-11-23T12:00:00Z")
    await sam.do("merge", urgent, into=main.reference)
    await sam.do("merge", other, into=main.reference)
    assert await seen(sam, main) == ("P1", "2026-11-23T10:20:00Z")
    queue = await sam.client.get("/cases/api/v1/cases?view=all&sort=due", headers=sam.headers)
    assert [one["reference"] for one in queue.json()["items"]] == [main.reference]
    await sam.do("unmerge", urgent)
    assert await seen(sam, main) == ("P2", "2026-11-23T10:30:00Z")
    await sam.do("unmerge", other)
    assert await rows(triage, every) == before
    assert await rows(triage, "select * from deadline order by case_id, kind") == clocks
    follows = "select before ->> 'priority', after ->> 'priority' from activity where action = 'priority_follows'"
    assert await rows(triage, f"{follows} order by position") == [("P3", "P1"), ("P1", "P2"), ("P2", "P3")]
    clock = "select after ->> 'due_at' from activity where action = 'merged_in' order by position"
    assert await rows(triage, clock) == [("2026-11-23T10:20:00+00:00",), (None,)]


async def test_a_priority_that_someone_gave_the_main_case_since_stays_and_the_record_says_so(
    triage: Triage, sam: Desk, aisha: Desk
) -> None:
    top, main, urgent = await three(triage)
    await aisha.do("priority", urgent, priority="P1", reason="They know the address")
    await sam.do("merge", urgent, into=main.reference)
    await sam.do("merge", main, into=top.reference)
    assert (await sam.read(top))["priority"] == "P1"
    await sam.do("unmerge", urgent)
    assert [(await sam.read(one))["priority"] for one in (top, main)] == ["P3", "P3"]
    await sam.do("unmerge", main)
    await sam.do("merge", urgent, into=main.reference)
    await aisha.do("priority", main, priority="P2", reason="They moved")
    assert (await seen(sam, main))[1] == "2026-11-23T10:20:00Z"  # the clock of the urgent one still runs
    page = f"/cases/{urgent.reference}/merge"
    async with triage.client(Role.SMART_RESPONDER) as reader:
        assert "its priority was changed since" in (await reader.get(page)).text
        assert "A case merged into it: 20 min left" in (await reader.get(f"/cases/{main.reference}")).text
    await sam.do("unmerge", urgent)
    assert await seen(sam, main) == ("P2", "2026-11-23T11:00:00Z")
    stays = (
        "select after ->> 'priority_stays' from activity where action = 'merged_out' order by at desc, position desc"
    )
    assert (await rows(triage, stays))[0] == ("P2",)


async def test_the_main_case_is_due_by_the_clock_that_still_runs(triage: Triage, sam: Desk) -> None:
    main, older = report(), report(submitted_at=NOW - 30 * MINUTE)
    await open_cases(triage.database, main, older)
    await sam.do("merge", older, into=main.reference)
    assert (await sam.read(main))["due_at"] == "2026-11-23T11:30:00Z"
    async with triage.database.transaction() as session:
        await warn_of_deadlines(session, NOW + 80 * MINUTE, writer=WRITER)
    assert (await sam.read(main))["due_at"] == "2026-11-23T11:30:00Z"
    await sam.do("notes", older, text="We look at yours.", shared=True)
    assert (await sam.read(main))["due_at"] == "2026-11-23T12:00:00Z"


async def seen(who: Desk, sent: AbuseReportSubmitted) -> tuple[str, str]:
    case = await who.read(sent)
    return case["priority"], case["due_at"]


async def test_only_open_cases_of_one_team_and_kind_are_merged(
    triage: Triage, sam: Desk, aisha: Desk, client: AsyncClient
) -> None:
    first, second, third = await three(triage)
    accuses = report(suspected=(Person(relation=Relation.COLLEAGUE, staff_id="S7001"),))
    kept, other = misuse(found_by="monitoring"), enquiry()
    threat = report(behaviours=("threat",))
    await open_cases(triage.database, accuses, kept, other, threat)
    assert await sam.refused("merge", threat, into=first.reference) == "threat-unanswered"
    assert await sam.refused("merge", first, into=first.reference) == "same-case"
    assert await sam.refused("merge", first, into="SP-0000-0000") == "other-case-not-found"
    assert await sam.refused("merge", first, into=kept.reference) == "other-case-not-found"
    await sam.do("merge", first, into=accuses.reference)
    assert await sam.refused("merge", second, into=first.reference) == "other-case-merged"
    assert await sam.refused("merge", first, into=second.reference) == "state-forbids"
    refused: Mapping[str, dict[str, object]] = {
        "claim": {},
        "transfer": {"team": "sirt"},
        "resolve": {"outcome": "duplicate"},
        "reopen": {"reason": "No"},
        "close": {},
        "split": {"behaviours": ["harassment"]},
    }
    for action, body in refused.items():
        assert await sam.refused(action, first, 1, **body) == "state-forbids", action
    everything = desk(triage, client, Role.SMART_LEAD, Role.SIRT_LEAD, Role.ADVICE_CENTRE, subject="S6001")
    assert await everything.refused("merge", other, into=second.reference) == "cases-differ"
    assert await everything.refused("merge", second, into=kept.reference) == "cases-differ"
    await sam.do("claim", third)
    await sam.do("resolve", third, outcome="support_given")
    assert await sam.refused("merge", second, into=third.reference) == "other-case-finished"
    await aisha.do("claim", second)
    assert await sam.refused("merge", second, into=accuses.reference) == "case-claimed-by-another"


async def test_what_is_merged_is_listed_as_far_as_a_person_may_see_it(
    triage: Triage, sam: Desk, client: AsyncClient
) -> None:
    first, second, _ = await three(triage)
    await sam.do("merge", second, into=first.reference)
    async with triage.database.transaction() as session:
        await session.execute(
            text("update \"case\" set kept_from = '{id:s5001}' where reference = :one"), {"one": second.reference}
        )
    triage.by_hand.add("case")
    leo = desk(triage, client, Role.SMART_RESPONDER, subject="S5001")
    listed = {}
    for who, person in (("sam", sam), ("leo", leo)):
        case = await person.read(first)
        found = (await client.get(f"/cases/api/v1/cases/{case['case_id']}/merges", headers=person.headers)).json()
        listed[who] = [one["reference"] for one in found["cases"]]
    assert listed == {"sam": [second.reference], "leo": []}


async def test_a_split_opens_a_linked_case_of_a_part_and_its_undo_gives_the_part_back(
    triage: Triage, sam: Desk
) -> None:
    both = report(behaviours=("harassment", "doxing"), urls=(A_LINK, f"{A_LINK}2", f"{A_LINK}3"))
    await open_cases(triage.database, both)
    part = 'select behaviours, links from "case" order by link_number'
    assert await sam.refused("split", both, behaviours=["threat"]) == "not-part-of-case"
    assert await sam.refused("split", both, links=[3]) == "not-part-of-case"
    answer = await sam.do("split", both, behaviours=["doxing"], links=[f"{A_LINK}2", 2], reason="Two matters")
    assert answer["split_off"]["reference"] == f"{both.reference}-2"
    assert await rows(triage, part) == [(["harassment"], [0]), (["doxing"], [1, 2])]
    [respond] = (await sam.read(both, 2))["deadlines"]
    assert respond["kind"] == "respond"
    assert await announced(triage, "case.opened", "case.split") == {
        ("case.opened", str(both.report_id)): 2,
        ("case.split", str(both.report_id)): 1,
    }
    await sam.do("undo-split", both, 2)
    [whole, _] = await rows(triage, part)
    assert whole == (["harassment", "doxing"], [0, 1, 2])
    assert (await sam.read(both, 2))["state"] == "merged"
    await sam.do("claim", both)
    await sam.do("notes", both, text="Once is enough.", shared=True)
    assert await announced(triage, "reporter_update.shared") == {("reporter_update.shared", str(both.report_id)): 1}
    await sam.do("resolve", both, outcome="support_given")
    assert (await sam.read(both, 2))["outcome"] == "support_given"


async def test_a_split_of_a_restricted_case_is_undone_too(triage: Triage, client: AsyncClient) -> None:
    told = misuse(found_by="monitoring", behaviours=("speaks_for_department", "disclosure"))
    await open_cases(triage.database, told)
    maria = desk(triage, client, Role.SIRT_LEAD, subject="S5002")
    await maria.do("claim", told)
    await maria.do("split", told, behaviours=["disclosure"])
    await maria.do("undo-split", told, 2)
    about = await rows(triage, 'select state, restricted, behaviours from "case" order by link_number')
    assert about[0] == ("in_progress", True, ["speaks_for_department", "disclosure"])
    assert about[1][:2] == ("merged", True)


async def test_a_split_is_not_undone_once_someone_works_on_the_new_case(triage: Triage, sam: Desk) -> None:
    both = report(behaviours=("harassment", "doxing"))
    await open_cases(triage.database, both)
    await sam.do("split", both, behaviours=["doxing"])
    await sam.do("claim", both, 2)
    assert await sam.refused("undo-split", both, 2) == "not-split-off"
    assert await sam.refused("undo-split", both) == "not-split-off"


async def test_a_merged_case_that_is_reopened_with_the_main_case_belongs_to_no_one(
    triage: Triage, client: AsyncClient, sam: Desk
) -> None:
    first, second, _ = await three(triage)
    await sam.do("claim", second)
    await sam.do("merge", second, into=first.reference)
    await sam.do("claim", first)
    await sam.do("resolve", first, outcome="duplicate")
    await sam.do("reopen", first, reason="It is back")
    await sam.do("unmerge", second)
    leo = desk(triage, client, Role.SMART_RESPONDER, subject="S5001")
    assert (await leo.do("claim", second))["assignee"] == "S5001"


async def test_the_protocol_about_a_threat_goes_with_the_part_that_says_it(triage: Triage, sam: Desk) -> None:
    both = report(behaviours=("harassment", "threat"))
    await open_cases(triage.database, both)
    await sam.do("split", both, behaviours=["threat"])
    await sam.do("claim", both)
    await sam.do("resolve", both, outcome="duplicate")
    await sam.do("reopen", both, reason="It is back")
    await sam.do("undo-split", both, 2)
    assert await sam.refused("resolve", both, outcome="duplicate") == "threat-unanswered"
    await sam.do("split", both, behaviours=["threat"])
    await sam.do("claim", both, 3)
    assert await sam.refused("resolve", both, 3, outcome="duplicate") == "threat-unanswered"
    await sam.do("threat", both, 3, threat=False, reason="They are far away")
    await sam.do("resolve", both, 3, outcome="duplicate")
