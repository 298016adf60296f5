"""A case is given to a colleague, and its priority changed."""

import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import insert, text

from services.triage.cases import handlers
from services.triage.cases.handlers import Colleague
from shared.auth.permissions import Role
from shared.events.triage import CaseAssigned, CasePriorityChanged
from shared.events.vocabulary import Team
from shared.people import known_person
from tests.services.triage.builders import NOW, CaseFilter, incident, listed, misuse, open_cases, report, viewer
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage
from tests.services.triage.plans import plans_of

SERVICE = "triage"
API = "/cases/api/v1/cases"


@pytest.fixture
async def sam_writes(triage: Triage) -> AsyncIterator[AsyncClient]:
    async with triage.client() as opened:
        opened.headers.update(triage.bearer(Role.SMART_RESPONDER))
        yield opened


@pytest.fixture
async def lead_writes(triage: Triage) -> AsyncIterator[AsyncClient]:
    async with triage.client() as opened:
        opened.headers.update(triage.bearer(Role.SMART_LEAD, Role.SIRT_LEAD, subject="S4002"))
        yield opened


async def only(client: AsyncClient) -> dict[str, object]:
    """Return the only case, as a script reads it."""
    [item] = (await client.get(API)).json()["items"]
    found: dict[str, object] = (await client.get(f"{API}/{item['case_id']}")).json()
    return found


async def write(client: AsyncClient, action: str, body: Mapping[str, object] | None = None) -> Response:
    """Act on the only case."""
    case = await only(client)
    headers = {"If-Match": f'"{case["version"]}"'}
    return await client.post(f"{API}/{case['case_id']}/{action}", json=body, headers=headers)


async def published(triage: Triage, kind: str) -> list[bytes]:
    async with triage.database.transaction() as session:
        return list(await session.scalars(text("select value from outbox where type = :type"), {"type": kind}))


async def test_a_case_is_handed_over_with_a_note_that_only_the_team_reads(
    triage: Triage, sam_writes: AsyncClient, lead_writes: AsyncClient
) -> None:
    await open_cases(triage.database, report())
    given = await write(sam_writes, "assign", {"assignee": "S4003", "note": "Ring them after six"})
    assert (given.status_code, given.json()["assignee"], given.json()["state"]) == (200, "S4003", "in_progress")
    assert given.json()["deadlines"][0]["met_at"] is None
    refused = await write(sam_writes, "assign", {"assignee": "S4001"})
    assert refused.json()["type"] == "urn:signpost:problem:case-claimed-by-another"
    same = await write(lead_writes, "assign", {"assignee": "S4003"})
    assert (same.status_code, same.json()["type"]) == (409, "urn:signpost:problem:has-it-already")
    assert (await write(lead_writes, "assign", {"assignee": "s4002"})).json()["assignee"] == "S4002"
    case = await only(sam_writes)
    said = (await sam_writes.get(f"{API}/{case['case_id']}/conversation")).json()["items"]
    assert [(one["kind"], one["text"]) for one in said] == [("note", "Ring them after six")]
    values = await published(triage, CaseAssigned.TYPE)
    events = [CaseAssigned.model_validate_json(value) for value in values]
    assert [(event.assignee, event.taken) for event in events] == [("S4003", False), ("S4002", True)]
    assert not [value for value in values if b"after six" in value]


async def test_an_assigned_case_is_free_again_when_its_answer_is_due(
    triage: Triage, sam_writes: AsyncClient, lead_writes: AsyncClient
) -> None:
    await open_cases(triage.database, report(behaviours=("threat",)))
    case = await only(sam_writes)
    left = timedelta(minutes=60)
    assert (case["priority"], case["due_at"]) == ("P2", (NOW + left).isoformat().replace("+00:00", "Z"))
    assert (await write(sam_writes, "assign", {"assignee": "S4003"})).status_code == 200
    triage.clock.move(left - timedelta(minutes=1))
    sam_writes.headers.update(triage.bearer(Role.SMART_RESPONDER))
    assert (await write(sam_writes, "claim")).json()["type"].endswith("case-claimed-by-another")
    triage.clock.move(timedelta(minutes=1))
    assert (await write(sam_writes, "claim")).json()["assignee"] == "S4001"


@pytest.mark.parametrize(
    ("suspected", "assignee", "answer"),
    [
        ({"staff_id": "S4003"}, "S4003", "may-not-have"),
        ({"staff_id": "S4003"}, "s4003", "may-not-have"),
        ({"name": "Una Field"}, "S4003", "may-not-have"),
        ({"name": "Una Field"}, "S4004", None),
        ({"name": "Una Field"}, "S4999", "invalid"),
    ],
)
async def test_no_one_is_given_a_case_that_is_kept_from_them_or_a_number_that_is_no_ones(
    triage: Triage, sam_writes: AsyncClient, suspected: dict[str, str], assignee: str, answer: str | None
) -> None:
    people = [{"staff_id": "s4003", "name": "Una Field"}, {"staff_id": "s4004", "name": "Ben Stone"}]
    async with triage.database.transaction() as session:
        await session.execute(insert(known_person).values([{**one, "listed_at": NOW} for one in people]))
    await open_cases(triage.database, report(suspected=({"relation": "colleague", **suspected},)))
    given = await write(sam_writes, "assign", {"assignee": assignee})
    assert given.json().get("type") == (answer and f"urn:signpost:problem:{answer}")
    assert (await only(sam_writes))["assignee"] == (None if answer else assignee)


async def test_a_restricted_case_is_given_only_to_those_named_to_see_it(
    triage: Triage, lead_writes: AsyncClient
) -> None:
    await open_cases(triage.database, told := misuse(found_by="monitoring"))
    refused = await write(lead_writes, "assign", {"assignee": "S5001"})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:signpost:problem:may-not-have")
    async with triage.client(Role.SIRT_LEAD, subject="S5002") as maria:
        from_page = {"text": "S5001", "version": str((await only(lead_writes))["version"])}
        page = f"/cases/{told.reference}"
        token = (await maria.get(page)).text.partition('name="csrftoken" value="')[2].partition('"')[0]
        assert (await maria.post(f"{page}/name-person", data={"csrftoken": token, **from_page})).status_code == 303
    assert (await write(lead_writes, "assign", {"assignee": "S5001"})).json()["assignee"] == "S5001"


async def test_colleagues_who_lately_took_cases_of_the_team_are_offered_with_what_they_have(
    triage: Triage, sam_writes: AsyncClient
) -> None:
    suspected = report(suspected=({"relation": "colleague", "staff_id": "S4003"},))
    await open_cases(triage.database, report(), report(), suspected, incident())
    sam = viewer(Team.SMART)
    async with triage.database.transaction() as session:
        cases = await listed(session, sam, CaseFilter(), 9)
    kept, *others = cases
    for subject, role, mine in (("S4003", Role.SMART_RESPONDER, others), ("S4004", Role.SMART_LEAD, [kept])):
        triage.clock.move(timedelta(minutes=1))
        for case in mine:
            headers = {**triage.bearer(role, subject=subject), "If-Match": '"1"'}
            assert (await sam_writes.post(f"{API}/{case.case_id}/claim", headers=headers)).status_code == 200
    async with triage.database.transaction() as session:
        now = triage.clock.now()
        names = [("S4004", "Somebody Else", 1), ("S4003", "Somebody Else", 2)]
        for case, expected in ((others[0], names), (kept, names[:1])):
            offered = await handlers.colleagues(session, sam, case, now)
            assert offered == [Colleague(*one) for one in expected]
        assert await handlers.colleagues(session, sam, kept, now + handlers.LATELY) == []
        restricted = await handlers.colleagues(session, viewer(Team.SMART, subject="S4003"), others[0], now)
        assert restricted[0].open_cases == 0, "a case that is kept from the viewer is not counted"
    [plan, *_] = await plans_of(triage.database, lambda session: handlers.colleagues(session, sam, kept, now))
    assert "ix_case_facets" in plan, f"each colleague costs no more than the cases they have: {plan}"


async def test_a_change_of_priority_says_why_and_moves_the_running_deadlines(
    triage: Triage, sam_writes: AsyncClient
) -> None:
    await open_cases(triage.database, report())
    body = {"priority": "P1", "reason": "They wrote where she lives"}
    assert (await write(sam_writes, "priority", body)).json()["type"].endswith("case-not-claimed")
    await write(sam_writes, "claim")
    triage.clock.move(timedelta(minutes=5))
    changed = (await write(sam_writes, "priority", body)).json()
    assert (changed["priority"], changed["due_at"]) == ("P1", "2026-11-23T10:20:00Z")
    same = await write(sam_writes, "priority", body)
    assert (same.status_code, same.json()["type"]) == (409, "urn:signpost:problem:same-priority")
    [value] = await published(triage, CasePriorityChanged.TYPE)
    event = CasePriorityChanged.model_validate_json(value)
    assert (event.before, event.priority, event.staffed) == ("P3", "P1", True)
    assert b"she lives" not in value
    async with triage.database.transaction() as session:
        [row] = await session.execute(text('select priority, due_at from "case"'))
    assert (row.priority, row.due_at) == ("P1", NOW + timedelta(minutes=20))


async def test_a_case_is_assigned_and_its_priority_changed_on_its_page(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, told := report(), report())
    case = f"/cases/{told.reference}"
    await press(sam, case, f"{case}/claim")
    form = await sam.get(f"{case}/assign")
    assert '<option value="S4001">You: 1 open case</option>' not in form.text, "who has it is not offered"
    await press(sam, case, f"{case}/release")
    form = await sam.get(f"{case}/assign")
    assert '<option value="S4001">You: 0 open cases</option>' in form.text
    assert form.text.count('name="action"') >= 3, "opening one form closes the others"
    refused = await press(sam, case, f"{case}/assign", number="not a number", text="Ring them")
    assert (refused.status_code, 'href="#assign-number"' in refused.text, "Ring them" in refused.text) == (
        422,
        True,
        True,
    )
    empty = await press(sam, case, f"{case}/assign")
    assert "Choose a colleague, or give a staff number" in empty.text
    assert (await press(sam, case, f"{case}/assign", number="S4003", text="Ring them")).status_code == 303
    page = (await sam.get(f"{case}/timeline")).text
    assert "Assigned to a colleague" in page
    assert "S4003 has this case." in page
    async with triage.client(Role.SMART_LEAD, subject="S4002") as aisha:
        assert (await press(aisha, case, f"{case}/priority", text="Worse")).status_code == 422
        assert (await press(aisha, case, f"{case}/priority", text="Worse", priority="P2")).status_code == 303
        page = (await aisha.get(case)).text
    assert "P2 high" in page
    assert "Respond: 1 h left" in page


async def test_the_main_action_is_the_next_sensible_one(triage: Triage, sam: AsyncClient) -> None:
    await open_cases(triage.database, told := report())
    case = f"/cases/{told.reference}"
    steps: list[tuple[str, dict[str, str], str]] = [
        ("claim", {}, "share"),
        ("note", {"text": "Rang the platform"}, "share"),
        ("share", {"text": "We are on it"}, "resolve"),
    ]
    assert "signpost-main-action" not in (await sam.get(case)).text
    for action, fields, main in steps:
        await press(sam, case, f"{case}/{action}", **fields)
        page = (await sam.get(case)).text
        [first] = re.findall(r"<details[^>]*signpost-main-action[^>]*>", page)
        assert f'id="{main}-details"' in first
        assert f'href="{case}/{main}"' in page
        opened = (await sam.get(f"{case}/{main}")).text
        [form] = re.findall(r"<details[^>]*signpost-main-action[^>]*>", opened)
        assert " open" in form, "its form is open"
        assert opened.count(" autofocus") == 1
