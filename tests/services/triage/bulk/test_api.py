"""POST /cases/api/v1/bulk: each case as if it were done alone, a result for each, and undo that restores it."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response
from sqlalchemy import select, text, update

from services.triage.bulk import domain, handlers
from services.triage.bulk.domain import Order
from services.triage.bulk.queries import Item
from services.triage.bulk.refusals import NAMES
from services.triage.bulk.tables import BulkItem, BulkRow
from services.triage.cases.domain import Case
from services.triage.cases.handlers import Work
from services.triage.cases.tables import CaseRow
from services.triage.deadlines.tables import DeadlineRow
from shared.auth.permissions import Role
from tests.services.triage.builders import WRITER, incident, misuse, open_cases, report
from tests.services.triage.conftest import Triage

SERVICE = "triage"
BULK = "/cases/api/v1/bulk"
CASES = "/cases/api/v1/cases"
PROBLEM = "urn:signpost:problem:"
Chosen = Sequence[tuple[str, int]]
ORDERS: Mapping[str, Mapping[str, object]] = {
    "claim": {},
    "assign": {"assignee": "S4002", "note": "Sam is away"},
    "transfer": {"team": "sirt", "reason": "Theirs"},
    "message": {"text": "We are looking at it"},
    "resolve": {"outcome": "duplicate", "reason": "The same post"},
    "merge": {"reason": "The same post"},
}
go_on = partial(handlers.go_on, writer=WRITER, refused=NAMES)


@pytest.fixture
async def client(triage: Triage) -> AsyncIterator[AsyncClient]:
    """A SMART responder's script."""
    async with triage.client() as opened:
        opened.headers.update(triage.bearer(Role.SMART_RESPONDER))
        yield opened


async def opened(triage: Triage, count: int) -> Chosen:
    """Open cases and return them with their versions, in the order of their ids."""
    await open_cases(triage.database, *(report() for _ in range(count)))
    return await now_there(triage)


async def now_there(triage: Triage) -> Chosen:
    async with triage.database.transaction() as session:
        found = await session.execute(select(CaseRow.case_id, CaseRow.version).order_by(CaseRow.case_id))
        return [(str(case_id), version) for case_id, version in found]


async def do(client: AsyncClient, action: str, chosen: Chosen, **order: object) -> Response:
    items = [{"case_id": case_id, "version": version} for case_id, version in chosen]
    return await client.post(BULK, json={"action": action, "items": items, **ORDERS[action], **order})


async def fields(triage: Triage) -> list[dict[str, object]]:
    """Return everything that cases and their deadlines say, except the version."""
    async with triage.database.transaction() as session:
        found = []
        for table in (CaseRow.table(), DeadlineRow.table()):
            rows = (await session.execute(select(table).order_by(*table.primary_key))).mappings()
            found += [{name: value for name, value in row.items() if name != "version"} for row in rows]
        return found


async def links(triage: Triage, action: str) -> int:
    async with triage.database.transaction() as session:
        return len((await session.scalars(text("select 1 from activity where action = :a"), {"a": action})).all())


def problems(answer: Response) -> list[str]:
    """Return the problem of each case, empty if there is none."""
    return [one.get("problem", {}).get("type", "").removeprefix(PROBLEM) for one in answer.json()["results"]]


@pytest.mark.parametrize("action", [action for action in ORDERS if action != "merge"])
async def test_each_case_is_done_as_if_alone_and_put_back_field_by_field(
    triage: Triage, client: AsyncClient, action: str
) -> None:
    chosen = await opened(triage, 3)
    if action in {"transfer", "resolve"}:
        await do(client, "claim", chosen)
        chosen = await now_there(triage)
        triage.clock.move(timedelta(minutes=1))
    before = await fields(triage)
    answer = await do(client, action, chosen)
    assert (answer.status_code, answer.json()["state"], problems(answer)) == (200, "done", ["", "", ""])
    assert set(answer.json()) >= {"bulk_id", "results", "undo_until"}
    assert set(answer.json()["results"][0]) == {"case_id", "ok"}
    assert await fields(triage) != before, "a message too: it is the response"
    triage.clock.move(timedelta(minutes=9))
    undone = await client.post(f"{BULK}/{answer.json()['bulk_id']}/undo", json={})
    assert (undone.status_code, [one["case_id"] for one in undone.json()["results"]]) == (200, [c for c, _ in chosen])
    if action == "message":
        assert (problems(undone), answer.json()["undo_until"]) == (["message-sent"] * 3, None)
    else:
        assert problems(undone) == ["", "", ""]
        assert await fields(triage) == before
    again = await client.post(f"{BULK}/{answer.json()['bulk_id']}/undo", json={})
    assert again.json() == undone.json()
    assert [version for _, version in await now_there(triage)] == [
        v + (1 if action == "message" else 2) for _, v in chosen
    ]


async def test_cases_are_merged_into_one_and_taken_out_again(triage: Triage, client: AsyncClient) -> None:
    await open_cases(triage.database, report(), report(behaviours=("doxing",)), report())
    chosen = await now_there(triage)
    before = await fields(triage)
    answer = await do(client, "merge", chosen, into=chosen[0][0])
    assert problems(answer) == ["same-case", "", ""]
    now = [(await client.get(f"{CASES}/{case}")).json() for case, _ in chosen]
    assert [one["state"] for one in now] == ["new", "merged", "merged"]
    assert (now[0]["priority"], now[0]["due_at"]) == (now[1]["priority"], now[1]["due_at"]) != ("P3", now[2]["due_at"])
    undone = await client.post(f"{BULK}/{answer.json()['bulk_id']}/undo", json={})
    assert problems(undone) == ["", ""]
    assert await fields(triage) == before


@pytest.mark.parametrize("action", ["resolve", "transfer", "message"])
@pytest.mark.parametrize("both", [False, True])
async def test_a_merged_case_follows_and_is_put_back_with_the_one_it_follows(
    triage: Triage, client: AsyncClient, action: str, both: bool
) -> None:
    (main, _), (merged, _) = await opened(triage, 2)
    await do(client, "merge", [(merged, 1)], into=main)
    await do(client, "claim", [(main, 2)])
    before = await fields(triage)
    chosen = await now_there(triage)
    answer = await do(client, action, chosen if both else chosen[:1])
    assert problems(answer) == [""] * (1 + both)
    assert len({version for _, version in await now_there(triage)} - {version for _, version in chosen}) > 0
    undone = await client.post(f"{BULK}/{answer.json()['bulk_id']}/undo", json={})
    if action == "message":
        assert set(problems(undone)) == {"message-sent"}
        return
    assert problems(undone) == [""] * (1 + both)
    assert await fields(triage) == before
    async with triage.database.transaction() as session:
        told = Counter((await session.scalars(text("select subject || type from outbox"))).all())
    kinds = {"resolve": ("case.resolved.v1", "case.reopened.v1"), "transfer": ("case.transferred.v1",) * 2}[action]
    assert {told[case + kind] for case in (main, merged) for kind in kinds} == {len(kinds) - len(set(kinds)) + 1}


@pytest.mark.parametrize("into", [0, 2], ids=["older", "newer"])
@pytest.mark.parametrize("chunk", [100, 1])
async def test_each_reporter_reads_a_message_once_however_their_cases_are_merged_or_linked(
    triage: Triage, client: AsyncClient, monkeypatch: pytest.MonkeyPatch, into: int, chunk: int
) -> None:
    first, second, third = await opened(triage, 3)
    await client.post(f"{CASES}/{second[0]}/split", json={}, headers={"If-Match": '"1"'})
    main, merged = (first, third) if into == 0 else (third, first)
    await do(client, "merge", [merged], into=main[0])
    if chunk == 1:
        monkeypatch.setattr(domain, "AT_ONCE", 0)
        monkeypatch.setattr(handlers, "CHUNK", 1)
    answer = await do(client, "message", await now_there(triage))
    while await sweep(triage):
        pass
    assert problems(await client.get(f"{BULK}/{answer.json()['bulk_id']}")) == [""] * 4
    async with triage.database.transaction() as session:
        reports = set(await session.scalars(text('select report_id::text from "case"')))
        told = await session.scalars(text("select subject from outbox where type = 'reporter_update.shared.v1'"))
        notes = await session.scalars(text("select case_id from note where shared"))
        assert Counter(map(str, told)) == dict.fromkeys(reports, 1)
        assert set(Counter(notes).values()) == {1}
    assert await links(triage, "note_shared") == 4


async def test_a_merged_case_is_told_alone_if_the_one_it_follows_is_left_out(
    triage: Triage, client: AsyncClient
) -> None:
    (merged, _), (main, _) = await opened(triage, 2)
    await do(client, "merge", [(merged, 1)], into=main)
    answer = await do(client, "message", [(merged, 2), (main, 9)])
    assert problems(answer) == ["", "case-changed"]
    assert await links(triage, "note_shared") == 1


async def test_few_cases_are_done_before_the_answer_however_many_follow_them(
    triage: Triage, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = await opened(triage, 6)
    for main in (0, 3):
        await do(client, "merge", chosen[main + 1 : main + 3], into=chosen[main][0])
    now = await now_there(triage)
    await do(client, "claim", [now[0], now[3]])
    now = await now_there(triage)
    monkeypatch.setattr(domain, "AT_ONCE", 2)
    answer = await do(client, "transfer", [now[0], now[3]])
    assert (answer.status_code, answer.json()["state"], problems(answer)) == (200, "done", ["", ""])
    undone = await client.post(f"{BULK}/{answer.json()['bulk_id']}/undo", json={})
    assert (undone.json()["state"], problems(undone)) == ("undone", ["", ""])
    now = await now_there(triage)
    monkeypatch.setattr(domain, "MOST", 5)
    monkeypatch.setattr(handlers, "CHUNK", 4)
    answer = await do(client, "message", [now[0], now[3]])
    assert (answer.status_code, answer.json()["state"]) == (202, "running")
    seen = []
    while await sweep(triage):
        seen.append(await links(triage, "note_shared"))
    assert seen == [3, 6]


async def test_a_long_bulk_merge_is_undone_as_long_as_its_page_says(triage: Triage, client: AsyncClient) -> None:
    chosen = await opened(triage, 2)
    done = await do(client, "merge", chosen[1:], into=chosen[0][0])
    async with triage.database.transaction() as session:  # as if many more cases had been merged meanwhile
        ended = triage.clock.now() + timedelta(minutes=3)
        await session.execute(update(BulkRow).values(finished_at=ended))
    triage.clock.move(timedelta(minutes=12))
    client.headers.update(triage.bearer(Role.SMART_RESPONDER))
    undone = await client.post(f"{BULK}/{done.json()['bulk_id']}/undo", json={})
    assert (undone.status_code, problems(undone)) == (200, [""])


async def test_what_others_hear_of_an_undone_action(triage: Triage, client: AsyncClient) -> None:
    await do(client, "claim", await opened(triage, 1))
    for action in ("resolve", "transfer"):
        done = await do(client, action, await now_there(triage))
        await client.post(f"{BULK}/{done.json()['bulk_id']}/undo", json={})
    async with triage.database.transaction() as session:
        told = (await session.scalars(text("select type from outbox order by id"))).all()
    assert told == [
        f"case.{what}.v1"
        for what in ("opened", "routed", "claimed", "resolved", "reopened", "transferred", "transferred")
    ]


async def test_a_case_that_is_refused_says_why_and_leaves_the_others(triage: Triage, client: AsyncClient) -> None:
    chosen = list(await opened(triage, 3))
    await open_cases(triage.database, incident())
    *_, hidden = await now_there(triage)
    async with triage.client() as other:
        other.headers.update(triage.bearer(Role.SMART_RESPONDER, subject="S4009"))
        await do(other, "claim", chosen[1:2])
    wanted = [chosen[0], (chosen[1][0], 2), (chosen[2][0], 7), hidden, (str(uuid4()), 1)]
    answer = await do(client, "claim", wanted)
    assert answer.status_code == 200
    said = dict(zip((one["case_id"] for one in answer.json()["results"]), problems(answer), strict=True))
    assert [said[case_id] for case_id, _ in wanted] == [
        "", "case-claimed-by-another", "case-changed", "case-not-found", "case-not-found",
    ]  # fmt: skip
    [refused] = [one["problem"] for one in answer.json()["results"] if one["case_id"] == chosen[1][0]]
    assert refused["title"] == "Another responder has this case"
    shown = answer.json()["results"]
    assert {tuple(one["problem"].items()) for one in shown if one["case_id"] in {hidden[0], wanted[4][0]}} == {
        tuple(one["problem"].items()) for one in shown if one["case_id"] == hidden[0]
    }


async def test_what_someone_changed_since_is_not_undone(triage: Triage, client: AsyncClient) -> None:
    done = await do(client, "claim", await opened(triage, 2))
    (first, _), (second, _) = await now_there(triage)
    await client.post(f"{CASES}/{first}/notes", json={"text": "Mine"}, headers={"If-Match": '"2"'})
    undone = await client.post(f"{BULK}/{done.json()['bulk_id']}/undo", json={})
    assert problems(undone) == ["case-moved-on", ""]
    assert [(await client.get(f"{CASES}/{case}")).json()["assignee"] for case in (first, second)] == ["S4001", None]
    later = (await client.get(f"{BULK}/{done.json()['bulk_id']}")).json()
    assert (later["state"], later["undo_until"], later["undone"]) == ("undone", None, undone.json()["results"])


async def test_a_case_is_not_put_back_by_whom_it_is_now_kept_from(triage: Triage, client: AsyncClient) -> None:
    await do(client, "claim", await opened(triage, 1))
    done = await do(client, "resolve", await now_there(triage))
    [(case, version)] = await now_there(triage)
    assert (await client.post(f"{CASES}/{case}/conflict")).status_code == 204
    assert await now_there(triage) == [(case, version)]
    assert problems(await client.post(f"{BULK}/{done.json()['bulk_id']}/undo", json={})) == ["case-not-found"]


async def test_only_who_did_it_sees_it_and_undoes_it_within_ten_minutes(triage: Triage, client: AsyncClient) -> None:
    done = (await do(client, "claim", await opened(triage, 1))).json()
    address = f"{BULK}/{done['bulk_id']}"
    async with triage.client() as lead:
        lead.headers.update(triage.bearer(Role.SMART_LEAD, subject="S4002"))
        assert [(await lead.get(address)).status_code, (await lead.post(f"{address}/undo")).status_code] == [404, 404]
    triage.clock.move(domain.UNDO_FOR + timedelta(seconds=1))
    late = await client.post(f"{address}/undo", json={})
    assert (late.status_code, late.json()["type"]) == (409, f"{PROBLEM}undo-over")
    assert (await client.post(f"{BULK}/{uuid4()}/undo", json={})).status_code == 404


async def test_a_deadline_that_was_announced_meanwhile_is_not_announced_again(
    triage: Triage, client: AsyncClient
) -> None:
    await do(client, "claim", await opened(triage, 1))
    done = await do(client, "resolve", await now_there(triage))
    async with triage.database.transaction() as session:
        clock = (await session.scalars(select(DeadlineRow))).one()
        clock.at_risk_told_at = clock.missed_at = triage.clock.now()
    await client.post(f"{BULK}/{done.json()['bulk_id']}/undo", json={})
    async with triage.database.transaction() as session:
        clock = (await session.scalars(select(DeadlineRow))).one()
        assert clock.missed_at == triage.clock.now()


async def test_more_than_a_hundred_go_on_behind_the_answer_and_each_is_done_once(
    triage: Triage, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "AT_ONCE", 3)
    monkeypatch.setattr(handlers, "CHUNK", 2)
    answer = await do(client, "message", await opened(triage, 5))
    assert (answer.status_code, answer.json()["state"], answer.json()["results"]) == (202, "running", [])
    address = f"{BULK}/{answer.json()['bulk_id']}"
    assert (await client.post(f"{address}/undo", json={})).json()["type"] == f"{PROBLEM}bulk-running"
    seen = []
    while (so_far := (await client.get(address)).json())["state"] == "running":
        seen.append(len(so_far["results"]))
        with pytest.raises(Killed):
            await sweep(triage, killed=True)
        await sweep(triage)
    assert (seen, len(so_far["results"])) == ([0, 2, 4], 5)
    assert await sweep(triage) == 0
    assert await links(triage, "note_shared") == 5
    async with triage.database.transaction() as session:
        row = (await session.scalars(select(BulkRow))).one()
        assert (row.words, row.viewer) == (None, None)


async def test_many_cases_are_put_back_behind_the_answer_each_family_at_once(
    triage: Triage, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = await opened(triage, 6)
    await do(client, "merge", chosen[1:3], into=chosen[0][0])
    await do(client, "claim", [one for one in await now_there(triage) if one not in {(c, 2) for c, _ in chosen[1:3]}])
    before = await fields(triage)
    now = await now_there(triage)
    answer = await do(client, "transfer", [now[0], *now[3:]])
    assert problems(answer) == [""] * 4
    monkeypatch.setattr(domain, "AT_ONCE", 3)
    monkeypatch.setattr(handlers, "CHUNK", 2)
    address = f"{BULK}/{answer.json()['bulk_id']}"
    asked = await client.post(f"{address}/undo", json={})
    assert (asked.status_code, asked.json()["state"], asked.json()["results"]) == (200, "undoing", [])
    triage.clock.move(domain.UNDO_FOR * 2)
    seen = []
    client.headers.update(triage.bearer(Role.SMART_RESPONDER))
    while (so_far := (await client.get(address)).json())["state"] == "undoing":
        seen.append(len(so_far["undone"]))
        with pytest.raises(Killed):
            await sweep(triage, killed=True)
        await sweep(triage)
    assert (seen, problems(await client.post(f"{address}/undo", json={}))) == ([0, 1, 3], [""] * 4)
    assert await fields(triage) == before
    assert await links(triage, "bulk_undone") == 6
    async with triage.database.transaction() as session:
        assert await session.scalar(select(BulkRow.viewer).where(BulkRow.action == "transfer")) is None


async def test_a_case_stays_with_those_that_are_merged_into_it_if_one_of_them_changed(
    triage: Triage, client: AsyncClient
) -> None:
    (main, _), (merged, _) = await opened(triage, 2)
    await do(client, "merge", [(merged, 1)], into=main)
    await do(client, "claim", [(main, 2)])
    answer = await do(client, "transfer", [(main, 3)])
    async with triage.client() as other:
        other.headers.update(triage.bearer(Role.SIRT_RESPONDER, subject="S4009"))
        match = {"If-Match": f'"{(await now_there(triage))[1][1]}"'}
        noted = await other.post(f"{CASES}/{merged}/notes", json={"text": "Theirs"}, headers=match)
        assert noted.status_code == 200, noted.text
        undone = await client.post(f"{BULK}/{answer.json()['bulk_id']}/undo", json={})
        assert problems(undone) == ["case-moved-on"]
        assert {(await other.get(f"{CASES}/{one}")).json()["team"] for one in (main, merged)} == {"sirt"}


async def test_to_resolve_claims_first_what_no_one_has_and_both_are_put_back(
    triage: Triage, client: AsyncClient
) -> None:
    chosen = await opened(triage, 2)
    before = await fields(triage)
    answer = await do(client, "resolve", [chosen[0], (chosen[1][0], 7)])
    assert problems(answer) == ["", "case-changed"]
    assert (await links(triage, "claimed"), await links(triage, "resolved")) == (1, 1)
    assert problems(await client.post(f"{BULK}/{answer.json()['bulk_id']}/undo", json={})) == [""]
    assert await fields(triage) == before


async def test_two_processes_share_what_is_to_be_done(
    triage: Triage, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(domain, "AT_ONCE", 0)
    await do(client, "claim", await opened(triage, 2))
    async with triage.database.transaction() as one, triage.database.transaction() as other:
        assert await go_on(one, triage.clock.now()) == 2
        assert await go_on(other, triage.clock.now()) == 0
    assert await links(triage, "claimed") == 2


async def test_a_case_with_which_something_goes_wrong_stops_no_other(
    triage: Triage, client: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = await opened(triage, 2)
    real = handlers.DO[domain.Action.CLAIM]

    async def broken(work: Work, item: Item, order: Order) -> Case:
        case = await real(work, item, order)
        if str(item.case_id) == chosen[0][0]:
            raise RuntimeError("words of a person")
        return case

    monkeypatch.setitem(handlers.DO, domain.Action.CLAIM, broken)
    assert problems(await do(client, "claim", chosen)) == ["failed", ""]
    assert [version for _, version in await now_there(triage)] == [1, 2]


class Killed(Exception):
    """The process dies before its transaction is committed."""


async def sweep(triage: Triage, *, killed: bool = False) -> int:
    async with triage.database.transaction() as session:
        count = await go_on(session, triage.clock.now())
        if killed:
            raise Killed
        return count


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"action": "exempt"}, "action"),
        ({"action": "claim", "items": []}, "items"),
        ({"action": "claim", "team": "sirt"}, "team"),
        ({"action": "assign"}, "assignee"),
        ({"action": "assign", "assignee": "not a number"}, "assignee"),
        ({"action": "transfer"}, "team"),
        ({"action": "message"}, "text"),
        ({"action": "message", "text": " "}, "text"),
        ({"action": "resolve"}, "outcome"),
        ({"action": "merge"}, "into"),
        ({"action": "resolve", "outcome": "duplicate", "text": "no"}, "text"),
        ({"action": "claim", "items": [{"case_id": "x", "version": 1}]}, "case_id"),
        ({"action": "claim", "items": [{"case_id": str(UUID(int=1)), "version": 1}] * 2}, "items"),
        ({"action": "claim", "items": [{"case_id": str(UUID(int=i)), "version": 1} for i in range(1001)]}, "items"),
    ],
)
async def test_a_bad_body_names_its_field(client: AsyncClient, body: dict[str, object], field: str) -> None:
    whole = {"items": [{"case_id": str(UUID(int=1)), "version": 1}], **body}
    answer = await client.post(BULK, json=whole)
    assert answer.status_code == 422
    assert field in answer.json()["errors"][0]["field"]


async def test_bulk_actions_are_forgotten_after_a_week(triage: Triage, client: AsyncClient) -> None:
    await do(client, "claim", await opened(triage, 2))
    for days, left in ((6, 2), (8, 0)):
        triage.clock.move(timedelta(days=days))
        async with triage.database.transaction() as session:
            await handlers.forget(session, triage.clock.now())
            assert len((await session.scalars(select(BulkItem))).all()) == left


async def test_a_restricted_case_is_no_case_for_whom_it_is_kept_from(triage: Triage, client: AsyncClient) -> None:
    await open_cases(triage.database, report(suspected=({"relation": "colleague", "staff_id": "S4001"},)), misuse())
    answer = await do(client, "claim", await now_there(triage))
    assert set(problems(answer)) == {"case-not-found"}
    assert await links(triage, "claimed") == 0
