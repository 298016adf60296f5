"""One conversation a report, in time order: the same by page and by API, for every kind and every way to report."""

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient

from services.intake.conversation.domain import SENT_TWICE_WITHIN
from services.intake.reports.domain import MOST_ADDITIONS
from services.intake.reports.tables import ReportAdditionRow
from shared.events.envelope import Event
from shared.events.triage import CaseOpened, CaseReopened, CaseResolved
from shared.events.vocabulary import CaseState, Outcome, Priority, Team
from tests.services.intake.conftest import START, Intake, small_body
from tests.services.intake.forms.browser import answer
from tests.services.intake.reports.bodies import KINDS
from tests.services.intake.reports.test_api import ADDRESS
from tests.services.intake.tracking.test_follow import STATUS, reported, tell
from tests.services.intake.tracking.test_updates import hear, shared

MINUTE = timedelta(minutes=1)
BODIES: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "abuse": (ADDRESS, small_body()),
    **{name: (kind.address, kind.body) for name, kind in KINDS.items()},
}
WHO = [(kind, way) for kind in BODIES for way in ("named", "confidential")] + [("abuse", "anonymous")]


@dataclass(frozen=True)
class Told:
    """A report, and how its reporter follows it."""

    report_id: str
    messages: str
    page: str
    headers: dict[str, str]
    client: AsyncClient

    async def writes(self, way: str, text: str) -> None:
        """Send `text` by the page or by the API."""
        if way == "page":
            sent = await answer(self.client, f"{self.page}/add", {"text": text})
            assert (sent.status_code, sent.headers["location"]) == (303, f"{self.page}#newest"), sent.text
        else:
            sent = await self.client.post(self.messages, json={"text": text}, headers=self.headers)
            assert sent.status_code == 201, sent.text

    async def items(self) -> list[dict[str, object]]:
        read = await self.client.get(self.messages, headers=self.headers)
        assert read.status_code == 200, read.text
        return list(read.json()["items"])


@asynccontextmanager
async def telling(intake: Intake, kind: str, way: str) -> AsyncIterator[Told]:
    """Send a report of `kind`, and give what its reporter has in their browser and their script."""
    address, body = BODIES[kind]
    cookies = {} if way == "anonymous" else intake.session()
    async with intake.client(**cookies) as client:
        headers = {} if way == "anonymous" else intake.token()
        sent = await client.post(address, json={**body, "confidential": way == "confidential"}, headers=headers)
        assert sent.status_code == 201, sent.text
        report = sent.json()
        if way == "anonymous":
            headers = {"receipt-code": report["receipt_code"]}
            code = {"reference": report["reference"], "receipt_code": report["receipt_code"]}
            assert (await answer(client, "/report/track", code)).status_code == 303
        reference = report["reference"]
        page = f"/report/track/{reference}"
        yield Told(report["report_id"], f"{STATUS}/{reference}/messages", page, headers, client)


def finished(kind: str, report_id: str, minute: int) -> tuple[tuple[int, Event], tuple[int, Event]]:
    """Return the events of a case that ends."""
    about = {"case_id": uuid4(), "report_id": report_id, "reference": "SP-0000-0000", "team": Team.SMART}
    opened = {**about, "at": START, "report_type": kind, "priority": Priority.P3}
    resolved = {**about, "at": START + minute * MINUTE, "outcome": Outcome.ADVICE_GIVEN}
    return (1, CaseOpened.model_validate(opened)), (2, CaseResolved.model_validate(resolved))


SAID = (
    ("team", "Which post is it?"),
    ("page", "The first one"),
    ("api", "And the second"),
    ("team", "Thank you both."),
    ("page", "Bye"),
)


@pytest.mark.policy("S3", "R-c", "C-c", "X1", "C-e")
@pytest.mark.parametrize(("kind", "way"), WHO)
async def test_both_sides_are_one_conversation_in_time_order(intake: Intake, kind: str, way: str) -> None:
    async with telling(intake, kind, way) as told:
        assert await told.items() == []
        for minute, (edge, text) in enumerate(SAID, start=1):
            intake.clock.time = at = START + minute * MINUTE
            if edge == "team":
                await hear(intake, shared(told.report_id, text, at, asks="?" in text))
            else:
                await told.writes(edge, text)
        await tell(intake, *finished(kind, told.report_id, 6))
        items, page = await told.items(), (await told.client.get(told.page)).text
    ended = None if kind == "misuse" else "Advice was given."
    assert [(item["kind"], item["from"], item.get("text"), item["answers_question"]) for item in items] == [
        ("question", "team", "Which post is it?", False),
        ("message", "reporter", "The first one", True),
        ("message", "reporter", "And the second", False),
        ("update", "team", "Thank you both.", False),
        ("message", "reporter", "Bye", False),
        ("outcome", "team", ended, False),
    ]
    assert [item["at"] for item in items] == [f"2026-11-23T10:{42 + minute}:00Z" for minute in range(1, 7)]
    assert [bool(item.get("message_id")) for item in items] == [item["from"] == "reporter" for item in items]
    assert re.findall(r'signpost-text">([^<]*)</p>', page) == [item["text"] for item in items if "text" in item]
    said = re.findall(r"<strong>(The team|You)</strong>\s+([a-z ]+[a-z])", page)
    assert said == [
        ("The team", "asked you for information"),
        ("You", "answered"),
        ("You", "wrote"),
        ("The team", "wrote"),
        ("You", "wrote"),
        ("The team", "finished"),
    ]


async def test_how_it_ended_stays_said_when_the_team_goes_back_to_work(intake: Intake) -> None:
    async with telling(intake, "abuse", "named") as told:
        opened, resolved = finished("abuse", told.report_id, 6)
        assert isinstance(resolved[1], CaseResolved)
        again = {**resolved[1].model_dump(), "at": START + 8 * MINUTE, "state": CaseState.IN_PROGRESS}
        await tell(intake, opened, resolved, (3, CaseReopened.model_validate(again)))
        intake.clock.time = START + 9 * MINUTE
        await told.writes("page", "Thank you")
        items, page = await told.items(), (await told.client.get(told.page)).text
    assert [(item["kind"], item["at"]) for item in items] == [
        ("outcome", "2026-11-23T10:48:00Z"),
        ("message", "2026-11-23T10:51:00Z"),
    ]
    assert "How it ended" not in page


async def test_what_was_erased_is_said_to_be(intake: Intake) -> None:
    async with telling(intake, "misuse", "named") as told:
        await told.writes("page", "Of a union")
        opened, resolved = finished("misuse", told.report_id, 6)
        assert isinstance(resolved[1], CaseResolved)
        exempt = resolved[1].model_copy(update={"outcome": Outcome.EXEMPT})
        await tell(intake, opened, (2, exempt))
        items, page = await told.items(), (await told.client.get(told.page)).text
    assert [(item["kind"], item.get("text")) for item in items] == [("message", None), ("outcome", None)]
    assert ("The text was erased." in page, "Of a union" in page) == (True, False)


SENT = [
    # what happens between two messages with the same words → how many there are
    ("nothing", timedelta(0), 1),
    ("nothing", SENT_TWICE_WITHIN, 1),
    ("nothing", SENT_TWICE_WITHIN + timedelta(seconds=1), 2),
    ("the team asks", MINUTE, 2),
]


@pytest.mark.parametrize(("between", "after", "messages"), SENT)
async def test_the_same_words_are_one_message_unless_they_say_something_new(
    intake: Intake, client: AsyncClient, between: str, after: timedelta, messages: int
) -> None:
    report, token = await reported(client, intake.token()), intake.token()
    where, sent = f"{STATUS}/{report['reference']}/messages", []
    await hear(intake, shared(report["report_id"], "Is it there?", START - MINUTE, asks=True))
    for _ in range(2):
        sent.append((await client.post(where, json={"text": "Yes"}, headers=token)).json())
        if between != "nothing":
            await hear(intake, shared(report["report_id"], "And now?", intake.clock.now() + after / 2, asks=True))
        intake.clock.move(after)
    said = [item for item in (await client.get(where, headers=token)).json()["items"] if item["kind"] == "message"]
    assert said == [dict(entry) for entry in {entry["message_id"]: entry for entry in sent}.values()]
    assert len(said) == messages


async def test_only_who_may_follow_a_report_reads_or_writes(intake: Intake, client: AsyncClient) -> None:
    report = await reported(client)
    where = f"{STATUS}/{report['reference']}/messages"
    strangers: tuple[dict[str, str], ...] = ({}, intake.token(), {"receipt-code": "0000-0000-0000-0000-0000"})
    for headers in strangers:
        assert (await client.get(where, headers=headers)).status_code == 404
        assert (await client.post(where, json={"text": "I"}, headers=headers)).status_code == 404


async def test_enough_is_said_beside_the_field_and_what_was_typed_stays(intake: Intake) -> None:
    async with telling(intake, "abuse", "named") as told:
        async with intake.database.transaction() as session:
            session.add_all(
                ReportAdditionRow(report_id=UUID(told.report_id), added_at=START, kind="more", text=str(number))
                for number in range(MOST_ADDITIONS)
            )
        page = await answer(told.client, f"{told.page}/add", {"text": "One more"})
        refused = await told.client.post(told.messages, json={"text": "One more"}, headers=told.headers)
    assert (page.status_code, refused.status_code) == (422, 409)
    assert "You have written 100 times about this report." in page.text
    assert ">One more</textarea>" in page.text


async def test_what_earlier_versions_kept_is_shown_as_before(intake: Intake) -> None:
    async with telling(intake, "abuse", "named") as told:
        async with intake.database.transaction() as session:
            for minute, (kind, text) in enumerate((("more", "Old words"), ("agreed", None), ("asked_again", "?"))):
                at = START + minute * MINUTE
                session.add(ReportAdditionRow(report_id=UUID(told.report_id), added_at=at, kind=kind, text=text))
        items, page = await told.items(), (await told.client.get(told.page)).text
    assert [(item["kind"], item.get("text"), "message_id" in item) for item in items] == [
        ("message", "Old words", False),
        ("agreed", None, False),
        ("asked_again", None, False),
    ]
    assert re.findall(r"<strong>You</strong>\s+([a-z ]+[a-z])", page) == [
        "wrote",
        "agreed that we tell your manager",
        "asked for an update",
    ]
