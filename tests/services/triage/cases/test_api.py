"""The public API of cases."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from uuid import uuid4

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select, text

from services.triage.cases.tables import CaseAccess, CaseRow
from shared.auth.permissions import Role
from tests.services.triage.builders import open_cases, report
from tests.services.triage.conftest import Triage
from tests.services.triage.search.sought import swept

SERVICE = "triage"
API = "/cases/api/v1/cases"


@pytest.fixture
async def client(triage: Triage) -> AsyncIterator[AsyncClient]:
    async with triage.client() as opened:
        opened.headers.update(triage.bearer(Role.SMART_RESPONDER))
        yield opened


async def first(client: AsyncClient) -> str:
    return str((await client.get(API)).json()["items"][0]["case_id"])


async def write(
    client: AsyncClient, case: str, action: str, read: int, body: Mapping[str, object] | None = None
) -> Response:
    """Act on a case as a person who read that version of it."""
    return await client.post(f"{API}/{case}/{action}", json=body, headers={"If-Match": f'"{read}"'})


async def test_a_list_has_the_shape_that_people_script_against(triage: Triage, client: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told, report())
    answer = (await client.get(API, params={"report_id": str(told.report_id)})).json()
    assert set(answer) == {"items", "next_cursor"}
    [item] = answer["items"]
    assert set(item) == {
        "case_id", "reference", "report_id", "report_type", "team", "state", "priority", "routing", "submitted_at",
        "opened_at", "deadlines", "version", "due_at", "assignee", "marks", "matched",
    }  # fmt: skip
    assert set(item["routing"]) == {"rule", "clause", "misdirected", "explanation"}
    assert (item["reference"], item["team"], item["state"]) == (told.reference, "smart", "new")
    assert [deadline["kind"] for deadline in item["deadlines"]] == ["respond"]


async def test_lists_are_filtered_and_go_on_from_a_cursor(triage: Triage, client: AsyncClient) -> None:
    told = [report(platform="facebook" if i % 2 else "x") for i in range(5)]
    await open_cases(triage.database, *told)
    found, cursor = [], None
    while True:
        page = (await client.get(API, params={"limit": 2} | ({"cursor": cursor} if cursor else {}))).json()
        found += [item["reference"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [one.reference for one in told], "soonest due first"
    await swept(triage.database)
    assert len((await client.get(API, params={"q": "facebook"})).json()["items"]) == 2
    assert [i["reference"] for i in (await client.get(API, params={"q": told[0].reference})).json()["items"]] == [
        told[0].reference
    ]
    assert (await client.get(API, params={"state": "closed"})).json()["items"] == []
    assert (await client.get(API, params={"team": "sirt"})).json()["items"] == []


async def test_a_reference_is_found_in_every_spelling_that_tracking_takes(triage: Triage, client: AsyncClient) -> None:
    told = report(platform="facebook", reference="SP-4170-A0G6")
    await open_cases(triage.database, told, report(platform="x"))
    await swept(triage.database)
    for typed in (
        *("SP-4170-A0G6", "sp-4170-a0g6", " SP 4170 A0G6 ", "SP4170A0G6", "4170A0G6", "SP-4l7O-AoG6", "SP-4170"),
        *("sp\u20134I70\u2014a0g6", "\u200bSP\u2011417\u00ad0\u2212A0G6\ufeff", "SP\u00a04170\u3000A0G6"),
        *("sp 4l7o a", "Facebook", "face\u200bbook"),
    ):
        answer = await client.get(API, params={"q": typed})
        assert [item["reference"] for item in answer.json()["items"]] == [told.reference], typed
    for typed in ("SP-4170-A0G4", "SPAM", "4170", "SP-4170-A0G6-2", "%", "\u200b\u0301y"):
        assert (await client.get(API, params={"q": typed})).json()["items"] == [], typed


@pytest.mark.parametrize(
    "query", ["report_id=1", "team=nobody", "state=odd", "q=%00", "q=%07", "cursor=x", "limit=0", "limit=1000"]
)
async def test_a_bad_parameter_is_named_and_not_echoed(client: AsyncClient, query: str) -> None:
    answer = await client.get(f"{API}?{query}")
    assert answer.status_code == 422
    assert query.partition("=")[0] in answer.json()["errors"][0]["field"]


async def test_a_case_goes_from_claim_to_closed_and_back(triage: Triage, client: AsyncClient) -> None:
    await open_cases(triage.database, report())
    case = await first(client)
    claimed = await write(client, case, "claim", 1)
    assert (claimed.status_code, claimed.json()["state"], claimed.headers["etag"]) == (200, "in_progress", '"2"')
    noted = (await write(client, case, "notes", 2, {"text": "Looking", "shared": False})).json()
    assert (noted["state"], noted["due_at"]) == ("in_progress", noted["deadlines"][0]["due_at"])
    assert noted["deadlines"][0]["met_at"] is None, "neither a claim nor a note is a response"
    resolved = await write(client, case, "resolve", 3, {"outcome": "removed_by_platform"})
    assert (resolved.json()["state"], resolved.json()["outcome"]) == ("resolved", "removed_by_platform")
    assert resolved.json()["deadlines"][0]["met_at"]
    assert (await write(client, case, "close", 4)).json()["state"] == "closed"
    assert (await write(client, case, "reopen", 5)).json()["state"] == "in_progress"
    async with triage.database.transaction() as session:
        told = (
            await session.scalars(text("select type from outbox where subject = :case order by id"), {"case": case})
        ).all()
    assert told == [f"case.{what}.v1" for what in ("opened", "routed", "claimed", "resolved", "closed", "reopened")]


async def test_a_stale_write_is_refused_with_what_changed(triage: Triage, client: AsyncClient) -> None:
    await open_cases(triage.database, report())
    case = await first(client)
    await write(client, case, "claim", 1)
    stale = await write(client, case, "notes", 1, {"text": "Mine"})
    assert stale.status_code == 412
    assert stale.json()["version"] == 2
    assert [(one["version"], one["action"], one["actor"]) for one in stale.json()["changes"]] == [
        (2, "claimed", "S4001")
    ]
    nonsense = await client.post(f"{API}/{case}/notes", json={"text": "Mine"}, headers={"If-Match": "nonsense"})
    assert nonsense.status_code == 412


@pytest.mark.parametrize(
    "action", ["claim", "assign", "priority", "release", "transfer", "notes", "resolve", "reopen", "close"]
)
@pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}])
async def test_a_write_says_which_version_was_read(
    triage: Triage, client: AsyncClient, action: str, headers: dict[str, str]
) -> None:
    await open_cases(triage.database, report())
    case = await first(client)
    bodies: Mapping[str, Mapping[str, str]] = {
        "assign": {"assignee": "S4002"},
        "priority": {"priority": "P1", "reason": "A threat"},
        "transfer": {"team": "sirt"},
        "notes": {"text": "Mine"},
        "resolve": {"outcome": "duplicate"},
    }
    refused = await client.post(f"{API}/{case}/{action}", json=bodies.get(action), headers=headers)
    assert (refused.status_code, refused.json()["type"]) == (428, "urn:signpost:problem:version-needed")
    assert "If-Match" in refused.json()["detail"]
    assert (await client.get(f"{API}/{case}")).json()["version"] == 1


async def test_what_the_state_forbids_is_a_conflict(triage: Triage, client: AsyncClient) -> None:
    await open_cases(triage.database, report())
    case = await first(client)
    unclaimed = await write(client, case, "resolve", 1, {"outcome": "duplicate"})
    assert (unclaimed.status_code, unclaimed.json()["state"]) == (409, "new")
    async with triage.client() as other:
        other.headers.update(triage.bearer(Role.SMART_RESPONDER, subject="S4009"))
        await write(other, case, "claim", 1)
    taken = await write(client, case, "claim", 2)
    assert (taken.status_code, taken.json()["type"]) == (409, "urn:signpost:problem:case-claimed-by-another")


@pytest.mark.parametrize(
    ("action", "body", "field"),
    [
        ("resolve", {"outcome": "odd"}, "outcome"),
        ("resolve", {"outcome": "duplicate", "more": 1}, "more"),
        ("notes", {"text": ""}, "text"),
        ("notes", {"text": "a\x00b"}, "text"),
        ("notes", {"text": "x" * 10_001}, "text"),
        ("notes", {"text": "x", "shared": "yes"}, "shared"),
        ("assign", {"assignee": "Not a number"}, "assignee"),
        ("assign", {}, "assignee"),
        ("priority", {"priority": "P5", "reason": "x"}, "priority"),
        ("priority", {"priority": "P1"}, "reason"),
        ("transfer", {"team": "line_manager"}, "team"),
        ("transfer", {}, "team"),
    ],
)
async def test_a_bad_body_names_its_field(
    triage: Triage, client: AsyncClient, action: str, body: dict[str, object], field: str
) -> None:
    await open_cases(triage.database, report())
    answer = await write(client, await first(client), action, 1, body)
    assert answer.status_code == 422
    assert field in answer.json()["errors"][0]["field"]


async def test_a_transfer_is_a_response_and_the_other_team_has_as_long_to_take_it_over(
    triage: Triage, client: AsyncClient
) -> None:
    await open_cases(triage.database, report())
    case = await first(client)
    [asked] = (await write(client, case, "claim", 1)).json()["deadlines"]
    triage.clock.move(timedelta(hours=1))
    moved = (await write(client, case, "transfer", 2, {"team": "sirt"})).json()
    assert (moved["team"], moved["state"], moved["assignee"]) == ("sirt", "new", None)
    respond, take_over = moved["deadlines"]
    assert (asked["kind"], asked["met_at"], respond["kind"]) == ("respond", None, "respond")
    assert respond["met_at"] == "2026-11-23T11:00:00Z"
    assert (take_over["kind"], take_over["due_at"], take_over["met_at"]) == ("take_over", "2026-11-23T13:00:00Z", None)
    assert moved["due_at"] == take_over["due_at"]
    assert (await client.get(f"{API}/{case}")).status_code == 404


async def test_only_responders_of_the_team_reach_a_case(triage: Triage, client: AsyncClient) -> None:
    await open_cases(triage.database, report())
    case = await first(client)
    for role, status in ((Role.REPORTER, 403), (Role.ADMINISTRATOR, 403), (Role.SIRT_RESPONDER, 404)):
        async with triage.client() as other:
            other.headers.update(triage.bearer(role, subject="S9001"))
            assert (await other.get(f"{API}/{case}")).status_code == status
            assert (await write(other, case, "claim", 1)).status_code == status
    async with triage.client() as stranger:
        assert (await stranger.get(API)).status_code == 401
    assert (await client.get(f"{API}/{uuid4()}")).status_code == 404


async def test_a_restricted_case_is_seen_by_named_people_only(triage: Triage, client: AsyncClient) -> None:
    await open_cases(triage.database, report())
    async with triage.database.transaction() as session:
        row = (await session.scalars(select(CaseRow))).one()
        row.restricted = True
    triage.by_hand.update({"case", "case_access"})
    assert (await client.get(API)).json()["items"] == []
    assert (await write(client, str(row.case_id), "claim", 1)).status_code == 404
    async with triage.database.transaction() as session:
        session.add(CaseAccess(case_id=row.case_id, subject="S4001"))
    assert len((await client.get(API)).json()["items"]) == 1


async def test_a_note_for_the_reporter_is_told_apart_from_case_events(triage: Triage, client: AsyncClient) -> None:
    told = report()
    await open_cases(triage.database, told)
    case = await first(client)
    await write(client, case, "notes", 1, {"text": "Seen only by us"})
    await write(client, case, "notes", 2, {"text": "For the reporter", "shared": True})
    async with triage.database.transaction() as session:
        rows = (
            await session.execute(text("select topic, subject, convert_from(value, 'utf8') from outbox order by id"))
        ).all()
    assert [(topic, subject) for topic, subject, value in rows if "For the reporter" in value] == [
        ("triage.reporter-updates.v1", told.report_id)
    ]
    assert not [value for _, _, value in rows if "Seen only by us" in value]
