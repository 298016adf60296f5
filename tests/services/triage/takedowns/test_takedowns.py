"""What platforms were asked to remove: each step recorded, clocks that run out noticed, and nothing shown unasked."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError

from services.triage.cases.tables import CaseRow
from services.triage.operations.queries import records
from services.triage.takedowns import domain, notices
from services.triage.takedowns.domain import TakedownState
from services.triage.takedowns.handlers import warn_of_takedowns
from services.triage.takedowns.tables import TakedownRow
from services.triage.tasks import queries as tasks
from services.triage.tasks.handlers import note_overdue
from shared.audit import chain
from shared.audit.verification import Broken, verify
from shared.auth.permissions import Role
from shared.events.people import keys_of_member
from shared.events.platforms import PLATFORMS
from shared.events.vocabulary import Behaviour, Priority
from tests.services.triage.builders import NOW, WRITER, enquiry, misuse, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.merges.desk import desk
from tests.services.triage.operations.events import hear, said_by_triage
from tests.services.triage.takedowns import schemas

SERVICE = "triage"
API = "/cases/api/v1/cases"
LINK, OTHER = "https://x.com/some_account/status/1", "https://www.reddit.com/r/place/comments/abc/"


async def one_case(triage: Triage) -> CaseRow:
    async with triage.database.transaction() as session:
        return (await session.scalars(select(CaseRow))).one()


async def post(triage: Triage, body: dict[str, object], path: str = "", version: int | None = None) -> Response:
    """Post to the take-downs of the only case, as Sam who read it now or in `version`."""
    case = await one_case(triage)
    read = case.version if version is None else version
    async with triage.client() as client:
        headers = {**triage.bearer(Role.SMART_RESPONDER), "If-Match": f'"{read}"'}
        return await client.post(f"{API}/{case.case_id}/takedowns{path}", json=body, headers=headers)


async def asked(triage: Triage, **body: object) -> dict[str, Any]:
    answer = await post(triage, body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["takedowns"][-1])


async def followed(triage: Triage, takedown: dict[str, Any], state: str, **more: object) -> dict[str, Any]:
    answer = await post(triage, {"state": state, **more}, f"/{takedown['takedown_id']}")
    assert answer.status_code == 200, answer.text
    return dict(next(one for one in answer.json()["takedowns"] if one["takedown_id"] == takedown["takedown_id"]))


async def sweep(triage: Triage) -> int:
    async with triage.database.transaction() as session:
        return await warn_of_takedowns(session, triage.clock.now(), writer=WRITER)


async def actions(triage: Triage) -> list[str]:
    case = await one_case(triage)
    async with triage.database.transaction() as session:
        return [one.action for one in await chain.read(session, case.case_id)]


async def test_a_take_down_is_followed_from_the_report_to_the_answer(triage: Triage) -> None:
    await open_cases(triage.database, report(urls=(LINK,)))
    first = await asked(triage, how="partner", category="abuse_harassment", reference="X-77")
    assert (first["platform"], first["link_number"], first["reported_by"]) == ("x", 1, "S4001")
    assert first["link"] is None, "the link is content, shown on request alone"
    assert first["next"] == ["chased", "removed", "refused"]
    second = await asked(triage, link=OTHER)
    assert (second["platform"], second["link_number"]) == ("reddit", None)
    assert (await one_case(triage)).takedown == "asked"
    triage.clock.move(timedelta(hours=5))
    chased = await followed(triage, first, "chased", reference="X-78", note="No answer yet")
    assert (chased["state"], chased["chases"], chased["reference"]) == ("chased", 1, "X-78")
    assert (await followed(triage, second, "refused", note="They see no breach"))["settled_by"] == "S4001"
    assert (await one_case(triage)).takedown == "asked"
    removed = await followed(triage, first, "removed")
    assert (removed["chase_at"], removed["next"]) == (None, ["restored"])
    assert (await one_case(triage)).takedown == "refused", "one platform refused, whatever the other did"
    back = await followed(triage, first, "restored")
    assert (back["chase_at"], back["settled_at"]) == (triage.clock.now().isoformat().replace("+00:00", "Z"), None)
    assert (await one_case(triage)).takedown == "asked"
    assert [one for one in await actions(triage) if one.startswith("takedown")] == [
        *("takedown_reported", "takedown_reported", "takedown_chased", "takedown_refused"),
        *("takedown_removed", "takedown_restored"),
    ]


async def listened(triage: Triage, heard: int = 0) -> int:
    """Let operations hear what was said since then, which alone tells it to look again; return how much was said."""
    events = await said_by_triage(triage.database)
    await hear(triage.database, events[heard:])
    return len(events)


async def test_operations_shows_what_came_of_take_downs_but_not_of_those_kept_from_the_viewer(triage: Triage) -> None:
    await open_cases(triage.database, report(urls=(LINK,)))
    heard = await listened(triage)
    first = await asked(triage)
    await asked(triage, link=OTHER)
    heard = await listened(triage, heard)
    triage.clock.move(timedelta(hours=5))
    await followed(triage, first, "removed")
    heard = await listened(triage, heard)

    async def shown(**parameters: str) -> list[list[object]]:
        async with triage.client() as client:
            headers = triage.bearer(Role.SMART_LEAD, subject="S4002")
            answer = await client.get("/cases/api/v1/operations", params=parameters, headers=headers)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["tables"]["takedowns"]["rows"])

    counted = [["Reddit", 0, 0, 1, 0, None], ["X (formerly Twitter)", 1, 0, 0, 0, "4 h 57 min"]]
    assert await shown() == counted
    assert await shown(team="smart") == counted
    assert await shown(team="sirt") == []
    triage.clock.move(timedelta(days=30))
    async with triage.database.transaction() as session:
        assert await warn_of_takedowns(session, triage.clock.now(), writer=WRITER) == 1
    heard = await listened(triage, heard)
    assert (await followed(triage, first, "restored"))["state"] == "restored"
    await listened(triage, heard)
    assert await shown(days="30") == []
    triage.clock.move(timedelta(days=-1))
    assert await shown(days="30") == [["Reddit", 0, 0, 1, 1, None], ["X (formerly Twitter)", 0, 0, 1, 0, None]]
    triage.by_hand.add("case")
    async with triage.database.transaction() as session:
        await session.execute(
            update(CaseRow).values(kept_from=sorted(keys_of_member(staff_id="S4002", name=None, email=None)))
        )
    assert await shown() == []


async def test_what_cannot_be_recorded_is_refused(triage: Triage) -> None:
    await open_cases(triage.database, report(urls=(LINK, OTHER)))
    assert (await post(triage, {})).json()["type"].endswith("no-such-link"), "there are two: which is meant?"
    assert (await post(triage, {"link_number": 3})).status_code == 422
    assert (await post(triage, {"link": "not a link"})).status_code == 422
    assert (await post(triage, {"link_number": 1, "platform": "friendster"})).status_code == 422
    assert (await post(triage, {"link_number": 1, "category": "nonsense"})).json()["type"].endswith("no-such-category")
    kept = await asked(triage, link_number=2)
    assert kept["platform"] == "reddit"
    assert (await post(triage, {"link": OTHER})).json()["type"].endswith("takedown-exists")
    assert (await post(triage, {"link_number": 1}, version=1)).status_code == 412
    forbidden = await post(triage, {"state": "restored"}, f"/{kept['takedown_id']}")
    assert (forbidden.status_code, forbidden.json()["state"]) == (409, "reported")
    assert (await post(triage, {"state": "removed"}, f"/{(await one_case(triage)).case_id}")).status_code == 404


@pytest.mark.parametrize("priority", list(Priority))
def test_clocks_of_a_take_down_run_out_once_each_and_stop_with_the_answer(priority: Priority) -> None:
    wait = domain.CHASE_AFTER[priority]
    chase_at, due_at = domain.clocks(NOW, priority)
    new = domain.started(_takedown(chase_at=chase_at, due_at=due_at), [])
    assert new.look_at == chase_at == NOW + wait
    assert domain.warn(new, chase_at - timedelta(seconds=1))[1] == []
    late, ran_out = domain.warn(new, chase_at)
    assert (late.chase_due, ran_out, late.look_at) == (True, [domain.Clock.CHASE], due_at)
    assert domain.warn(late, chase_at)[1] == []
    assert domain.summary([late]) == "due"
    again = domain.step(late, TakedownState.CHASED, priority, "S4001", chase_at)
    assert (again.chase_due, again.chase_at, again.due_at) == (False, chase_at + wait, due_at)
    overdue, ran_out = domain.warn(again, due_at)
    assert (ran_out, overdue.look_at) == ([domain.Clock.CHASE, domain.Clock.OVERDUE], None)
    gone = domain.step(overdue, TakedownState.REMOVED, priority, "S4001", due_at)
    assert (gone.look_at, gone.chase_at, gone.overdue, domain.summary([gone])) == (None, None, False, "removed")
    assert domain.warn(gone, due_at + wait) == (gone, [])


def _takedown(**changes: object) -> domain.Takedown:
    known: dict[str, object] = {
        "takedown_id": WRITER.ids.uuid(),
        "case_id": WRITER.ids.uuid(),
        "platform": "x",
        "link": LINK,
        "link_number": 1,
        "category": "",
        "how": domain.How.WEB_FORM,
        "reference": None,
        "reported_at": NOW,
        "reported_by": "S4001",
        "state": TakedownState.REPORTED,
    }
    return domain.Takedown(**{**known, **changes})  # type: ignore[arg-type]  # a builder: names are checked by the class


async def test_the_sweep_marks_the_case_once_and_leaves_its_version(triage: Triage) -> None:
    await open_cases(triage.database, report(urls=(LINK,)))
    kept = await asked(triage)
    before = (await one_case(triage)).version
    assert await sweep(triage) == 0
    triage.clock.move(timedelta(days=1))
    while await sweep(triage) == 0:
        triage.clock.move(timedelta(days=1))
    assert await sweep(triage) == 0
    case = await one_case(triage)
    assert (case.takedown, case.version) == ("due", before)
    assert (await actions(triage))[-2:] == ["takedown_chase_due", "task_added"]
    assert await tasks_about(triage, kept) == {"chase": False}
    await followed(triage, kept, "chased")
    assert await tasks_about(triage, kept) == {"chase": True}
    assert (await one_case(triage)).takedown == "asked"
    triage.clock.move(timedelta(days=30))
    assert await sweep(triage) == 1
    assert (await actions(triage))[-3:] == ["takedown_overdue", "task_added", "task_added"]
    await followed(triage, kept, "removed")
    assert await tasks_about(triage, kept) == {"chase": True, "platform_silent": True}
    triage.clock.move(timedelta(days=30))
    assert await sweep(triage) == 0


@pytest.mark.parametrize("answer", ["removed", "refused"])
async def test_the_sweep_leaves_a_settled_take_down_beside_one_that_is_due(triage: Triage, answer: str) -> None:
    await open_cases(triage.database, report(urls=(LINK, OTHER)))
    settled, still = await asked(triage, link_number=1), await asked(triage, link_number=2)
    await followed(triage, settled, answer)
    triage.clock.move(timedelta(days=30))
    assert await sweep(triage) == 1
    assert await sweep(triage) == 0
    assert {row.state: (row.chase_due, row.look_at) for row in await rows(triage)} == {
        answer: (False, None),
        "reported": (True, None),
    }
    assert await tasks_about(triage, settled) == {}
    assert await tasks_about(triage, still) == {"chase": False, "platform_silent": False}


async def tasks_about(triage: Triage, takedown: dict[str, Any]) -> dict[str, bool]:
    """Return the tasks about a take-down, and whether each is done."""
    case = await one_case(triage)
    async with triage.database.transaction() as session:
        kept = await tasks.of_case(session, case.case_id)
    return {one.code: one.done for one in kept.tasks if str(one.about) == takedown["takedown_id"]}


async def test_a_platform_may_answer_when_the_case_is_closed(triage: Triage, sam: AsyncClient) -> None:
    told = report(urls=(LINK,))
    await open_cases(triage.database, told)
    kept = await asked(triage)
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/claim")
    await press(sam, page, f"{page}/resolve", outcome="reported_to_platform")
    await press(sam, page, f"{page}/close")
    assert (await followed(triage, kept, "removed"))["state"] == "removed"
    case = await one_case(triage)
    assert (case.state, case.takedown) == ("closed", "removed")


async def test_links_are_on_no_page_until_someone_asks(triage: Triage, sam: AsyncClient) -> None:
    told = report(urls=(LINK,))
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}/takedowns"
    assert "No platform was asked to remove anything yet" in (await sam.get(page)).text
    refused = await press(sam, page, page, platform="x", how="web_form")
    assert (refused.status_code, "Choose a link of the report" in refused.text) == (422, True)
    wrong = await press(sam, page, page, link_number="1", platform="reddit", how="web_form", category="hate_speech")
    assert "Choose a category of Reddit" in wrong.text
    made = await press(sam, page, page, link_number="1", platform="x", how="in_app", category="abuse_harassment")
    assert (made.status_code, made.headers["location"]) == (303, f"{page}?done=takedown-recorded")
    seen = (await sam.get(page)).text
    assert "“Abuse/Harassment”" in seen
    assert LINK not in seen
    shown = (await press(sam, page, f"{page}/show")).text
    assert shown.count(LINK) > 1, "as a link, and in the text to send"
    assert "content_shown" in await actions(triage)
    for tab in ("", "/timeline", "/audit"):
        assert LINK not in (await sam.get(f"/cases/{told.reference}{tab}")).text
    case = await one_case(triage)
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SMART_RESPONDER))
        listed = await client.get(f"{API}/{case.case_id}/takedowns", params={"content": "true"})
    assert listed.json()["items"][0]["link"] == LINK
    [row] = await rows(triage)
    step = f"{page}/{row.takedown_id}"
    assert (await press(sam, page, step)).status_code == 422
    assert (await press(sam, page, step, state="removed", version="1")).status_code == 412
    assert (await press(sam, page, step, state="removed", note="Gone")).status_code == 303


async def test_what_is_begun_in_a_case_is_recorded_there_after_it_was_merged(triage: Triage) -> None:
    first, second = report(urls=(LINK,)), report(urls=(LINK,))
    await open_cases(triage.database, first, second)
    async with triage.client() as client:
        sam = desk(triage, client, Role.SMART_RESPONDER)
        [kept] = (await sam.do("takedowns", second, link_number=1))["takedowns"]
        [task] = [
            one for one in (await sam.do("tasks", second, title="Ring"))["tasks"]["items"] if one["title"] == "Ring"
        ]
        await sam.do("merge", second, into=first.reference)
        triage.clock.move(timedelta(days=30))
        assert await sweep(triage) == 1
        sam = desk(triage, client, Role.SMART_RESPONDER)
        await sam.do(f"takedowns/{kept['takedown_id']}", second, state="chased")
        removed = await sam.do(f"takedowns/{kept['takedown_id']}", second, state="removed")
        assert [one["state"] for one in removed["takedowns"]] == ["removed"]
        await sam.do(f"tasks/{task['task_id']}", second, done=True)
        ticked = await sam.do("support", second, state="offered")
        assert [one["title"] for one in ticked["tasks"]["items"] if one["task_id"] and not one["done_at"]] == []
        assert ticked["tasks"]["support"]["state"] == "offered"
        assert [(await sam.read(one))["state"] for one in (first, second)] == ["new", "merged"]


async def test_a_case_that_another_process_has_locked_does_not_hold_up_the_sweeps_of_others(triage: Triage) -> None:
    held, free = report(urls=(LINK,)), report(urls=(LINK,))
    await open_cases(triage.database, held, free)
    async with triage.client() as client:
        sam = desk(triage, client, Role.SMART_RESPONDER)
        for one in (held, free):
            await sam.do("takedowns", one, link_number=1)
            await sam.do("tasks", one, title="Ring", due_at=(NOW + timedelta(days=2)).isoformat())
    triage.clock.move(timedelta(days=30))
    async with asyncio.timeout(20), triage.database.transaction() as other:  # sooner than a statement is cancelled
        await other.execute(select(CaseRow).where(CaseRow.reference == held.reference).with_for_update())
        for found in (1, 0):
            assert await sweep(triage) == found
            async with triage.database.transaction() as session:
                assert await note_overdue(session, triage.clock.now(), writer=WRITER) == found
    assert await sweep(triage) == 1


async def test_another_team_cannot_record_anything(triage: Triage, maria: AsyncClient) -> None:
    told = report(urls=(LINK,))
    await open_cases(triage.database, told)
    kept = await asked(triage)
    case = await one_case(triage)
    there = f"{API}/{case.case_id}/takedowns"
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.SIRT_LEAD, subject="S5002") | {"If-Match": f'"{case.version}"'})
        assert (await client.get(there)).status_code == 404
        assert (await client.post(there, json={"link": OTHER})).status_code == 404
        step = await client.post(f"{there}/{kept['takedown_id']}", json={"state": "removed"})
        assert step.json()["type"].endswith("case-not-found")
    assert (await maria.get(f"/cases/{told.reference}/takedowns")).status_code == 404
    assert [one.state for one in await rows(triage)] == ["reported"]


async def rows(triage: Triage) -> list[TakedownRow]:
    async with triage.database.transaction() as session:
        return list(await session.scalars(select(TakedownRow)))


async def test_a_take_down_changed_behind_the_record_is_found(triage: Triage) -> None:
    await open_cases(triage.database, report(urls=(LINK,)))
    await asked(triage)
    for change in ("state = 'chased'", "link = 'https://example.org/'", "reported_by = 'S9999'"):
        async with triage.database.transaction() as session:
            await session.execute(text(f"update takedown set {change}"))  # noqa: S608 - our own words
            broken = await verify(session, records=records)
            await session.rollback()
        assert [(one.because, one.fields) for one in broken] == [(Broken.RECORD_DIFFERS, ("takedowns",))]
    async with triage.database.transaction() as session:
        with pytest.raises(IntegrityError):
            await session.execute(text("update takedown set state = 'removed'"))
        await session.rollback()


async def test_nothing_is_asked_about_what_may_be_union_activity_or_is_no_content(triage: Triage) -> None:
    for told, role in ((misuse(union_activity="unsure"), Role.TRIAGE_DESK), (enquiry(), Role.ADVICE_CENTRE)):
        await open_cases(triage.database, told)
        async with triage.client() as client:
            client.headers.update(triage.bearer(role, subject="S6001"))
            [case] = (await client.get(API, params={"report_id": str(told.report_id)})).json()["items"]
            answer = await client.post(
                f"{API}/{case['case_id']}/takedowns", json={"link": LINK}, headers={"If-Match": '"1"'}
            )
        assert answer.json()["type"].endswith("not-for-this-case")


def test_every_list_of_categories_names_its_source() -> None:
    known = notices.guides().platforms
    for platform, guide in known.items():
        codes = [one.code for one in guide.categories]
        assert len(codes) == len(set(codes)), platform
        assert all(len(code) <= 100 for code in codes)
        assert {one for category in guide.categories for one in category.fits} <= set(Behaviour), platform
        assert (guide.source is None) == (not codes), platform
        assert guide.source is None or guide.source.at.startswith("https://"), platform
    assert known.keys() <= PLATFORMS.keys()
    assert all(notices.guide("bluesky").suggested([one]) for one in Behaviour)


def test_categories_that_machines_read_are_those_of_the_published_schemas() -> None:
    bluesky, mastodon = notices.categories("bluesky"), notices.categories("mastodon")
    assert {one.reason: one.name for one in bluesky} == schemas.REASONS
    assert {one.code for one in mastodon} == schemas.MASTODON_CATEGORIES


async def test_a_platform_without_a_list_is_asked_in_the_responders_own_words(triage: Triage, sam: AsyncClient) -> None:
    told = report(urls=(LINK,))
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}/takedowns"
    shown = (await press(sam, page, f"{page}/platform", platform="other", link_number="1")).text
    assert "We have no list of categories that this platform publishes. Describe it in your own words" in shown
    assert 'name="category"' not in shown
    shown = (await press(sam, page, f"{page}/platform", platform="x", link_number="1")).text
    assert "The X Rules</a>, as of 16 February 2024" in shown
    left_over = {"platform": "other", "category": "abuse_harassment", "how": "web_form", "link_number": "1"}
    assert (await press(sam, page, page, **left_over)).status_code == 303
    async with triage.database.transaction() as session:
        assert (await session.scalars(select(TakedownRow.category))).all() == [""]


async def test_what_was_asked_yesterday_is_dated_and_its_clocks_run_from_then(triage: Triage, sam: AsyncClient) -> None:
    told = report(urls=(LINK, OTHER))
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}/takedowns"
    fields = {"link_number": "1", "platform": "x", "how": "web_form"}
    yesterday = {"asked_at-day": "22", "asked_at-month": "11", "asked_at-year": "2026", "asked_time": "4:30pm"}
    made = await press(sam, page, page, **fields, **yesterday)
    assert made.status_code == 303, made.text
    async with triage.database.transaction() as session:
        kept = (await session.scalars(select(TakedownRow))).one()
    at = NOW - timedelta(hours=17, minutes=30)
    assert (kept.reported_at, kept.chase_at) == (at, domain.clocks(at, Priority((await one_case(triage)).priority))[0])
    for wrong in ({"asked_at-year": "2027"}, {"asked_at-year": "2024"}, {"asked_at-day": "23", "asked_time": "11am"}):
        refused = await press(sam, page, page, **{**fields, **yesterday, "link_number": "2", **wrong})
        assert (refused.status_code, 'href="#asked_at-day"' in refused.text) == (422, True), wrong
    late = await post(triage, {"link_number": 2, "asked_at": (NOW + timedelta(minutes=1)).isoformat()})
    assert (late.status_code, late.json()["type"].endswith("not-asked-then")) == (422, True)


async def test_another_platform_is_chosen_without_losing_what_was_typed(triage: Triage, sam: AsyncClient) -> None:
    told = report(urls=(LINK,), behaviours=("doxing",))
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}/takedowns"
    seen = (await sam.get(page)).text
    assert ("Category of X (formerly Twitter)" in seen, f'formaction="{page}/platform#report"' in seen) == (True, True)
    typed = {"link_number": "another", "link": "https://bsky.app/profile/a.example", "platform": "bluesky"}
    more = {"reference": "Mine 17", "category": "private", "asked_time": "9am", "how": "email"}
    other = await press(sam, page, f"{page}/platform", **typed, **more)
    for kept in ("Category of Bluesky", 'value="https://bsky.app/profile/a.example"', 'value="Mine 17"', 'value="9am"'):
        assert kept in other.text
    assert other.text.count("checked") == 2, "the link and the way are chosen as they were"
    suggested = notices.guide("bluesky").suggested(["doxing"])
    assert f'<option value="{suggested}" selected' in other.text
    assert (await one_case(triage)).takedown == ""
