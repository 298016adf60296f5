"""What people do with campaigns: confirm, name, add, take out, dismiss, write to all reporters, resolve."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import text, update

from services.triage.bulk import domain as bulk
from services.triage.campaigns import queries
from services.triage.campaigns.domain import PERSONAL_LINKS
from services.triage.campaigns.suggestions import suggest
from services.triage.campaigns.tables import CampaignMember, CampaignRow
from services.triage.operations.queries import records
from shared.audit.verification import verify
from shared.auth.permissions import Role
from shared.events.intake import Person
from shared.events.triage import CaseResolved, ReporterUpdateShared
from shared.events.vocabulary import Relation
from tests.services.triage.builders import IDS, Submitted, misuse, open_cases
from tests.services.triage.campaigns.test_suggestions import POST, told
from tests.services.triage.conftest import Triage

SERVICE = "triage"
API = "/cases/api/v1/campaigns"
NOWHERE = "01890000-0000-7000-8000-000000000000"


class Script:
    """A responder who works by the API."""

    def __init__(self, triage: Triage, client: AsyncClient, *roles: Role, subject: str = "S4001") -> None:
        self._client, self._renew = client, partial(triage.bearer, *roles, subject=subject)
        self.sign_in()

    def sign_in(self) -> None:
        self._client.headers.update(self._renew())

    async def get(self, path: str = "", status: int = 200, **query: object) -> Any:  # noqa: ANN401 - JSON
        answer = await self._client.get(f"{API}{path}", params={k: str(v) for k, v in query.items()})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(self, path: str = "", status: int = 200, if_match: str = "*", key: str = "", **body: object) -> Any:  # noqa: ANN401 - JSON
        headers = {"If-Match": if_match, **({"Idempotency-Key": key} if key else {})}
        answer = await self._client.post(f"{API}{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def case(self, case_id: str) -> Mapping[str, Any]:
        answer = await self._client.get(f"/cases/api/v1/cases/{case_id}")
        assert answer.status_code == 200
        found: Mapping[str, Any] = answer.json()
        return found

    async def act(self, case_id: str, act: str, **body: object) -> None:
        match = {"If-Match": f'"{(await self.case(case_id))["version"]}"'}
        answer = await self._client.post(f"/cases/api/v1/cases/{case_id}/{act}", json=body, headers=match)
        assert answer.status_code == 200, answer.text

    async def claim(self, case_id: str, version: int) -> Response:
        return await self._client.post(f"/cases/api/v1/cases/{case_id}/claim", headers={"If-Match": f'"{version}"'})


@pytest.fixture
async def sam(triage: Triage) -> Any:  # noqa: ANN401 - an async generator
    async with triage.client() as client:
        yield Script(triage, client, Role.SMART_RESPONDER)


@pytest.fixture
async def aisha(triage: Triage) -> Any:  # noqa: ANN401 - an async generator
    async with triage.client() as client:
        yield Script(triage, client, Role.SMART_LEAD, Role.TRIAGE_DESK, subject="S4002")


async def opened(triage: Triage, *reports: Submitted) -> None:
    await open_cases(triage.database, *reports)
    async with triage.database.transaction() as session:
        while await suggest(session, triage.clock.now(), ids=IDS, personal_links=PERSONAL_LINKS):
            pass


async def campaign(
    triage: Triage, sam: Script, size: int = 3, **changes: object
) -> tuple[str, Sequence[Mapping[str, Any]]]:
    """Let a campaign be suggested and confirm it, `changes` in one report; return its address and its cases."""
    await opened(triage, *(told(urls=(POST,)) for _ in range(size - 1)), told(urls=(POST,), **changes))
    [one] = (await sam.get(state="suggested"))["items"]
    path = f"/{one['campaign_id']}"
    await sam.post(f"{path}/confirm", name="Posts about the front door")
    return path, (await sam.get(path))["members"]


async def published(triage: Triage, kind: str) -> list[bytes]:
    async with triage.database.transaction() as session:
        rows = await session.scalars(text("select value from outbox where type = :kind order by id"), {"kind": kind})
        return list(rows)


async def actions(triage: Triage, chain_id: str) -> list[str]:
    async with triage.database.transaction() as session:
        rows = await session.scalars(
            text("select action from activity where chain_id = :id order by position"), {"id": chain_id}
        )
        return list(rows)


async def test_a_suggestion_is_confirmed_and_named(triage: Triage, sam: Script) -> None:
    await opened(triage, told(urls=(POST,)), told(urls=(POST,)))
    [one] = (await sam.get())["items"]
    assert (one["state"], one["size"], one["waiting"], one["name"]) == ("suggested", 2, 2, None)
    assert one["reasons"] == ["same link", "same account", "2 reports in 1 h by 2 reporters"]
    path = f"/{one['campaign_id']}"
    done = await sam.post(f"{path}/confirm", name="Front door")
    assert (done["state"], done["name"], done["size"], done["waiting"]) == ("confirmed", "Front door", 2, 0)
    assert (await sam.get(state="suggested"))["items"] == []
    members = (await sam.get(path))["members"]
    assert [one["why"] for one in members] == [["same link", "same account"]] * 2
    assert await actions(triage, one["campaign_id"]) == ["campaign_confirmed"]
    assert (await actions(triage, members[0]["case_id"]))[-1] == "campaign_joined"
    await opened(triage, told(urls=(POST,)))
    later = await sam.get(path)
    assert (later["size"], later["waiting"], later["members"][0]["belongs"]) == (3, 1, "suggested")


async def test_what_another_person_changed_since_is_not_overwritten(triage: Triage, sam: Script) -> None:
    path, members = await campaign(triage, sam)
    read = (await sam.get(path))["version"]
    await sam.post(f"{path}/members", take_out=[members[0]["case_id"]], if_match=f'"{read}"')
    for act in ("confirm", "members", "dismiss"):
        late = await sam.post(f"{path}/{act}", 412, f'"{read}"')
        assert (late["type"].rpartition(":")[2], late["version"]) == ("campaign-changed", read + 1)
    assert (await sam.get(path))["name"] == "Posts about the front door"


async def test_a_campaign_is_made_of_any_cases_and_what_is_taken_out_stays_out(triage: Triage, sam: Script) -> None:
    path, members = await campaign(triage, sam)
    await opened(triage, told())
    first = members[0]["case_id"]
    made = await sam.post(case_ids=[first], name="By hand", status=201)
    assert (made["state"], made["size"], made["reasons"]) == ("confirmed", 1, [])
    changed = await sam.post(f"{path}/members", take_out=[first])
    assert changed["size"] == 2
    assert (await actions(triage, first))[-2:] == ["campaign_joined", "campaign_left"]
    await opened(triage, told(urls=(POST,)))
    assert first not in {one["case_id"] for one in (await sam.get(path))["members"]}
    assert (await sam.post(f"{path}/members", add=[first]))["size"] == 4
    problem = await sam.post(f"{path}/members", take_out=[NOWHERE], status=409)
    assert problem["type"].endswith(":no-such-member")
    assert (await sam.post(f"{path}/members", add=[NOWHERE], status=404))["type"].endswith(":case-not-found")
    assert (await sam.post(f"{path}/members", status=409))["type"].endswith(":no-cases")
    await sam.post(case_ids=[], status=422)
    alone = f"/{made['campaign_id']}/members"
    assert (await sam.post(alone, take_out=[first], status=409))["type"].endswith(":too-few-cases")


async def test_what_was_dismissed_is_not_suggested_again_until_then(triage: Triage, sam: Script) -> None:
    await opened(triage, told(urls=(POST,)), told(urls=(POST,)))
    [one] = (await sam.get())["items"]
    path = f"/{one['campaign_id']}"
    done = await sam.post(f"{path}/dismiss", days=7, reason="One news page that many link to")
    assert done["state"] == "dismissed"
    assert done["dismissed_until"] == (triage.clock.now() + timedelta(days=7)).isoformat().replace("+00:00", "Z")
    await opened(triage, told(urls=(POST,)), told(urls=(POST,)))
    assert (await sam.get())["items"] == []
    assert [item["size"] for item in (await sam.get(state="dismissed"))["items"]] == [2]
    assert (await sam.post(f"{path}/dismiss", status=409))["type"].endswith(":campaign-dismissed")
    triage.clock.move(timedelta(days=7))
    sam.sign_in()
    await opened(triage, told(urls=(POST,), submitted_at=triage.clock.now()))
    [again] = (await sam.get())["items"]
    assert (again["campaign_id"] != one["campaign_id"], again["size"]) == (True, 5)
    assert (await sam.post(f"{path}/confirm"))["state"] == "confirmed"


async def test_one_message_goes_to_every_reporter_as_if_alone(triage: Triage) -> None:
    async with triage.client() as client:
        lee = Script(triage, client, Role.SMART_RESPONDER, Role.SIRT_RESPONDER, subject="S4005")
        twice = {"urls": (POST,), "also_affects": ("dwp_information",)}  # each of these has a case with SIRT too
        await opened(triage, *(told(**twice) for _ in range(3)), told(urls=(POST,)))
        path = f"/{(await lee.get())['items'][0]['campaign_id']}"
        await lee.post(f"{path}/confirm")
        members = (await lee.get(path))["members"]
        assert len(members) == 7
        results = (await lee.post(f"{path}/message", text="We asked for the post to be removed."))["results"]
        assert [one["ok"] for one in results] == [True] * 7
        sent = await published(triage, ReporterUpdateShared.TYPE)
        told_to = [ReporterUpdateShared.model_validate_json(value) for value in sent]
        assert sorted(one.report_id for one in told_to) == sorted({UUID(one["report_id"]) for one in members})
        assert {one.text for one in told_to} == {"We asked for the post to be removed."}
        chosen = [members[0]["case_id"]]
        again = (await lee.post(f"{path}/message", text="It is gone.", case_ids=chosen))["results"]
        assert [one["case_id"] for one in again] == chosen


async def test_a_message_that_is_sent_again_with_its_key_is_written_once(
    triage: Triage, sam: Script, aisha: Script
) -> None:
    path, members = await campaign(triage, sam)
    first, again = [await sam.post(f"{path}/message", text="It is gone.", key="k-1") for _ in range(2)]
    assert (again, len(await published(triage, ReporterUpdateShared.TYPE))) == (first, len(members))
    others = [await sam.post(f"{path}/message", text="It is back.", key="k-1")]
    others.append(await aisha.post(f"{path}/message", text="It is gone.", key="k-1"))
    assert len({one["bulk_id"] for one in (first, *others)}) == 3
    assert len(await published(triage, ReporterUpdateShared.TYPE)) == 3 * len(members)


async def test_a_message_reaches_every_reporter_of_a_campaign_larger_than_one_action_takes(
    triage: Triage, sam: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, members = await campaign(triage, sam, 5)
    newest_first = [one["case_id"] for one in members]
    monkeypatch.setattr(bulk, "MOST", 3)
    monkeypatch.setattr(queries.members, "__kwdefaults__", {"after": None, "limit": 3, "only": ()})
    first = await sam.post(f"{path}/message", text="It is gone.")
    again = await sam.post(f"{path}/message", text="It is gone.", after=first["next_cursor"])
    told_of = [[one["case_id"] for one in answer["results"]] for answer in (first, again)]
    assert (sorted(told_of[0]), sorted(told_of[1])) == (sorted(newest_first[:3]), sorted(newest_first[3:]))
    assert again["next_cursor"] is None
    alone = await sam.post(f"{path}/message", text="It is gone.", case_ids=newest_first[4:])
    assert [one["ok"] for one in alone["results"]] == [True]
    await sam.post(f"{path}/members", take_out=newest_first[4:])
    assert [one["case_id"] for one in (await sam.get(path))["members"]] == newest_first[:4]


@pytest.mark.parametrize("into", [0, 2], ids=["older", "newer"])
async def test_cases_that_are_merged_are_told_and_resolved_once_with_the_one_they_follow(
    triage: Triage, sam: Script, into: int
) -> None:
    path, members = await campaign(triage, sam)
    first, second, third = sorted(one["case_id"] for one in members)
    main, merged = (first, third) if into == 0 else (third, first)
    await sam.act(merged, "merge", into=main)
    results = (await sam.post(f"{path}/message", text="We asked for it to be removed."))["results"]
    assert {one["case_id"]: one["ok"] for one in results} == dict.fromkeys((first, second, third), True)
    assert len(await published(triage, ReporterUpdateShared.TYPE)) == 3
    assert {(await actions(triage, one)).count("note_shared") for one in (first, second, third)} == {1}
    items = [{"case_id": one, "version": (await sam.case(one))["version"]} for one in (first, second, third)]
    done = await sam.post(f"{path}/resolve", outcome="duplicate", items=items)
    assert [one["ok"] for one in done["results"]] == [True] * 3
    assert len(await published(triage, CaseResolved.TYPE)) == 3


async def test_one_outcome_for_the_chosen_cases_with_a_result_for_each(
    triage: Triage, sam: Script, aisha: Script
) -> None:
    path, members = await campaign(triage, sam, 5, behaviours=("threat",))
    threat = min(members, key=lambda one: str(one["priority"]))
    [free, mine, theirs, stale] = [one for one in members if one is not threat]
    await sam.claim(mine["case_id"], mine["version"])
    await aisha.claim(theirs["case_id"], theirs["version"])
    items = [{"case_id": one["case_id"], "version": one["version"]} for one in (free, theirs, threat)]
    items += [
        {"case_id": mine["case_id"], "version": (await sam.case(mine["case_id"]))["version"]},
        {"case_id": stale["case_id"], "version": 99},
    ]
    items[1]["version"] = (await sam.case(theirs["case_id"]))["version"]
    answer = await sam.post(f"{path}/resolve", outcome="removed_by_platform", reason="All of it is gone", items=items)
    results = {one["case_id"]: one for one in answer["results"]}
    assert results[free["case_id"]]["ok"]
    assert results[mine["case_id"]]["ok"]
    assert results[theirs["case_id"]]["problem"]["type"].endswith(":case-not-claimed")
    assert results[stale["case_id"]]["problem"]["status"] == 412
    assert results[threat["case_id"]]["problem"]["type"].endswith(":threat-unanswered")
    assert len(await published(triage, CaseResolved.TYPE)) == 2
    assert (await sam.case(free["case_id"]))["outcome"] == "removed_by_platform"
    assert (await sam.case(theirs["case_id"]))["state"] != "resolved"
    wrong = [{"case_id": NOWHERE, "version": 1}]
    assert (await sam.post(f"{path}/resolve", outcome="duplicate", items=wrong, status=409))["type"].endswith(
        ":no-such-member"
    )


async def test_a_campaign_is_not_there_for_who_may_see_none_of_its_cases(triage: Triage, sam: Script) -> None:
    path, members = await campaign(triage, sam)
    async with triage.client() as client:
        leo = Script(triage, client, Role.SIRT_RESPONDER, subject="S5001")
        assert (await leo.get())["items"] == []
        case = members[0]["case_id"]
        calls: Mapping[str, Mapping[str, object]] = {
            "confirm": {},
            "dismiss": {},
            "members": {"add": [case]},
            "message": {"text": "Hello"},
            "resolve": {"outcome": "duplicate", "items": [{"case_id": case, "version": 1}]},
        }
        for act, body in calls.items():
            answer = await leo.post(f"{path}/{act}", 404, "*", "", **body)
            assert answer["type"].endswith(":campaign-not-found")
        assert (await leo.get(path, status=404))["type"].endswith(":campaign-not-found")
        assert (await leo.post(case_ids=[case], status=404))["type"].endswith(":case-not-found")


async def test_a_case_says_nothing_of_a_campaign_that_its_reader_may_not_know_of(
    triage: Triage, sam: Script, aisha: Script
) -> None:
    await opened(triage, told(urls=(POST,)), told(urls=(POST,)))
    path = f"/{(await aisha.get())['items'][0]['campaign_id']}"
    await aisha.post(f"{path}/confirm")
    case = (await aisha.get(path))["members"][0]
    audit = f"/cases/{case['reference']}/audit"
    async with triage.client(Role.SMART_RESPONDER, subject="S4001") as pages:

        async def said() -> str:
            read = [(await pages.get(audit.replace("audit", tab))).text for tab in ("timeline", "audit")]
            return "".join([*read, str(await sam.case(case["case_id"]))])

        first = await said()
        assert (path[1:] in first, first.count("Put in a campaign"), "campaign_joined" in first) == (True, 2, True)
        about_sam = Person(relation=Relation.COLLEAGUE, name="Sam Reid", staff_id="S4001")
        await opened(triage, told(urls=(POST,), suspected=(about_sam,)))
        await aisha.act(case["case_id"], "claim")
        second = await said()
    assert not [word for word in (path[1:], "Put in a campaign", "campaign_joined") if word in second]
    positions = [one["position"] for one in (await sam.case(case["case_id"]))["timeline"]]
    assert positions == list(range(positions[0], positions[0] + len(positions)))


async def test_an_act_takes_only_the_cases_that_the_person_sees(triage: Triage, sam: Script, aisha: Script) -> None:
    await opened(triage, told(urls=(POST,)), told(urls=(POST,)), misuse(urls=(POST,), reporter=told().reporter))
    [whole] = (await aisha.get())["items"]
    [part] = (await sam.get())["items"]
    assert (whole["size"], part["size"]) == (3, 2)
    path = f"/{part['campaign_id']}"
    assert (await sam.post(f"{path}/confirm"))["waiting"] == 0
    [hidden] = [one for one in (await aisha.get(path))["members"] if one["belongs"] == "suggested"]
    assert hidden["report_type"] == "misuse"
    assert (await sam.post(f"{path}/members", take_out=[hidden["case_id"]], status=409))["type"].endswith(
        ":no-such-member"
    )
    assert len((await sam.post(f"{path}/message", text="Hello"))["results"]) == 2


async def test_pages_of_campaigns_and_of_members_follow_one_another(triage: Triage, sam: Script) -> None:
    for n in range(3):
        await opened(triage, *(told(urls=(f"https://example.com/{n}",)) for _ in range(3)))
    found, cursor = [], None
    for _ in range(3):
        page = await sam.get(limit=1, **({"cursor": cursor} if cursor else {}))
        found += page["items"]
        cursor = page["next_cursor"]
    assert (cursor, len({one["campaign_id"] for one in found})) == (None, 3)
    path = f"/{found[0]['campaign_id']}"
    first = await sam.get(path, limit=2)
    second = await sam.get(path, limit=2, cursor=first["next_cursor"])
    assert (len(first["members"]), len(second["members"]), second["next_cursor"]) == (2, 1, None)


@pytest.mark.parametrize("change", ["name", "member"])
async def test_a_campaign_changed_by_hand_is_found(triage: Triage, sam: Script, change: str) -> None:
    await campaign(triage, sam)
    triage.by_hand.add("campaign")
    async with triage.database.transaction() as session:
        if change == "name":
            await session.execute(update(CampaignRow).values(name="Something else"))
        else:
            await session.execute(update(CampaignMember).values(state="taken_out"))
        [broken] = [one for one in await verify(session, records=records) if one.fields]
    assert broken.fields == ({"name": "campaign", "member": "members"}[change],)
