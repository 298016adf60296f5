"""The queue and the case page, without JavaScript."""

import html
import re
from datetime import timedelta

import pytest
from httpx import AsyncClient, Response

from services.triage.cases.lists import NO_CASE_YET
from services.triage.reporters.handlers import ask_withdrawal
from shared.auth.permissions import Role
from shared.events.intake import AbuseReportSubmitted, AbuseReportWithdrawn, Person
from shared.events.triage import CaseInformationAsked, ReporterUpdateShared
from shared.events.vocabulary import Relation
from shared.messaging.tables import outbox as outbox_table
from tests.services.triage.builders import NOW, WRITER, envelope, open_cases, report
from tests.services.triage.conftest import Triage

SERVICE = "triage"
HIDDEN = re.compile(r'name="csrftoken" value="(?P<token>[^"]+)"')


async def press(client: AsyncClient, told: AbuseReportSubmitted, action: str, **fields: str) -> Response:
    page = await client.get(f"/cases/{told.reference}")
    token = HIDDEN.search(page.text)
    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert token
    answers = {"csrftoken": token["token"], "version": version[1] if version else "", **fields}
    return await client.post(f"/cases/{told.reference}/{action}", data=answers)


async def test_the_queue_shows_what_waits_with_its_clock(triage: Triage) -> None:
    late, calm = report(behaviours=("doxing",)), report(platform="facebook")
    await open_cases(triage.database, calm, late)
    triage.clock.move(timedelta(minutes=63))
    async with triage.client(Role.SMART_RESPONDER) as sam:
        page = (await sam.get("/cases")).text
    assert page.index(late.reference) < page.index(calm.reference)
    assert "Missed by 3 min" in page
    assert "57 min left" in page
    assert "Facebook" in page
    assert ">1 h</time>" in page


async def test_a_withdrawal_is_called_the_same_in_the_queue_and_on_the_case(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    async with triage.database.transaction() as session:
        gone = AbuseReportWithdrawn(report_id=told.report_id, reference=told.reference, at=NOW)
        await ask_withdrawal(session, [envelope(gone, 2)], NOW, writer=WRITER)
    for address in ("/cases", f"/cases/{told.reference}"):
        assert "Withdrawal requested" in (await sam.get(address)).text


async def test_an_empty_queue_says_what_will_appear(sam: AsyncClient) -> None:
    assert "Nothing is waiting" in (await sam.get("/cases")).text
    assert "You have no case" in (await sam.get("/cases?view=mine")).text


async def test_filters_are_the_address(triage: Triage, sam: AsyncClient) -> None:
    x, facebook = report(), report(platform="facebook")
    await open_cases(triage.database, x, facebook)
    page = (await sam.get("/cases?platform=facebook")).text
    assert facebook.reference in page
    assert x.reference not in page
    assert "Remove this filter" in page


@pytest.mark.parametrize("query", ["platform=%00", "after=P9_x", "view=none", "team=smart&after=P3_1", "priority=P5"])
async def test_a_queue_address_that_makes_no_sense_is_a_queue(sam: AsyncClient, query: str) -> None:
    assert (await sam.get(f"/cases?{query}")).status_code == 200


async def test_pages_of_a_queue_follow_each_other_without_a_gap(triage: Triage, sam: AsyncClient) -> None:
    told = [report() for _ in range(60)]
    await open_cases(triage.database, *told)
    first = (await sam.get("/cases")).text
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following
    second = (await sam.get(following[1])).text
    found = re.findall(r">(SP-[A-Z0-9-]+)</a>", first + second)
    assert sorted(found) == sorted(one.reference for one in told)


async def test_new_arrivals_are_announced(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, report())
    page = (await sam.get("/cases")).text
    address = re.search(r'data-arrivals="([^"]+)"', page)
    assert address
    url = address[1].replace("&amp;", "&")
    assert (await sam.get(url)).json() == {"new": 0}
    await open_cases(triage.database, report(), report())
    assert (await sam.get(url)).json() == {"new": 2}


async def test_a_case_is_claimed_from_its_row(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    answer = await press(sam, told, "claim")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/cases/{told.reference}?done=claim")
    assert "You have this case." in (await sam.get(answer.headers["location"])).text
    assert told.reference in (await sam.get("/cases?view=mine")).text
    assert told.reference not in (await sam.get("/cases?view=unclaimed")).text


async def test_a_case_names_what_its_sender_said_and_nobody_could_read(triage: Triage, sam: AsyncClient) -> None:
    told = report(not_readable=("urls", "occurred_at", "field_of_next_year"), occurred_at=None)
    await open_cases(triage.database, told, plain := report())
    page = (await sam.get(f"/cases/{told.reference}")).text
    assert "The links, when it happened, field of next year. Look in the system that sent this report." in page
    assert "Not readable" not in (await sam.get(f"/cases/{plain.reference}")).text


async def test_what_was_written_is_absent_until_it_is_asked_for_and_that_is_recorded(
    triage: Triage, sam: AsyncClient
) -> None:
    told = report(narrative="Words that hurt", urls=("https://x.com/them/status/9",))
    await open_cases(triage.database, told)
    for tab in ("", "/timeline", "/routing", "/audit"):
        page = (await sam.get(f"/cases/{told.reference}{tab}")).text
        assert "Words that hurt" not in page
        assert "status/9" not in page
    shown = await press(sam, told, "show")
    assert shown.status_code == 200
    assert "Words that hurt" in shown.text
    assert "What was written was shown" in (await sam.get(f"/cases/{told.reference}/timeline?kind=looks")).text


@pytest.mark.policy("S3")
async def test_the_routing_tab_says_why(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = (await sam.get(f"/cases/{told.reference}/routing")).text
    assert "Sent to SMART by rule abuse-of-a-user because of statement 3." in page
    assert "harassment" in page


async def test_every_tab_and_action_works_in_turn(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    steps: list[tuple[str, dict[str, str]]] = [
        ("claim", {}),
        ("note", {"text": "Called the platform"}),
        ("share", {"text": "We are on it"}),
        ("ask", {"text": "Which post?"}),
        ("start", {}),
        ("resolve", {"outcome": "removed_by_platform"}),
        ("reopen", {"text": "It is back"}),
        ("resolve", {"outcome": "support_given", "text": "Spoke"}),
        ("close", {}),
    ]
    for action, fields in steps:
        answer = await press(sam, told, action, **fields)
        assert answer.status_code == 303, (action, answer.text)
        for tab in ("", "/timeline", "/routing", "/audit"):
            page = await sam.get(f"/cases/{told.reference}{tab}")
            assert page.status_code == 200
    timeline = (await sam.get(f"/cases/{told.reference}/timeline")).text
    assert "Called the platform" in timeline
    assert "Removed by the platform" in timeline


async def test_only_a_question_tells_the_reporter_that_the_team_asks(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    await press(sam, told, "claim")
    await press(sam, told, "share", text="We are on it")
    await press(sam, told, "ask", text="Which post?")
    async with triage.database.transaction() as session:
        rows = outbox_table.select().where(outbox_table.c.type == ReporterUpdateShared.TYPE).order_by(outbox_table.c.id)
        written = [ReporterUpdateShared.model_validate_json(row.value) for row in await session.execute(rows)]
        asked = outbox_table.select().where(outbox_table.c.type == CaseInformationAsked.TYPE)
        [said] = (await session.execute(asked)).all()
    assert [(update.text, update.asks) for update in written] == [("We are on it", False), ("Which post?", True)]
    assert {update.report_id for update in written} == {told.report_id}
    assert CaseInformationAsked.model_validate_json(said.value).report_id == told.report_id
    assert b"Which post" not in bytes(said.value)


async def test_a_refused_form_keeps_what_was_typed(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    await press(sam, told, "claim")
    empty = await press(sam, told, "note", text="  ")
    assert empty.status_code == 422
    assert 'href="#note-text"' in empty.text
    no_team = await press(sam, told, "transfer", text="Theirs, I think")
    assert no_team.status_code == 422
    assert "Theirs, I think" in no_team.text
    assert "Choose a team" in no_team.text


async def test_a_page_says_which_state_forbids_an_action(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    refused = await press(sam, told, "close")
    assert refused.status_code == 409
    assert "The case is new: that cannot be done now." in refused.text


async def test_a_stale_page_says_what_changed_and_keeps_what_was_typed(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    await press(sam, told, "claim")
    stale = await press(sam, told, "note", text="Half a page of notes", version="1")
    assert stale.status_code == 412
    assert "Half a page of notes" in stale.text
    assert "Claimed by S4001" in stale.text


@pytest.mark.parametrize("version", ["", "one", "-1"])
async def test_a_form_that_does_not_say_what_was_read_is_refused_and_kept(
    triage: Triage, sam: AsyncClient, version: str
) -> None:
    told = report()
    await open_cases(triage.database, told)
    refused = await press(sam, told, "note", text="Half a page of notes", version=version)
    assert refused.status_code == 428
    assert "did not say which version of the case you read" in refused.text
    assert "Half a page of notes" in refused.text
    assert 'name="version" value="1"' in refused.text
    assert "Half a page of notes" not in (await sam.get(f"/cases/{told.reference}/timeline")).text


async def test_a_case_is_seen_only_by_its_team(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    async with triage.client(Role.SIRT_RESPONDER, subject="S5001") as leo:
        assert (await leo.get(f"/cases/{told.reference}")).status_code == 404
        assert told.reference not in (await leo.get("/cases")).text
    async with triage.client(Role.REPORTER, subject="S1001") as priya:
        assert (await priya.get("/cases")).status_code == 403
    async with triage.client() as stranger:
        assert (await stranger.get("/cases")).status_code == 303


@pytest.mark.policy("S1")
@pytest.mark.parametrize(
    "said",
    [
        {"staff_id": "S4001"},
        {"staff_id": " s4001 "},
        {"name": "Sam Reid"},
        {"name": "REID, S."},
        {"name": "Sam Reid of the night shift, I think (s4001)"},
        {"name": "sam.reid@example.org"},
        {"staff_id": "Sam Reid"},
    ],
)
async def test_a_responder_who_may_be_suspected_never_meets_the_case(
    triage: Triage, sam: AsyncClient, aisha: AsyncClient, said: dict[str, str]
) -> None:
    told = report(suspected=(Person(relation=Relation.UNKNOWN, name="A stranger"), colleague(**said)))
    await open_cases(triage.database, told)
    for tab in ("", "/timeline", "/routing", "/audit"):
        assert (await sam.get(f"/cases/{told.reference}{tab}")).status_code == 404
    for view in ("all", "unclaimed"):
        assert told.reference not in (await sam.get(f"/cases?view={view}")).text
    assert (await sam.get(f"/cases/arrivals?since={NO_CASE_YET}")).json() == {"new": 0}
    assert (await aisha.get(f"/cases/arrivals?since={NO_CASE_YET}")).json() == {"new": 1}
    assert (await sam.get("/cases/api/v1/cases")).json()["items"] == []
    [item] = (await aisha.get("/cases/api/v1/cases")).json()["items"]
    assert (await sam.get(f"/cases/api/v1/cases/{item['case_id']}")).status_code == 404
    bearer = triage.bearer(Role.SMART_RESPONDER)
    async with triage.client() as client:
        claim = f"/cases/api/v1/cases/{item['case_id']}/claim"
        assert (await client.post(claim, headers={**bearer, "If-Match": '"1"'})).status_code == 404


def colleague(**said: str) -> Person:
    return Person(relation=Relation.COLLEAGUE, **said)


@pytest.mark.parametrize("said", [{"name": "Aisha Khan"}, {"name": "Sam Green"}, {"staff_id": "S40011"}, {}])
async def test_nobody_else_is_kept_from_a_case(triage: Triage, sam: AsyncClient, said: dict[str, str]) -> None:
    told = report(suspected=(colleague(**said),))
    await open_cases(triage.database, told)
    assert told.reference in (await sam.get("/cases")).text


async def test_a_transferred_case_leaves_the_queue(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    await press(sam, told, "claim")
    answer = await press(sam, told, "transfer", team="sirt", text="An incident")
    assert answer.headers["location"] == f"/cases?done=transfer&case={told.reference}#{told.reference}"
    page = (await sam.get(answer.headers["location"])).text
    assert f"You transferred {told.reference}. It is with a team whose cases you cannot see." in page
    assert f'href="/cases/{told.reference}' not in page
    async with triage.client(Role.SIRT_RESPONDER, subject="S5001") as leo:
        assert told.reference in (await leo.get("/cases")).text


async def test_every_page_of_the_queue_leads_to_the_next_and_back_to_the_one_before(
    triage: Triage, sam: AsyncClient
) -> None:
    await open_cases(triage.database, *[report() for _ in range(120)])

    def read(page: str) -> tuple[list[str], str | None, str | None]:
        before, after = (re.search(rf'href="([^"]+)" rel="{rel}"', page) for rel in ("prev", "next"))
        rows = re.findall(r'signpost-reference" href="/cases/([^"?]+)[?"]', page)
        return rows, html.unescape(before[1]) if before else None, html.unescape(after[1]) if after else None

    async def pages(address: str | None, direction: int) -> list[list[str]]:
        walked = []
        while address:
            rows, *links = read((await sam.get(address)).text)
            walked.append(rows)
            last.append(address)
            address = links[direction]
        return walked

    last: list[str] = []
    forward = await pages("/cases", 1)
    back = await pages(last[-1], 0)
    assert [len(rows) for rows in forward] == [50, 50, 20]
    assert back[::-1] == forward
    assert len(set().union(*forward)) == 120


async def test_the_skip_link_of_a_list_leads_to_its_first_row(triage: Triage, sam: AsyncClient) -> None:
    skip = re.compile(r'<a href="#([^"]+)" class="govuk-skip-link"')
    empty = skip.search((await sam.get("/cases")).text)
    await open_cases(triage.database, report())
    page = (await sam.get("/cases")).text
    target = skip.search(page)
    assert empty
    assert target
    assert (empty[1], target[1]) == ("main-content", "cases")
    rest = page.partition('id="cases"')[2]
    assert len(re.findall(r"<a |<button|<select|<input type=\"(?!hidden)|<summary", rest.partition(">Claim")[0])) == 2


async def test_an_open_page_says_what_others_did_to_the_case_meanwhile(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, told := report())
    page = (await sam.get(f"/cases/{told.reference}")).text
    looks = re.search(r'role="status" data-changed="([^"]+)"', page)
    assert looks
    assert (await sam.get(looks[1])).json() == {"said": ""}
    async with triage.client(Role.SMART_RESPONDER, subject="S4009") as other:
        await press(other, told, "claim")
        await press(other, told, "note", text="Words that only the team reads")
        assert (await other.get(looks[1])).json() == {"said": "Internal note added by you, 23 November 2026 at 10:00am"}
    said = (await sam.get(looks[1])).json()["said"]
    assert said == "Internal note added by S4009, 23 November 2026 at 10:00am"
    assert (await sam.get(f"/cases/{told.reference}/since?version=x")).status_code == 422


_BEFORE_TABS = re.compile(r"<summary[^>]*>\s*<span[^>]*>\s*([^<]+?)\s*</span>")


async def test_the_rare_actions_are_in_one_part_and_no_two_forms_are_open(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, told := report(behaviours=("doxing",)))
    await press(sam, told, "claim")
    page = (await sam.get(f"/cases/{told.reference}")).text
    shown, _, tabs = page.partition('aria-label="Parts of this case"')
    common, _, rare = shown.partition('id="more-actions"')
    assert "Doxing (private details made public), on X" in common
    assert _BEFORE_TABS.findall(common) == [
        *("Message to the reporter", "Resolve", "Ask for information", "Internal note"),
    ]
    assert _BEFORE_TABS.findall(rare)[:3] == ["More actions", "Change the priority", "Wrong team? Transfer"]
    assert {"/export", "/merge", "/step-back"} <= set(re.findall(rf"/cases/{told.reference}(/[a-z-]+)", rare))
    [more] = re.findall(r'<details[^>]*id="more-actions"[^>]*>', page)
    assert "name=" not in more, "a form in it would close it"
    names = re.findall(r"moj-sub-navigation__link[^>]+>([^<]+?) ?<", tabs.partition("</nav>")[0])
    assert [name for name in names if name in TABS] == TABS
    refused = (await press(sam, told, "transfer", text="Theirs, I think")).text
    opened = re.findall(r'<details[^>]*id="([^"]+)"[^>]* open', refused)
    assert opened == ["more-actions", "transfer-details"]


TABS = ["Summary", "Conversation", "Evidence", "Related", "People told", "Routing", "Audit"]
