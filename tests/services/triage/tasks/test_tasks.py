"""What has to be done about a case: by its kind, by hand and by itself; support; and a threat to life."""

from datetime import date, timedelta
from typing import Any

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from services.triage.cases.tables import CaseRow
from services.triage.operations.queries import records
from services.triage.tasks import queries, tasks_yaml
from services.triage.tasks.handlers import note_overdue
from shared.audit import chain
from shared.audit.verification import Broken, verify
from shared.auth.permissions import Role
from shared.events.intake import Person
from shared.events.triage import CaseTaskGiven
from shared.events.vocabulary import Behaviour, Relation, ReportType
from tests.services.triage.builders import NOW, WRITER, misuse, open_cases, report
from tests.services.triage.buttons import press
from tests.services.triage.conftest import Triage

SERVICE = "triage"
API = "/cases/api/v1/cases"
SOON = (NOW + timedelta(days=2)).isoformat()


async def one_case(triage: Triage) -> CaseRow:
    async with triage.database.transaction() as session:
        return (await session.scalars(select(CaseRow))).one()


async def post(triage: Triage, what: str, body: dict[str, object], version: int | None = None) -> Response:
    """Post to the only case, as Sam who read it now or in `version`."""
    case = await one_case(triage)
    read = case.version if version is None else version
    async with triage.client() as client:
        headers = {**triage.bearer(Role.SMART_RESPONDER), "If-Match": f'"{read}"'}
        return await client.post(f"{API}/{case.case_id}/{what}", json=body, headers=headers)


async def done(triage: Triage, what: str, **body: object) -> dict[str, Any]:
    answer = await post(triage, what, body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json()["tasks"])


async def actions(triage: Triage) -> list[str]:
    case = await one_case(triage)
    async with triage.database.transaction() as session:
        return [one.action for one in await chain.read(session, case.case_id)]


def codes(tasks: dict[str, Any], *, ticked: bool) -> list[str]:
    return [one["code"] for one in tasks["items"] if (one["done_at"] is not None) is ticked]


async def test_a_case_has_the_tasks_of_its_kind_until_someone_ticks_them_off(triage: Triage) -> None:
    await open_cases(triage.database, report(behaviours=("doxing",)))
    first = await done(triage, "tasks", title="Ring the building", assignee="S4002", due_at=SOON)
    assert codes(first, ticked=False) == ["offer_support", "tell_platform", "ask_police", "stay_safe", ""]
    assert first["items"][0]["due_at"] == (NOW + timedelta(hours=24)).isoformat().replace("+00:00", "Z")
    [free] = [one for one in first["items"] if not one["code"]]
    assert (free["title"], free["assignee"], free["made_by"]) == ("Ring the building", "S4002", "S4001")
    second = await done(triage, "tasks", code="ask_police", done=True)
    assert codes(second, ticked=True) == ["ask_police"]
    assert (await post(triage, "tasks", {"code": "ask_police", "done": True})).status_code == 409
    assert (await post(triage, "tasks", {"code": "nonsense"})).status_code == 404
    third = await done(triage, f"tasks/{free['task_id']}", note="They are careful now")
    assert codes(third, ticked=True) == ["ask_police", ""]
    assert (await post(triage, f"tasks/{free['task_id']}", {})).json()["type"].endswith("task-done")
    again = await done(triage, f"tasks/{free['task_id']}", done=False)
    assert codes(again, ticked=True) == ["ask_police"]
    assert (await post(triage, "tasks", {"title": "Stale"}, version=1)).status_code == 412
    assert [one for one in await actions(triage) if one.startswith("task")] == [
        *("task_added", "task_done", "task_done", "task_undone"),
    ]


async def test_who_is_given_a_task_by_someone_else_is_told_once(triage: Triage) -> None:
    await open_cases(triage.database, told := report())
    given: tuple[dict[str, object], ...] = (
        {"title": "Ring the building", "assignee": "S4002"},
        {"title": "Mine to do", "assignee": "s4001"},
        {"title": "Anyone’s"},
        {"title": "Already done", "assignee": "S4002", "done": True},
        {"code": "offer_support", "assignee": "S4002"},
        {"code": "offer_support", "assignee": "s4002", "due_at": SOON},
        {"code": "offer_support", "due_at": SOON},
        {"code": "offer_support", "assignee": "S4003"},
        {"code": "offer_support", "assignee": "S4001"},
        {"code": "offer_support", "assignee": "S4003", "done": True},
    )
    for body in given:
        await done(triage, "tasks", **body)
    async with triage.database.transaction() as session:
        values = list(await session.scalars(text("select value from outbox where type = 'case.task_given.v1'")))
    events = [CaseTaskGiven.model_validate_json(value) for value in values]
    assert [(one.assignee, one.reference) for one in events] == [
        (who, told.reference) for who in ("S4002", "S4002", "S4003")
    ]
    assert not [value for value in values if b"building" in value]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ({}, 422, "invalid"),
        ({"code": "ask_police", "title": "Both"}, 422, "invalid"),
        ({"title": "Late", "due_at": (NOW - timedelta(minutes=1)).isoformat()}, 422, "not-within-reach"),
        ({"title": "Never", "due_at": (NOW + timedelta(days=400)).isoformat()}, 422, "not-within-reach"),
        ({"title": "Kept from them", "assignee": "s7001"}, 409, "may-not-have"),
    ],
)
async def test_a_task_that_cannot_be_done_is_refused(
    triage: Triage, body: dict[str, object], status: int, kind: str
) -> None:
    suspect = Person(relation=Relation.COLLEAGUE, name="Dana Wolf", staff_id="S7001")
    await open_cases(triage.database, report(suspected=(suspect,)))
    refused = await post(triage, "tasks", body)
    assert (refused.status_code, refused.json()["type"].endswith(kind)) == (status, True), refused.text


async def test_a_task_is_overdue_once_and_its_case_stays_as_it_is(triage: Triage) -> None:
    await open_cases(triage.database, report())
    kept = await done(triage, "tasks", title="Ring the building", due_at=SOON)
    version = (await one_case(triage)).version
    for moved, found in ((timedelta(days=1), 0), (timedelta(days=1), 1), (timedelta(days=1), 0)):
        triage.clock.move(moved)
        async with triage.database.transaction() as session:
            assert await note_overdue(session, triage.clock.now(), writer=WRITER) == found
    assert ((await one_case(triage)).version, (await actions(triage))[-1]) == (version, "task_overdue")
    [task] = [one for one in kept["items"] if not one["code"]]
    ticked = await done(triage, f"tasks/{task['task_id']}")
    assert not any(one["overdue"] for one in ticked["items"])


async def test_support_is_offered_then_answered_and_a_day_to_ask_again_is_a_task(triage: Triage) -> None:
    await open_cases(triage.database, report())
    early = await post(triage, "support", {"state": "accepted"})
    assert early.json()["type"].endswith("support-not-offered")
    day = (NOW + timedelta(days=3)).date()
    offered = await done(triage, "support", state="offered", follow_up_on=day.isoformat(), note="The helpline")
    assert offered["support"]["answered_at"] is None
    [task] = [one for one in offered["items"] if one["code"] == "follow_up"]
    assert (task["assignee"], task["due_at"]) == ("S4001", f"{day}T09:00:00Z")
    later = day + timedelta(days=7)
    accepted = await done(triage, "support", state="accepted", follow_up_on=later.isoformat())
    assert accepted["support"]["state"] == "accepted"
    kept = [(one["due_at"][:10], bool(one["done_at"])) for one in accepted["items"] if one["code"] == "follow_up"]
    assert kept == [(str(later), False), (str(day), True)]
    past = await post(triage, "support", {"state": "offered", "follow_up_on": str(date(2026, 1, 1))})
    assert past.json()["type"].endswith("not-within-reach")


@pytest.mark.parametrize(("answer", "goes_on"), [("accepted", True), ("offered", True), ("declined", False)])
async def test_a_follow_up_goes_on_until_another_day_is_chosen_or_support_is_declined(
    triage: Triage, answer: str, goes_on: bool
) -> None:
    await open_cases(triage.database, report())
    day = (NOW + timedelta(days=3)).date().isoformat()
    await done(triage, "support", state="offered", follow_up_on=day)
    answered = await done(triage, "support", state=answer)
    assert answered["support"]["follow_up_on"] == (day if goes_on else None)
    assert [one["done_at"] is None for one in answered["items"] if one["code"] == "follow_up"] == [goes_on]


async def test_who_was_rung_about_a_threat_is_recorded_with_when(triage: Triage) -> None:
    await open_cases(triage.database, report(behaviours=("threat",)))
    assert (await one_case(triage)).threat_open is True
    rung = {"threat": True, "rung": "police_999", "rung_at": (NOW + timedelta(minutes=1)).isoformat()}
    assert (await post(triage, "threat", rung)).json()["type"].endswith("not-yet-rung")
    before = {**rung, "rung_at": (NOW - timedelta(minutes=1)).isoformat()}
    assert (await post(triage, "threat", before)).json()["type"].endswith("rung-before-report")
    halves: list[dict[str, object]] = [{"threat": True}, {"threat": False}, {**rung, "threat": False}]
    for half in halves:
        assert (await post(triage, "threat", half)).status_code == 422
    said = await done(triage, "threat", **{**rung, "rung_at": NOW.isoformat(), "police_reference": "CAD 123"})
    assert (said["threat_open"], said["threat"][0]["police_reference"]) == (False, "CAD 123")
    again = await done(triage, "threat", threat=False, reason="The police found no danger")
    assert [one["threat"] for one in again["threat"]] == [True, False]


@pytest.mark.parametrize("outcome", ["duplicate", "no_violation_found"])
async def test_a_case_with_a_threat_is_not_resolved_before_the_protocol_is_answered(
    triage: Triage, sam: AsyncClient, outcome: str
) -> None:
    told = report(behaviours=("threat",))
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}"
    await press(sam, page, f"{page}/claim")
    refused = await post(triage, "resolve", {"outcome": outcome})
    assert (refused.status_code, refused.json()["type"].endswith("threat-unanswered")) == (409, True)
    assert 'id="resolve"' not in (await sam.get(page)).text
    assert (await press(sam, page, f"{page}/resolve", outcome=outcome)).status_code == 409
    await done(triage, "threat", threat=False, reason="They are far away")
    assert (await press(sam, page, f"{page}/resolve", outcome=outcome)).status_code == 303


async def test_the_tab_records_tasks_support_and_a_threat(triage: Triage, sam: AsyncClient) -> None:
    told = report(behaviours=("threat",))
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}/tasks"
    seen = (await sam.get(page)).text
    assert "Decide whether the police are told" in seen
    assert "This may be a threat to life" in seen
    wrong: dict[str, tuple[dict[str, str], str]] = {
        "": ({}, "Say what is to be done"),
        "/support": ({}, "Choose what happened"),
        "/threat": ({"threat": "yes"}, "Choose who was rung"),
    }
    for path, (fields, message) in wrong.items():
        refused = await press(sam, page, f"{page}{path}", **fields)
        assert (refused.status_code, message in refused.text) == (422, True), path
    day = {f"due_at-{name}": value for name, value in (("day", "30"), ("month", "11"), ("year", "2026"))}
    right: dict[str, dict[str, str]] = {
        "": {"title": "Ring the building", "assignee": "S4002", **day},
        "/support": {"support": "offered", "note": "The helpline"},
        "/threat": {
            "threat": "yes",
            "rung": "police_999",
            "rung_time": "10:00am",
            "police_reference": "CAD 123",
            "rung_at-day": "23",
            "rung_at-month": "11",
            "rung_at-year": "2026",
        },
    }
    for path, fields in right.items():
        made = await press(sam, page, f"{page}{path}", **fields)
        assert (made.status_code, made.headers.get("location")) == (303, f"{page}?done=task-recorded"), made.text
    await press(sam, page, page, code="ask_police", done="yes")
    free = next(one for one in (await kept_of(triage)).tasks if one.title)
    assert (await press(sam, page, f"{page}/{free.task_id}")).status_code == 303
    assert (await press(sam, page, f"{page}/{free.task_id}", undo="yes")).status_code == 303
    assert (await press(sam, page, f"{page}/{free.task_id}", version="1")).status_code == 412
    seen = (await sam.get(page)).text
    for words in ("Ring the building", "There is no answer yet", "The police, on 999", "CAD 123"):
        assert words in seen


async def test_a_day_that_is_past_is_an_error_of_its_field(triage: Triage, sam: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    page = f"/cases/{told.reference}/tasks"
    for path, fields, at in (("", {"title": "Late"}, "due_at"), ("/support", {"support": "offered"}, "follow_up")):
        past = {f"{at}-{name}": value for name, value in (("day", "1"), ("month", "1"), ("year", "2026"))}
        refused = (await press(sam, page, f"{page}{path}", **fields, **past)).text
        assert (f'href="#{at}-day"' in refused, f'id="{at}-error"' in refused) == (True, True), path
        assert 'value="2026"' in refused, "what was typed is there"


async def kept_of(triage: Triage) -> queries.Kept:
    case = await one_case(triage)
    async with triage.database.transaction() as session:
        return await queries.of_case(session, case.case_id)


async def test_what_is_changed_behind_the_record_is_found(triage: Triage) -> None:
    await open_cases(triage.database, report())
    await done(triage, "tasks", title="Ring the building", due_at=SOON)
    await done(triage, "support", state="offered")
    await done(triage, "threat", threat=False, reason="No")
    unseen = ("update task set title = 'Nothing'", "update support set offered_by = 'S9'", "delete from threat_record")
    for change in unseen:
        async with triage.database.transaction() as session:
            await session.execute(text(change))
            broken = await verify(session, records=records)
            await session.rollback()
        assert [(one.because, one.fields) for one in broken] == [(Broken.RECORD_DIFFERS, ("tasks",))], change
    impossible = (
        "update task set title = ''",
        "update support set state = 'accepted'",
        "update threat_record set threat = true",
    )
    for change in impossible:
        async with triage.database.transaction() as session:
            with pytest.raises(IntegrityError):
                await session.execute(text(change))
            await session.rollback()


async def test_nothing_is_written_about_what_may_be_union_activity(triage: Triage, desk: AsyncClient) -> None:
    told = misuse(union_activity="unsure")
    await open_cases(triage.database, told)
    assert "until the triage desk has decided" in (await desk.get(f"/cases/{told.reference}/tasks")).text
    case = await one_case(triage)
    async with triage.client() as client:
        client.headers.update(triage.bearer(Role.TRIAGE_DESK, subject="S6001") | {"If-Match": '"1"'})
        answer = await client.post(f"{API}/{case.case_id}/tasks", json={"title": "Look into it"})
    assert answer.json()["type"].endswith("not-for-this-case")


def test_templates_name_kinds_and_words_that_there_are() -> None:
    assert {kind for one in tasks_yaml.templates() for kind in one.types} == set(ReportType)
    assert {word for one in tasks_yaml.templates() for word in one.happened} <= set(Behaviour)
    assert len({one.code for one in tasks_yaml.templates()}) == len(tasks_yaml.templates())
