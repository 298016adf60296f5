"""What a reporter can do with a report after sending it: write, answer, agree, ask again, withdraw."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from httpx import AsyncClient
from sqlalchemy import text

from services.intake.reports.domain import MOST_ADDITIONS
from services.intake.reports.tables import ReportAdditionRow
from shared.events.intake import AbuseReportAmended, MessageSent
from tests.services.intake.conftest import START, Intake, small_body
from tests.services.intake.forms.browser import answer, token_in
from tests.services.intake.reports.bodies import ENQUIRY, KINDS
from tests.services.intake.reports.test_api import ADDRESS
from tests.services.intake.tracking.test_follow import STATUS, case_events, reported, tell
from tests.services.intake.tracking.test_updates import hear, shared

ABUSE_BODY = small_body()
KINDS_AND_BODIES = {
    "abuse": (ADDRESS, ABUSE_BODY),
    **{name: (kind.address, dict(kind.body)) for name, kind in KINDS.items()},
}


async def events(intake: Intake) -> list[tuple[str, int, dict[str, object]]]:
    """Return the events that other services get, in order: type, sequence, content."""
    async with intake.database.transaction() as session:
        rows = (await session.execute(text("select type, sequence, value from outbox order by id"))).all()
    return [(row.type, row.sequence, json.loads(row.value)) for row in rows]


async def scalar(intake: Intake, query: str) -> object:
    async with intake.database.transaction() as session:
        return await session.scalar(text(query))


async def status(client: AsyncClient, reference: str, headers: dict[str, str]) -> dict[str, object]:
    return dict((await client.get(f"{STATUS}/{reference}", headers=headers)).json())


@pytest.mark.policy("S3", "R-c", "C-c")
@pytest.mark.parametrize("name", sorted(KINDS_AND_BODIES))
async def test_what_is_added_is_a_message_on_the_topic_of_its_report(
    intake: Intake, client: AsyncClient, name: str
) -> None:
    address, body = KINDS_AND_BODIES[name]
    report = (await client.post(address, json=body, headers=intake.token())).json()
    where, intake.clock.time = f"{STATUS}/{report['reference']}", START + timedelta(hours=1)
    added = await client.post(f"{where}/additions", json={"text": "It goes on."}, headers=intake.token())
    assert added.status_code == 201, added.text
    assert added.json()["additions"] == [{"at": "2026-11-23T11:42:00Z", "kind": "more", "text": "It goes on."}]
    [item] = (await client.get(f"{where}/messages", headers=intake.token())).json()["items"]
    _, (kind, sequence, sent) = await events(intake)
    assert (kind, sequence) == (MessageSent.TYPE, 2)
    assert sent == {
        "report_id": report["report_id"],
        "reference": report["reference"],
        "at": "2026-11-23T11:42:00Z",
        "message_id": item["message_id"],
        "kind": "more",
        "text": "It goes on.",
    }
    assert await scalar(intake, "select count(distinct topic) from outbox") == 1


@pytest.mark.parametrize("name", sorted(KINDS_AND_BODIES))
async def test_a_report_is_withdrawn_once_and_stays(intake: Intake, client: AsyncClient, name: str) -> None:
    address, body = KINDS_AND_BODIES[name]
    report = (await client.post(address, json=body, headers=intake.token())).json()
    for _ in range(2):
        gone = await client.post(f"{STATUS}/{report['reference']}/withdrawal", headers=intake.token())
        assert (gone.status_code, gone.json()["withdrawn_at"]) == (200, "2026-11-23T10:42:00Z")
        intake.clock.move(timedelta(hours=1))
    (first, *_), (second, sequence, withdrawn) = await events(intake)
    assert (second, sequence) == (f"{first.rpartition('.')[0].rpartition('.')[0]}.withdrawn.v1", 2)
    assert withdrawn == {
        "report_id": report["report_id"],
        "reference": report["reference"],
        "at": "2026-11-23T10:42:00Z",
    }


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": " \u200b"}, "text"),
        ({"text": "y" * 50_001}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"text": 5}, "text"),
        ({"text": "a", "more": 1}, "more"),
    ],
)
async def test_what_cannot_be_added_is_refused(
    intake: Intake, client: AsyncClient, body: dict[str, object], field: str
) -> None:
    report = await reported(client, intake.token())
    where = f"{STATUS}/{report['reference']}/additions"
    refused = await client.post(where, json=body, headers=intake.token())
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, field)
    assert len(await events(intake)) == 1


async def test_a_second_click_adds_nothing(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    for _ in range(2):
        where = f"{STATUS}/{report['reference']}/additions"
        assert (await client.post(where, json={"text": "Once"}, headers=intake.token())).status_code == 201
    assert len(await events(intake)) == 2


async def test_nobody_adds_without_end(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    async with intake.database.transaction() as session:
        session.add_all(
            ReportAdditionRow(report_id=UUID(report["report_id"]), added_at=START, kind="more", text=str(number))
            for number in range(MOST_ADDITIONS)
        )
    refused = await client.post(
        f"{STATUS}/{report['reference']}/additions", json={"text": "More"}, headers=intake.token()
    )
    assert refused.status_code == 409


async def test_only_who_may_follow_a_report_may_change_it(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client)
    where = f"{STATUS}/{report['reference']}"
    strangers: tuple[dict[str, str], ...] = ({}, intake.token(), {"receipt-code": "0000-0000-0000-0000-0000"})
    for headers in strangers:
        assert (await client.post(f"{where}/additions", json={"text": "I"}, headers=headers)).status_code == 404
        assert (await client.post(f"{where}/withdrawal", headers=headers)).status_code == 404
    code = {"receipt-code": report["receipt_code"]}
    assert (await client.post(f"{where}/additions", json={"text": "Me"}, headers=code)).status_code == 201
    assert (await client.post(f"{where}/withdrawal", headers=code)).status_code == 200


async def test_no_page_of_a_report_opens_for_a_stranger(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client, intake.token())
    async with intake.client(**intake.session("S1002")) as stranger:
        token = token_in(await stranger.get("/report/track"))
        for page in ("add", "withdraw"):
            assert (await stranger.get(f"/report/track/{report['reference']}/{page}")).status_code == 404
        for page in ("add", "agree", "ask-again", "withdraw"):
            path = f"/report/track/{report['reference']}/{page}"
            assert (await stranger.post(path, data={"text": "I", "csrftoken": token})).status_code == 404
    assert len(await events(intake)) == 1


async def test_the_teams_question_is_answered_on_its_page(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        report = await reported(client, intake.token())
        where = f"/report/track/{report['reference']}"
        await tell(intake, *case_events(UUID(report["report_id"]))[:2])
        await hear(intake, shared(report["report_id"], "Is it still there?", START + timedelta(minutes=6), asks=True))
        assert "Answer the team’s question" in (await client.get(where)).text
        page = await client.get(f"{where}/add")
        assert "Is it still there?" in page.text
        intake.clock.move(timedelta(minutes=10))
        assert (await answer(client, f"{where}/add", {"text": "Yes, it is."})).headers["location"] == f"{where}#newest"
        shown = (await client.get(where)).text
    assert "Yes, it is." in shown
    assert "The team has asked you for information" not in shown
    *_, (_, _, sent) = await events(intake)
    assert (sent["kind"], sent["text"]) == ("answer", "Yes, it is.")


async def test_a_bad_addition_comes_back_with_what_was_typed(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        report = await reported(client, intake.token())
        where = f"/report/track/{report['reference']}/add"
        for typed, kept in (("", ""), ("kept\0words", "keptwords"), ("y" * 50_001, "y" * 50_001)):
            page = await answer(client, where, {"text": typed})
            assert page.status_code == 422
            assert 'href="#text"' in page.text
            assert kept in page.text
        body = b"text=caf%E9+kept&csrftoken=" + token_in(await client.get(where)).encode()
        kind = {"content-type": "application/x-www-form-urlencoded"}
        assert "kept" in (await client.post(where, content=body, headers=kind)).text
    assert len(await events(intake)) == 1


@pytest.mark.policy("S3")
async def test_who_asked_to_be_asked_first_agrees_and_the_manager_can_be_told(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        body = small_body(manager_alert="ask_me_first")
        report = (await client.post(ADDRESS, json=body, headers=intake.token())).json()
        where = f"/report/track/{report['reference']}"
        page = await client.get(where)
        assert "Tell my manager now" in page.text
        agreed = await client.post(f"{where}/agree", data={"csrftoken": token_in(page)})
        assert agreed.headers["location"] == where
        assert "Tell my manager now" not in (await client.get(where)).text
        assert (await client.post(f"{where}/agree", data={"csrftoken": token_in(page)})).status_code == 409
    *_, (kind, _, amended) = await events(intake)
    assert (kind, amended["manager_alert"]) == (AbuseReportAmended.TYPE, "yes")


async def test_a_team_is_asked_again_once_a_day(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        report = await reported(client, intake.token())
        where = f"/report/track/{report['reference']}"
        offered = []
        for hours in (1, 24, 23, 2):
            intake.clock.move(timedelta(hours=hours))
            client.cookies.update(intake.session())
            page = await client.get(where)
            offered.append("Ask the team for an update" in page.text)
            asked = await client.post(f"{where}/ask-again", data={"csrftoken": token_in(page)})
            assert asked.status_code == (303 if offered[-1] else 409)
    assert offered == [False, True, False, True]
    sent = [said["kind"] for kind, _, said in await events(intake) if kind == MessageSent.TYPE]
    assert sent == ["asked_again", "asked_again"]


async def test_withdrawing_asks_to_confirm(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        report = await reported(client, intake.token())
        where = f"/report/track/{report['reference']}"
        assert f'href="{where}/withdraw"' in (await client.get(where)).text
        assert "Do you want to withdraw your report?" in (await client.get(f"{where}/withdraw")).text
        assert len(await events(intake)) == 1
        assert (await answer(client, f"{where}/withdraw", {})).headers["location"] == where
        page = (await client.get(where)).text
        assert "You withdrew it on" in page
        assert f'href="{where}/withdraw"' not in page
        assert "There is nothing to withdraw" in (await client.get(f"{where}/withdraw")).text


async def test_an_anonymous_reporter_adds_on_the_page_that_the_code_opens(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client)
    code = {"reference": report["reference"], "receipt_code": report["receipt_code"]}
    assert (await answer(client, "/report/track", code)).status_code == 303
    where = f"/report/track/{report['reference']}"
    assert (await answer(client, f"{where}/add", {"text": "Without a name"})).status_code == 303
    *_, (_, _, sent) = await events(intake)
    assert sent["text"] == "Without a name"


async def test_a_question_offers_adding_too(intake: Intake) -> None:
    async with intake.client(**intake.session()) as client:
        report = (await client.post(ENQUIRY.address, json=ENQUIRY.body, headers=intake.token())).json()
        page = (await client.get(f"/report/track/{report['reference']}")).text
        assert "Add information" in page
        assert "Your manager" not in page
